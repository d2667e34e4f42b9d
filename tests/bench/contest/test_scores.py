from dataclasses import replace

import numpy as np
import pytest

from bench.contest.runs import AXES, CHARGED, ROLLOUTS, read_runs, reduced
from bench.contest.scores import in_order, score
from bench.store import Store
from bench.summary import standings, summarize
from tests.bench.contest.helpers import runs
from tests.bench.helpers import synthetic_cell, synthetic_cells

ENDS = {
    "base": {"shuffle": 0.4, "bots": 0.5, "bots:tuned": 0.55, "oracle-gain": 0.6},
    "jump": {"shuffle": 0.4, "bots": 0.35, "bots:tuned": 0.4, "oracle-gain": 0.8},
}


def test_shuffle_scores_0_and_the_gain_oracle_1_on_average():
    scores = score(runs(ENDS))
    at = scores.strategies.index
    for axis in AXES:
        np.testing.assert_array_equal(scores.scores[axis][at("shuffle")], 0)
    np.testing.assert_allclose(scores.scores[ROLLOUTS][at("oracle-gain")].mean(axis=-1), 1)
    np.testing.assert_allclose(scores.scores[ROLLOUTS][at("bots")].mean(axis=-1), [0.5, -0.125])


def test_mean_scores_are_those_of_the_report():
    cells = synthetic_cells(ENDS)
    scores = score([reduced(cell) for cell in cells])
    found = dict(zip(scores.strategies, scores.scores[ROLLOUTS].mean(axis=(1, 2)), strict=True))
    for standing in standings(summarize(cells)):
        assert found[standing.strategy] == pytest.approx(standing.score.value, abs=1e-12)


def test_scenarios_without_a_unit_are_those_of_the_report_and_are_named():
    ends = ENDS | {
        "gap": {"shuffle": 0.8, "bots": 0.9, "oracle-gain": 0.805},
        "tiny": {"shuffle": 0.4, "bots": 0.5},
    }
    cells = synthetic_cells(ends)
    scores = score([reduced(cell) for cell in cells])
    without = {row.setting for row in summarize(cells) if not row.headroom_S.size}
    assert set(scores.left_out) == without == {"gap", "tiny"}
    assert scores.scenarios == ("base", "jump")
    with pytest.raises(ValueError, match=r"no scenario has a unit.*gap: oracle-gain gains 0\.005"):
        score([run for run in runs(ends) if run.cell.setting in without])


def test_a_run_whose_references_cost_more_than_the_budget_scores_its_start():
    cell = synthetic_cell("base", "bots", 0, 0.6)
    for offline, expected in ((0, 0.6), (40, 0.4), (80, 0.2), (10_000, 0.2)):
        run = reduced(replace(cell, extra=cell.extra | {"offline_rollouts": offline}))
        assert run.rate(CHARGED, run.budgets[CHARGED]) == pytest.approx(expected)
        assert run.rate(ROLLOUTS, run.budgets[ROLLOUTS]) == pytest.approx(0.6)


def test_cost_axes_charge_what_each_run_spends():
    cells = [
        synthetic_cell("base", name, seed, end, tokens)
        for seed in range(4)
        for name, end, tokens in (
            ("shuffle", 0.4, 100),
            ("bots", 0.5, 200),
            ("oracle-gain", 0.6, 100),
        )
    ]
    scores = score([reduced(cell) for cell in cells])
    bots = scores.strategies.index("bots")
    assert scores.scores["steps"][bots] == pytest.approx(0.5)
    assert scores.scores["tokens"][bots] == pytest.approx(-0.25)  # 0.35 instead of 0.4
    assert scores.scores["seconds"][bots] == pytest.approx(-0.25)


def test_missing_cells_are_not_a_number_and_seeds_without_the_oracle_do_not_count():
    lacking = [
        run
        for run in runs(ENDS)
        if (run.cell.strategy, run.cell.seed) not in (("bots", 2), ("oracle-gain", 4))
    ]
    scores = score(lacking)
    bots, shuffle = (scores.strategies.index(name) for name in ("bots", "shuffle"))
    assert scores.seeds == (0, 1, 2, 3, 5)
    assert np.isnan(scores.scores[ROLLOUTS][bots, :, 2]).all()
    assert not scores.complete_KM[bots].any()
    assert scores.complete_KM[shuffle].all()
    assert scores.num_seeds("base") == 5


def test_forward_passes_and_selection_count_within_the_budget():
    cell = synthetic_cell("base", "bots", 0, 0.6)
    passes = np.where(cell.columns["step"] > 0, 5.0, np.nan)
    run = reduced(replace(cell, columns=cell.columns | {"forward_passes": passes}))
    assert (run.forward_passes, run.selection_ms) == (50, 10_000)


def test_reading_refuses_what_cannot_be_compared(tmp_path):
    with pytest.raises(ValueError, match="no finished cell"):
        read_runs(tmp_path)
    store = Store(tmp_path)
    cell = synthetic_cell("base", "bots", 0, 0.6)
    store.save(cell)
    assert read_runs(tmp_path)[0].cell == cell.cell
    other = synthetic_cell("base", "shuffle", 0, 0.6)
    store.save(replace(other, config=other.config | {"steps": 9}))
    with pytest.raises(ValueError, match="different configurations"):
        read_runs(tmp_path)


def test_strategies_come_in_order_of_the_roster():
    given = {"bots:tuned", "my.module:factory", "bots", "shuffle", "mopps+pods"}
    assert in_order(given) == ["shuffle", "mopps+pods", "bots", "bots:tuned", "my.module:factory"]

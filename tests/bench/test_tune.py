"""Trials, their scores, the search, and the file of tuned options."""

import argparse
import logging
import math
import tomllib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench import strategies, tune
from bench.entry import Span
from bench.runner import Outcome
from bench.scenario_choice import split
from bench.settings import scenario_setting
from bench.store import Store
from bench.strategies import STRATEGIES, make_strategy, options
from bench.suites import SUITES, Suite
from bench.tuning import search as searching
from bench.tuning.score import FAILED, Runs
from bench.tuning.search import Course, Found, search
from bench.tuning.trials import Trial, trials
from bench.tuning.tuned_file import update
from tests.bench.helpers import TINY, synthetic_cell, synthetic_cells, tiny_setting

REPORTED = (
    *("base", "guru15", "ushape60", "noisy30", "prerequisites", "forget", "domains", "bad_refs"),
    *("tiny", "deepscaler_1_5b", "base@maxrl", "base@steep"),
)
TUNABLE = [name for name, entry in STRATEGIES.items() if entry.space]
COURSE = Course((tiny_setting(),), (1000, 1001))
SPACE = {"target": Span(0.3, 0.7)}
FIELD = [Trial("mopps"), *(Trial("mopps", {"target": 0.1 * k}) for k in range(3, 8))]


@pytest.fixture
def learning(monkeypatch):
    """Replaces runs by made-up ones that end where the test says; no entry: the cell fails."""
    ends: dict[Any, float] = {"shuffle": 0.3, "oracle-gain": 0.5}
    seen = []

    def run_cells(cells, store, workers, redo):
        for plan in cells:
            seen.append((plan.strategy, plan.seed))
            end = ends.get((plan.strategy, plan.seed), ends.get(plan.strategy))
            if end is None:
                store.save_failure(plan.cell, "ValueError: no")
            else:
                store.save(synthetic_cell(plan.setting.name, plan.strategy, plan.seed, end))
        return Outcome(len(cells), 0, 0)

    monkeypatch.setattr(searching, "run_cells", run_cells)
    return ends, seen


def named(name):
    return replace(tiny_setting(), name=name)


def winner(strategy, score):
    return Found(strategy, {"target": 0.4}, score, score, 12, 0, 96)


def given(*names, **changes):
    parser = argparse.ArgumentParser()
    tune.add_options(parser)
    options = parser.parse_args(names)
    vars(options).update(changes)
    return options


def test_tuning_and_reported_scenarios_are_disjoint():
    reported = {split(name)[0] for name in REPORTED}
    assert not reported & {split(scenario.name)[0] for scenario in tune.TUNING.scenarios}


def test_tuning_and_reported_seeds_are_disjoint():
    most = max(max(suite.num_seeds, *suite.fewer_seeds.values(), 0) for suite in SUITES.values())
    assert most <= min(tune.TUNING_SEEDS)


def test_a_larger_budget_adds_to_the_trials_of_a_smaller_one():
    few, many = (trials("bots", STRATEGIES["bots"].space, budget) for budget in (4, 9))
    assert few == many[:4]
    assert few[0] == Trial("bots")  # the published defaults


def test_strategies_of_one_space_are_tried_with_options_of_their_own():
    assert trials("bots", SPACE, 3)[1:] != trials("mopps", SPACE, 3)[1:]


@pytest.mark.parametrize("name", TUNABLE)
def test_every_trial_reads_back_as_it_was_drawn(name):
    for trial in trials(name, STRATEGIES[name].space, 30):
        assert options(trial.spec) == trial.options


def build(trial, scenario):
    preview = scenario_setting(scenario).preview
    assert preview is not None
    make_strategy(trial.spec, preview()[0], np.random.default_rng(0), None)


@pytest.mark.integration
@pytest.mark.parametrize("name", TUNABLE)
def test_the_defaults_can_be_built_wherever_they_are_tuned(name):
    for scenario in tune.TUNING.scenarios:
        build(Trial(name), scenario)


@pytest.mark.integration
@pytest.mark.parametrize("name", TUNABLE)
def test_every_trial_can_be_built(name):
    for trial in trials(name, STRATEGIES[name].space, tune.BUDGET):
        build(trial, tune.TUNING.scenarios[0])


def test_trials_differ_and_use_up_a_space_of_few_values():
    drawn = trials("mopps", {"target": (0.4, 0.5), "decay": (True, False)}, 12)
    assert len({trial.spec for trial in drawn}) == len(drawn) == 1 + 4


@pytest.mark.parametrize(
    "span", [Span(1.23456, 1.23461), Span(1e-9, 10, log=True), Span(2, 5, whole=True)]
)
def test_draws_stay_inside_their_span(span):
    drawn = [trial.options["target"] for trial in trials("mopps", {"target": span}, 40)[1:]]
    assert all(span.low <= value <= span.high for value in drawn)
    assert all(isinstance(value, int if span.whole else float) for value in drawn)


def test_whole_draws_reach_both_ends():
    for log in (False, True):
        space = {"target": Span(1, 3, log=log, whole=True)}
        drawn = {trial.options["target"] for trial in trials("mopps", space, 12)[1:]}
        assert drawn == {1, 2, 3}


@pytest.mark.parametrize("value", [None, (1, 2), "a,b", "1", np.float64(0.5)])
def test_a_value_that_no_spec_can_hold_is_refused(value):
    with pytest.raises(ValueError, match="may not be tuned over"):
        trials("mopps", {"target": (0.5, value)}, 2)


def test_score_is_a_mean_of_ratios():
    ends = {
        "hard": {"shuffle": 0.3, "oracle-gain": 0.5, "bots": 0.4},
        "easy": {"shuffle": 0.4, "oracle-gain": 0.5, "bots": 0.3},
    }
    runs, places = Runs(synthetic_cells(ends, seeds=2)), [named(name) for name in ends]
    assert runs.score("bots", places, [0, 1]) == pytest.approx((0.5 - 1.0) / 2)
    assert runs.score("oracle-gain", places, [0, 1]) == pytest.approx(1)
    assert runs.score("shuffle", places, [0, 1]) == pytest.approx(0)


def test_a_strategy_without_all_of_its_cells_has_failed():
    runs = Runs(synthetic_cells({"hard": {"shuffle": 0.3, "oracle-gain": 0.5}}, seeds=1))
    assert runs.score("bots", [named("hard")], [0]) == FAILED


@pytest.mark.parametrize(
    ("ends", "reason"),
    [({"shuffle": 0.3}, "has no result"), ({"shuffle": 0.3, "oracle-gain": 0.3}, "is no unit")],
)
def test_there_is_no_score_without_a_unit(ends, reason):
    runs = Runs(synthetic_cells({"hard": ends}, seeds=1))
    with pytest.raises(ValueError, match=reason):
        runs.score("shuffle", [named("hard")], [0])


def test_the_best_trial_on_all_seeds_wins(learning, tmp_path):
    ends, seen = learning
    ends |= {trial.spec: 0.3 + 0.01 * place for place, trial in enumerate(FIELD)}
    (found,) = search({"mopps": FIELD}, COURSE, Store(tmp_path), 1)
    assert found.options == FIELD[-1].options
    assert found.score == pytest.approx(0.05 / 0.2)
    assert found.default_score == pytest.approx(0)
    assert found.cells == len([spec for spec, _ in seen if spec.startswith("mopps")])


def test_only_the_defaults_and_the_best_quarter_meet_the_other_seeds(learning, tmp_path):
    ends, seen = learning
    ends |= {trial.spec: 0.4 - 0.01 * place for place, trial in enumerate(FIELD)}
    search({"mopps": FIELD}, COURSE, Store(tmp_path), 1)
    late = {spec for spec, seed in seen if seed == 1001}
    assert late == {"shuffle", "oracle-gain", *(trial.spec for trial in FIELD[:3])}


def test_no_winner_scores_below_the_defaults(learning, tmp_path):
    ends, _ = learning
    ends |= {trial.spec: 0.3 for trial in FIELD}  # a tie, but for the second seed of the last
    ends[FIELD[-1].spec, 1001] = 0.2
    (found,) = search({"mopps": FIELD}, COURSE, Store(tmp_path), 1)
    assert found.options == {}
    assert found.score == found.default_score


def test_a_failing_trial_loses_and_is_counted(learning, tmp_path):
    ends, _ = learning
    ends |= {trial.spec: 0.4 for trial in FIELD[:3]} | {(FIELD[3].spec, 1000): 0.5}
    (found,) = search({"mopps": FIELD}, COURSE, Store(tmp_path), 1)
    assert found.options == {}
    assert found.failed == 3  # two in the first round, and the best of it in the second


def test_defaults_that_fail_are_beaten_by_anything(learning, tmp_path):
    ends, _ = learning
    ends[FIELD[2].spec] = 0.1
    (found,) = search({"mopps": FIELD}, COURSE, Store(tmp_path), 1)
    assert found.options == FIELD[2].options
    assert found.default_score == FAILED


def test_a_signal_stops_the_search(monkeypatch, tmp_path):
    stopped = Outcome(0, 0, 0, signal=15)
    monkeypatch.setattr(searching, "run_cells", lambda *_: stopped)
    with pytest.raises(KeyboardInterrupt):
        search({"mopps": FIELD}, COURSE, Store(tmp_path), 1)


def test_only_the_tuned_tables_change_and_they_are_sorted(tmp_path):
    file = tmp_path / "tuned.toml"
    update([winner("mopps", 0.1), winner("bots", 0.2)], 12, file)
    update([winner("dapo", -math.inf), winner("mopps", 0.3)], 4, file)
    tables = tomllib.loads(file.read_text())
    assert list(tables) == ["bots", "dapo", "mopps"]
    assert [tables[name]["budget"] for name in tables] == [12, 4, 4]
    assert tables["mopps"]["score"] == 0.3
    assert tables["bots"]["command"] == "python -m bench tune bots --budget 12"
    assert not list(tmp_path.glob("*.tmp"))


def test_a_damaged_file_is_left_alone(tmp_path):
    file = tmp_path / "tuned.toml"
    file.write_text("[bots")
    with pytest.raises(ValueError, match="is damaged"):
        update([winner("mopps", 0.1)], 12, file)
    assert file.read_text() == "[bots"


def test_the_file_in_the_checkout_names_options_that_exist():
    for name in strategies.tuned():
        assert set(options(f"{name}:tuned")) <= set(STRATEGIES[name].space)


@pytest.mark.integration
def test_tuning_runs_and_the_roster_reads_what_it_found(monkeypatch, tmp_path, capsys, caplog):
    caplog.set_level(logging.INFO, "bench")
    suite = Suite("tuning", "", (TINY,), (), num_seeds=2, horizon=1.0)
    monkeypatch.setattr(tune, "TUNING", suite)
    monkeypatch.setattr(tune, "TUNING_SEEDS", (1000, 1001))
    monkeypatch.setattr(strategies, "__file__", str(tmp_path / "strategies.py"))
    options = given("mopps", "shuffle", budget=3, workers=1, out=str(tmp_path / "store"))
    assert tune.run(options, tmp_path / "tuned.toml") == 0
    table = capsys.readouterr().out
    assert "| mopps |" in table
    assert "no evidence" in table
    assert "nothing to tune, and left as they are: shuffle" in caplog.text
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").glob("*.parquet")}
    assert len(written) == 2 * 2 + 3 + 2  # references, three trials, two finalists
    try:
        assert strategies.options("mopps:tuned") == strategies.tuned()["mopps"]
        assert tune.run(options, tmp_path / "tuned.toml") == 0
    finally:
        strategies.tuned.cache_clear()
    assert written == {path: path.stat().st_mtime_ns for path in written}


@pytest.mark.parametrize(
    ("names", "changes", "reason"),
    [
        ((), {}, "name the strategies"),
        (("mopps", "--all"), {}, "not both"),
        (("mops",), {}, "do you mean mopps"),
        (("mopps:decay=0.5",), {}, "without options"),
    ],
)
def test_bad_input_is_refused(names, changes, reason, tmp_path):
    with pytest.raises(ValueError, match=reason):
        tune.run(given(*names, **changes), tmp_path / "tuned.toml")

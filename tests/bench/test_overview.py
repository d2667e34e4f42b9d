"""Compact tables over many settings, on synthetic cells."""

import pytest

from bench import comparable, conclusions, overview
from bench.summary import summarize
from tests.bench.helpers import synthetic_cell, synthetic_cells

ENDS = {
    "base": {"shuffle": 0.30, "bots": 0.35, "mopps": 0.30, "oracle-gain": 0.40},
    "no_refs": {"shuffle": 0.30, "mopps": 0.31, "oracle-gain": 0.40},
    "base@steep": {"shuffle": 0.30, "bots": 0.28, "mopps": 0.31, "oracle-gain": 0.35},
    "tiny": {"shuffle": 0.30, "bots": 0.25, "mopps": 0.30, "oracle-gain": 0.305},
    "tiny@steep": {"shuffle": 0.30, "bots": 0.22, "mopps": 0.31, "oracle-gain": 0.40},
}


@pytest.fixture(scope="module", name="rows")
def rows_fixture():
    return summarize(synthetic_cells(ENDS))


def lines(table):
    return {line[0]: dict(zip(table.headings[1:], line[1:], strict=True)) for line in table.rows}


def test_gains_are_in_points_and_marked_where_nothing_is_distinguished(rows):
    table = lines(overview.gains_table(comparable.under(rows, "default")))
    assert list(table) == ["base", "no_refs", "tiny"]
    assert table["base"]["bots"] == "+5.00"
    assert table["base"]["mopps"] == "≈ +0.00"
    assert table["base"]["stresses"] == "plain"
    assert table["base"]["ETR"] == "0.50"
    assert table["base"]["shuffle ends at"] == "0.320"


def test_strategies_that_were_left_out_leave_a_gap(rows):
    assert lines(overview.gains_table(comparable.under(rows, "default")))["no_refs"]["bots"] == "-"


def test_laws_are_not_averaged_together(rows):
    table = lines(overview.scores_table(rows))
    assert table["bots"] == {"default": "0.50", "steep": "-0.40"}
    assert table["mopps"] == {"default": "0.00", "steep": "0.20"}


def test_scores_of_all_laws_are_over_scenarios_that_have_one_under_each(rows):
    """On `tiny` the oracle gains enough under `steep`, where alone it would change the mean."""
    assert overview.scores_table(rows).title.endswith("mean over 1 scenario")
    assert set(comparable.side_by_side(rows, comparable.scored)) == {"default", "steep"}


def test_mean_gains_are_over_the_same_scenarios_for_all_strategies_and_laws(rows):
    """`no_refs` lacks bots and `steep`, so mopps' gain on it does not count."""
    table = overview.mean_gains_table(rows)
    assert table.title.endswith("mean over 2 scenarios")
    assert lines(table)["bots"] == {"default": "+0.00", "steep": "-5.00"}
    assert lines(table)["mopps"] == {"default": "+0.00", "steep": "+1.00"}


def test_a_law_that_was_tried_on_one_scenario_takes_none_from_the_others(rows):
    ends = {"base@maxrl": {"shuffle": 0.3, "bots": 0.4, "mopps": 0.3, "oracle-gain": 0.4}}
    more = [*rows, *summarize(synthetic_cells(ends))]
    assert overview.mean_gains_table(more) == overview.mean_gains_table(rows)


def test_medians_of_costs_are_over_settings_that_all_strategies_share(rows):
    """mopps reaches the target late on both shared settings, and early on `no_refs` alone."""
    table = overview.axes_table(comparable.under(rows, "default"))
    assert "median over 2 settings" in table.title
    ends = {"no_refs": {"shuffle": 0.30, "mopps": 0.9, "oracle-gain": 0.40}}
    others = [row for row in rows if row.setting in ("base", "tiny")]
    late = [*others, *summarize(synthetic_cells(ends))]
    assert lines(overview.axes_table(late)) == lines(table)


def test_a_strategy_that_was_tried_on_one_setting_takes_none_from_the_others(rows):
    default = comparable.under(rows, "default")
    shared = comparable.shared(default)
    assert {row.setting for row in shared} == {"base", "tiny"}
    ends = {"base": {"shuffle": 0.30, "dapo": 0.35}}
    more = [*default, *(r for r in summarize(synthetic_cells(ends)) if r.strategy == "dapo")]
    assert comparable.shared(more) == shared
    assert comparable.left_out(more) == ["dapo"]
    assert comparable.left_out(default) == []


def test_nothing_is_averaged_where_no_scenario_was_run_under_all_laws():
    ends = {"base": {"shuffle": 0.3, "bots": 0.4}, "gap@steep": {"shuffle": 0.3, "bots": 0.4}}
    rows = summarize(synthetic_cells(ends))
    assert overview.mean_gains_table(rows).rows == overview.scores_table(rows).rows == ()


def test_marks_of_gains_and_verdicts_agree():
    """Three seeds whose bootstrap interval excludes 0, while Student's does not."""
    cells = [
        synthetic_cell("base", name, seed, 0.3 + gains[seed])
        for name, gains in (("shuffle", (0, 0, 0)), ("bots", (0.01, 0.02, 0.06)))
        for seed in range(3)
    ]
    rows = summarize(cells)
    (verdict,) = {c.verdict for c in conclusions.conclusions(rows)}
    assert verdict == "undecided"
    assert lines(overview.gains_table(rows))["base"]["bots"] == "≈ +3.00"
    bots = next(row for row in rows if row.strategy == "bots")
    assert not bots.differs
    assert bots.figures["difference"].low < 0 < bots.figures["difference"].high


def test_costs_are_compared_on_every_axis():
    cells = [
        synthetic_cell("base", name, seed, 0.3, tokens)
        for name, tokens in (("shuffle", 100.0), ("bots", 50.0))
        for seed in range(3)
    ]
    table = lines(overview.axes_table(summarize(cells)))["bots"]
    assert table["TTB 100 % in steps"] == table["TTB 100 % in rollouts"] == "1.00"
    assert table["TTB 100 % in tokens"] == table["TTB 50 % in seconds"] == "0.50"


def test_a_target_that_most_settings_miss_is_beyond_the_horizon():
    ends = {name: {"shuffle": 0.3, "bots": 0.21} for name in ("base", "gap")}
    table = lines(overview.axes_table(summarize(synthetic_cells(ends))))["bots"]
    assert table["TTB 100 % in rollouts"] == "> 1.5"


def test_headline_figures_are_under_the_default_law_if_it_was_run(rows):
    assert comparable.main_variant(rows) == "default"
    assert comparable.main_variant([row for row in rows if "@" in row.setting]) == "steep"

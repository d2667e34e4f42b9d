"""Compact tables over many settings, on synthetic cells."""

import pytest

from bench import overview
from bench.summary import summarize
from tests.bench.helpers import synthetic_cell, synthetic_cells

ENDS = {
    "base": {"shuffle": 0.30, "bots": 0.35, "mopps": 0.30, "oracle-gain": 0.40},
    "no_refs": {"shuffle": 0.30, "mopps": 0.31, "oracle-gain": 0.40},
    "base@steep": {"shuffle": 0.30, "bots": 0.28, "mopps": 0.31, "oracle-gain": 0.35},
    "tiny": {"shuffle": 0.30, "bots": 0.25, "mopps": 0.30, "oracle-gain": 0.305},
}


@pytest.fixture(scope="module", name="rows")
def rows_fixture():
    return summarize(synthetic_cells(ENDS))


def lines(table):
    return {line[0]: dict(zip(table.headings[1:], line[1:], strict=True)) for line in table.rows}


def test_gains_are_in_points_and_marked_where_nothing_is_distinguished(rows):
    table = lines(overview.gains_table(overview.under(rows, "default")))
    assert list(table) == ["base", "no_refs", "tiny"]
    assert table["base"]["bots"] == "+5.00"
    assert table["base"]["mopps"] == "≈ +0.00"
    assert table["base"]["stresses"] == "plain"
    assert table["base"]["ETR"] == "0.50"
    assert table["base"]["shuffle ends at"] == "0.320"


def test_strategies_that_were_left_out_leave_a_gap(rows):
    assert lines(overview.gains_table(overview.under(rows, "default")))["no_refs"]["bots"] == "-"


def test_laws_are_not_averaged_together(rows):
    table = lines(overview.scores_table(rows))
    assert table["bots"] == {"default": "0.50", "steep": "-0.40"}
    assert table["mopps"] == {"default": "0.00", "steep": "0.20"}


def test_scores_are_over_settings_that_all_strategies_share(rows):
    default = overview.shared(overview.under(rows, "default"))
    assert {row.setting for row in default} == {"base", "tiny"}


def test_settings_on_which_the_oracle_gains_little_have_no_score_but_count_in_the_mean(rows):
    assert lines(overview.scores_table(rows))["settings with a score"]["default"] == "1"
    assert lines(overview.mean_gains_table(rows))["bots"]["default"] == "+0.00"


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
    assert overview.main_variant(rows) == "default"
    assert overview.main_variant([row for row in rows if "@" in row.setting]) == "steep"

"""Verdicts on synthetic cells whose outcome is known."""

import numpy as np
import pytest

from bench import conclusions
from bench.conclusions import Conclusion, counts_table, law_dependent_table
from bench.stats import Estimate
from bench.summary import summarize
from tests.bench.helpers import synthetic_cell, synthetic_cells

ENDS = {
    "base": {"shuffle": 0.30, "bots": 0.34, "mopps": 0.32, "easy-to-hard": 0.31},
    "base@steep": {"shuffle": 0.30, "bots": 0.28, "mopps": 0.32, "easy-to-hard": 0.31},
    "gap": {"shuffle": 0.30, "bots": 0.30, "mopps": 0.25},
}
TOUCHING = Estimate(0.1, 0.0, 0.2)


@pytest.fixture(scope="module", name="found")
def found_fixture():
    return conclusions.conclusions(summarize(synthetic_cells(ENDS)))


def verdict(found, setting, better, worse):
    scenario, variant = conclusions.place(setting)
    (conclusion,) = (
        c
        for c in found
        if (c.scenario, c.variant, c.better, c.worse) == (scenario, variant, better, worse)
    )
    return conclusion.verdict


def test_known_differences_are_found(found):
    assert verdict(found, "base", "bots", "shuffle") == "holds"
    assert verdict(found, "base@steep", "bots", "shuffle") == "reversed"
    assert verdict(found, "gap", "bots", "shuffle") == "undecided"
    assert verdict(found, "gap", "bots", "mopps") == "holds"


def test_only_pairs_that_were_run_are_judged(found):
    assert not any(c.scenario == "gap" and "easy-to-hard" in (c.better, c.worse) for c in found)
    assert not any("oracle" in c.better for c in found)


def test_differences_are_paired_over_seeds():
    """Seeds differ by 0.1 and strategies by 0.01, which an unpaired comparison would not see."""
    cells = [
        synthetic_cell("base", name, seed, end + 0.1 * seed)
        for name, end in (("shuffle", 0.30), ("bots", 0.31))
        for seed in range(3)
    ]
    (conclusion, *_) = conclusions.conclusions(summarize(cells))
    assert conclusion.gain.value == pytest.approx(0.01)
    assert conclusion.verdict == "holds"


def test_two_seeds_decide_nothing():
    found = conclusions.conclusions(summarize(synthetic_cells(ENDS, seeds=2)))
    assert {c.verdict for c in found} == {"undecided"}


def test_counts_go_by_pair_and_variant(found):
    table = counts_table(found)
    assert table.headings == ("conclusion", "default", "steep")
    lines = {line[0]: line[1:] for line in table.rows}
    assert lines["bots > shuffle"] == ("1 / 0 / 1", "0 / 1 / 0")
    assert lines["bots > mopps"] == ("2 / 0 / 0", "0 / 1 / 0")
    assert lines["mopps > shuffle"] == ("1 / 1 / 0", "1 / 0 / 0")


def test_conclusions_that_depend_on_the_law_name_both_sides(found):
    table = law_dependent_table(conclusions.across_laws(found))
    lines = {line[:2]: line[2:] for line in table.rows}
    assert lines["base", "bots > shuffle"] == ("default (+4.00)", "steep (-2.00)")
    assert ("base", "mopps > shuffle") not in lines
    assert {scenario for scenario, _ in lines} == {"base"}


def test_what_depends_on_the_law_is_clear_at_the_higher_level_both_ways():
    """The t statistic of the reversal is 6.9: above 4.30 of 95 %, below 9.92 of 99 %."""
    gains = {"base": (0.05, 0.05, 0.05), "base@steep": (-0.015, -0.02, -0.025)}
    cells = [
        synthetic_cell(setting, name, seed, 0.3 + (of[seed] if name == "bots" else 0))
        for setting, of in gains.items()
        for name in ("shuffle", "bots")
        for seed in range(3)
    ]
    found = conclusions.conclusions(summarize(cells))
    assert [c.verdict for c in found] == ["holds", "reversed"]
    assert [c.sure_verdict for c in found] == ["holds", "undecided"]
    assert law_dependent_table(conclusions.across_laws(found)).rows == ()


def test_only_what_two_laws_can_decide_is_looked_at(found):
    groups = conclusions.across_laws(found)
    assert {group[0].scenario for group in groups} == {"base"}
    assert {len(group) for group in groups} == {2}
    undecidable = conclusions.conclusions(summarize(synthetic_cells(ENDS, seeds=2)))
    assert conclusions.across_laws(undecidable) == []


@pytest.mark.parametrize("level", [0.95, 0.99])
def test_rows_by_chance_are_as_many_as_simulated(level):
    """200,000 rows of 10 laws without differences: 4 standard errors."""
    draws = np.random.default_rng(0).random((200_000, 10))
    tail = (1 - level) / 2
    both = ((draws < tail).any(axis=1) & (draws > 1 - tail).any(axis=1)).mean()
    nothing = Conclusion("base", "default", "bots", "shuffle", TOUCHING, TOUCHING)
    expected = conclusions.rows_by_chance([[nothing] * 10], level)
    assert both == pytest.approx(expected, abs=4 * np.sqrt(expected / 200_000))
    assert conclusions.rows_by_chance([[nothing]], level) == pytest.approx(0)
    assert conclusions.rows_by_chance([[nothing] * 10] * 7, level) == pytest.approx(7 * expected)


def test_variants_come_in_the_order_of_the_catalogue():
    names = ["steep", "maxrl+steep", "default", "maxrl", "steep"]
    assert conclusions.in_order(names) == ["default", "maxrl", "steep", "maxrl+steep"]


def test_settings_come_in_the_order_of_the_catalogue():
    names = ["zzz", "tiny", "base@steep", "base"]
    assert conclusions.in_catalogue_order(names) == ["base@steep", "base", "tiny", "zzz"]


def test_an_interval_that_touches_zero_is_undecided():
    touching = Conclusion("base", "default", "bots", "shuffle", TOUCHING, TOUCHING)
    assert touching.verdict == touching.sure_verdict == "undecided"

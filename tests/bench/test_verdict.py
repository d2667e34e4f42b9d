"""What a folder says in sentences is what its cells hold."""

from dataclasses import replace

import numpy as np
import pytest

from bench.__main__ import main
from bench.pool_verdict import promise
from bench.stats import Estimate
from bench.store import CellId, Store
from bench.summary import Row, summarize
from bench.verdict import sentences
from bench.words import listed, percent
from tests.bench.helpers import synthetic_cells

ENDS = {"shuffle": 0.3, "mopps": 0.31, "bots": 0.4, "residual-memory": 0.2}


def said(cells, failures=()) -> str:
    return " ".join(sentences(cells, summarize(cells), failures))


def own_pool(ends, seeds=4, **config):
    cells = synthetic_cells({"tasks": ends}, seeds)
    pool = {"pool": {"path": "tasks.csv", "law": {"repetition_visits": float("inf")}}}
    return [
        replace(
            cell,
            config={k: v for k, v in cell.config.items() if k != "scenario"} | pool | config,
        )
        for cell in cells
    ]


def test_a_strategy_that_learns_twice_as_fast_needs_half_the_rollouts():
    text = said(synthetic_cells({"base": ENDS}))
    assert "On the simulated pool base BOTS reached shuffle's best with 5" in text
    assert "residual-memory never reached shuffle's best within 150 % of the rollouts." in text
    assert "For the same rollouts residual-memory ended below shuffle." in text
    assert "95 % intervals over 5 seeds: BOTS" in text
    assert "BOTS 50 %; residual-memory 50 %; shuffle 50 %" in text
    assert "simulated" in text


def test_each_of_a_few_settings_is_told_and_the_price_of_repetition():
    slow = ENDS | {"bots": 0.25}
    text = said(synthetic_cells({"base": ENDS, "base@steep": slow}))
    assert "On 2 simulated pools BOTS reached shuffle's best with 5" in text
    assert "of the rollouts on base, never on base@steep" in text
    assert "BOTS ended below shuffle on base@steep" in text
    assert "on base@steep after 8 lessons; elsewhere repetition is free" in text
    assert "Of 3 strategies BOTS gained most on base, mopps on base@steep." in text


def test_what_is_like_shuffle_is_not_told_apart():
    cells = synthetic_cells({"base": {"shuffle": 0.3, "bots": 0.3}})
    assert "For the same rollouts BOTS ended not clearly above shuffle." in said(cells)


@pytest.mark.integration
def test_many_settings_are_counted():
    ends = {f"s{k}": ENDS for k in range(6)} | {"worst": ENDS | {"bots": 0.21}}
    text = said(synthetic_cells(ends))
    assert "On 7 simulated pools BOTS ended clearly above shuffle" in text
    assert "on 6, clearly below on 1, and was not told apart on 0." in text
    assert "Its worst is worst: -9.0 points" in text


def test_without_the_known_strategies_the_two_that_gain_most_are_told():
    text = said(synthetic_cells({"base": {"shuffle": 0.3, "a": 0.35, "b": 0.4, "c": 0.31}}))
    assert text.index("b reached") < text.index("a reached")
    assert "c reached" not in text


@pytest.mark.parametrize(
    ("ends", "seeds", "says"),
    [
        ({"bots": 0.4, "mopps": 0.3}, 3, "Nothing was run on the same seeds as shuffle"),
        ({"shuffle": 0.3, "oracle-gain": 0.4}, 3, "there is no strategy to judge"),
        ({"shuffle": 0.3}, 3, "there is no strategy to judge"),
        ({"shuffle": 0.2, "bots": 0.2}, 1, "Nothing can be learnt on base."),
        (ENDS, 1, "There is no interval over 1 seed: run 3 or more"),
    ],
)
def test_other_folders_are_told_as_they_are(ends, seeds, says):
    assert says in said(synthetic_cells({"base": ends}, seeds))


def test_failures_are_counted():
    cells = synthetic_cells({"base": ENDS})
    failures = [(CellId("base", "x", seed), "error") for seed in range(2)]
    assert "because they failed: 2 cells." in said(cells, failures)


def test_a_pool_of_a_user_gets_a_strategy_with_its_interval():
    text = said(own_pool(ENDS))
    assert text.startswith("For tasks.csv take BOTS: it reached shuffle's best with 5")
    assert "it ended 10.0 points" in text
    assert "mopps comes second" in text
    assert "The best of 3 was chosen on the runs that judge it" in text
    assert "simulated from the rates of the same file" in text
    assert "takes repetition for free" not in text


def test_strategies_that_are_not_told_apart_are_named():
    text = said(own_pool({"shuffle": 0.3, "bots": 0.4, "mopps": 0.4, "dapo": 0.2}))
    assert "Not told apart from it: mopps." in text


def test_shuffle_is_kept_where_nothing_is_better():
    text = said(own_pool({"shuffle": 0.3, "bots": 0.2, "mopps": 0.25}))
    assert text.startswith("For tasks.csv keep shuffle: no strategy is clearly better.")
    assert "The nearest is mopps" in text


def test_one_seed_gives_no_interval():
    text = said(own_pool(ENDS, seeds=1))
    assert "BOTS came first" in text
    assert "There is no interval over 1 seed" in text


def test_a_pool_that_was_met_often_is_told_with_a_remedy():
    text = said(own_pool(ENDS, batch_size=80))
    assert "The pool has 60 tasks to train on: 10 steps of 80 meet each of them about 13" in text
    assert "takes repetition for free" in text
    assert "--redo" in text


@pytest.mark.integration
def test_the_verdict_ends_the_command_and_opens_the_page(tmp_path, capsys):
    for cell in synthetic_cells({"base": ENDS | {"oracle-gain": 0.5}}, 3):
        Store(tmp_path).save(cell)
    assert main(["report", str(tmp_path)]) == 0
    *_, last_but_one, last = capsys.readouterr().out.strip().splitlines()
    assert "simulated" in last_but_one
    assert last.startswith(f"Open {tmp_path}/report.html")
    first = sentences(cells := Store(tmp_path).load(), summarize(cells))[0]
    text = (tmp_path / "report.md").read_text()
    assert text.index(first) < text.index("Made by")
    page = (tmp_path / "report.html").read_text()
    assert page.index("reached shuffle") < page.index("Made by")


def test_a_clear_gain_comes_before_a_larger_one_that_is_not():
    gains = {
        "wild": (0.03, -0.02, 0.08),
        "steady": (0.01, 0.005, 0.015),
        "worse": (0.02, 0.0, 0.04),
    }
    rows = [
        Row("base", who, (0, 1, 2), 1.5, {}, {"difference": Estimate(*gain)}, np.empty(0))
        for who, gain in gains.items()
    ]
    assert [row.strategy for row in sorted(rows, key=promise, reverse=True)] == [
        "steady",
        "wild",
        "worse",
    ]


def test_words():
    assert percent(0.853) == "85 %"
    assert percent(float("inf")) == "never"
    assert listed(["a"]) == "a"

"""What a run says of itself while it goes on."""

import logging
import re
from dataclasses import replace

import pytest

from bench.engines import LocalEngine, Watch
from bench.progress import Progress, plan_line, progress
from bench.runner import plans, run_cells
from bench.store import Store
from tests.bench.helpers import tiny_plans, tiny_setting


def test_the_plan_counts_what_is_run():
    cells = tiny_plans(["shuffle", "bots"], 2)
    assert plan_line(cells, 4, "on 2 processes") == (
        "4 cells: 1 pool x 2 strategies x 2 seeds, on 2 processes"
    )
    assert plan_line(cells[:3], 1, "here") == (
        "3 cells: 1 pool, 2 strategies, 2 seeds, here; 2 are there already"
    )
    real = replace(tiny_setting(), checkpoint_seconds=30.0)
    assert "1 cell: 1 model x 1 strategy" in plan_line(plans([real], ["bots"], [0]), 1, "here")


@pytest.mark.parametrize(("workers", "words"), [(1, "on 1 process"), (9, "on 4 processes")])
def test_no_more_processes_are_promised_than_there_are_cells(workers, words):
    assert LocalEngine().where(tiny_plans(), workers) == words


def test_time_left_needs_two_cells():
    told = Progress(4, Watch())
    assert told.line() == "0 of 4 cells"
    told.ended()
    assert told.line() == "1 of 4 cells"
    told.ended()
    assert re.fullmatch(r"2 of 4 cells, about \d+ s left", told.line())


def test_what_is_at_work_for_long_is_named(monkeypatch):
    watch = Watch()
    watch.begin("base/bots/0")
    told = Progress(2, watch)
    assert "at work" not in told.line()
    monkeypatch.setattr(watch, "at_work", lambda: [("base/bots/0", 90.0)])
    assert told.line() == "0 of 2 cells; at work: base/bots/0 for 90 s"


def test_lines_are_logged_until_the_end(caplog):
    caplog.set_level(logging.INFO, logger="bench")
    with progress(1, Watch(), 0.001) as told:
        while not caplog.records:
            pass
        told.ended()
    assert caplog.records[0].getMessage() == "0 of 1 cells"


@pytest.mark.integration
def test_a_run_tells_its_plan_first_and_ends_all_that_it_begins(tmp_path, caplog, monkeypatch):
    watches = []
    monkeypatch.setattr("bench.runner.Watch", lambda: watches.append(Watch()) or watches[-1])
    with caplog.at_level(logging.INFO, logger="bench"):
        run_cells(tiny_plans(seeds=1), Store(tmp_path), workers=1)
    assert caplog.records[0].getMessage().startswith("2 cells: 1 pool x 2 strategies x 1 seed")
    assert watches[0].at_work() == []


def prepare(seed):
    assert seed in (0, 1)


@pytest.mark.integration
def test_the_making_of_models_is_told(tmp_path, caplog):
    setting = replace(tiny_setting(), prepare=prepare)
    with caplog.at_level(logging.INFO, logger="bench"):
        run_cells(plans([setting], ["shuffle"], [0, 1], 4), Store(tmp_path), workers=1)
    assert "making the model of tiny, seed 0" in caplog.text
    assert "making the model of tiny, seed 1" in caplog.text

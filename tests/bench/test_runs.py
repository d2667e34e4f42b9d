"""Cells, their files, and running many of them."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.cell import cell_config, run_cell
from bench.runner import plans, run_cells
from bench.settings import scenario_setting
from bench.store import CellId, Store
from tests.bench.helpers import TINY, tiny_plans, tiny_setting

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", name="result")
def result_fixture():
    return run_cell(tiny_setting(), "bots", 0, truth_every=5)


def test_a_cell_has_a_row_before_training_and_one_per_step(result):
    columns = result.columns
    assert columns["step"].tolist() == list(range(13))
    assert columns["rollouts_generated"].tolist() == [step * 128 for step in range(13)]
    assert np.isfinite(columns["heldout"]).all()
    assert np.isfinite(columns["pool"]).tolist() == [step in (0, 5, 10, 12) for step in range(13)]
    assert (columns["difficulty"].sum(axis=1) == [0] + [16] * 12).all()
    assert columns["distinct_tasks"][-1] <= 12 * 16
    assert columns["most_visits"][-1] >= 1
    shares = columns["informative"] + columns["all_wrong"] + columns["all_right"]
    assert np.allclose(shares[1:], 1)


def test_a_cell_records_what_it_was_made_with(result):
    assert result.config == cell_config(tiny_setting(), "bots", 0, 5)
    assert result.config["scenario"]["law"]["learning_rate"] == 0.2
    assert set(result.extra["made_by"]) >= {"version", "commit", "python", "numpy"}
    json.dumps(result.config)


def test_equal_cells_are_equal(result):
    again = run_cell(tiny_setting(), "bots", 0, truth_every=5)
    for name, column in result.columns.items():
        if not name.startswith("seconds"):
            np.testing.assert_array_equal(column, again.columns[name])


def test_strategies_on_a_seed_start_alike_and_seeds_differ(result):
    other = run_cell(tiny_setting(), "shuffle", 0, truth_every=5)
    assert other.columns["heldout"][0] == result.columns["heldout"][0]
    seed = run_cell(tiny_setting(), "bots", 1, truth_every=5)
    assert seed.columns["heldout"][0] != result.columns["heldout"][0]


def test_a_filtering_strategy_uses_more_rollouts_in_the_same_steps():
    columns = run_cell(tiny_setting(), "dapo", 0).columns
    assert columns["step"][-1] == 12
    assert columns["rollouts_generated"][-1] > 12 * 128
    assert columns["rollouts_trained"][-1] == 12 * 128


def test_files_give_back_what_was_saved(result, tmp_path):
    store = Store(tmp_path)
    assert not store.finished(result.cell)
    store.save(result)
    assert store.finished(result.cell)
    (loaded,) = store.load()
    assert loaded.cell == result.cell
    assert loaded.config == result.config
    assert loaded.extra == result.extra
    for name, column in result.columns.items():
        np.testing.assert_array_equal(loaded.columns[name], column)


def test_cells_with_strange_names_have_files_of_their_own(tmp_path):
    names = ["a--b", "a/b", "a b", "p.q:f:x=1,y='z'", "..", "ünï"]
    stems = {CellId(setting, strategy, 0).stem for setting in names for strategy in names}
    assert len(stems) == len(names) ** 2
    assert all("/" not in stem for stem in stems)


def test_a_write_that_fails_leaves_nothing_behind(result, tmp_path):
    broken = replace(result, columns={"x": np.array([object()])})
    with pytest.raises(Exception, match="object"):
        Store(tmp_path).save(broken)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"not parquet", b"PAR1" + bytes(50)])
def test_a_damaged_file_is_a_clear_error(result, tmp_path, content):
    store = Store(tmp_path)
    store.save(result)
    (path,) = tmp_path.glob("*.parquet")
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"delete it and run again"):
        store.load()


def test_a_foreign_parquet_file_is_a_clear_error(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"x": [1]}), tmp_path / "x.parquet")
    with pytest.raises(ValueError, match="not a result of this benchmark"):
        Store(tmp_path).load()


def test_a_run_does_every_cell_once(tmp_path):
    store = Store(tmp_path)
    first = run_cells(tiny_plans(), store, workers=2)
    assert (first.done, first.skipped, first.failed) == (4, 0, 0)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    second = run_cells(tiny_plans(seeds=3), store, workers=2)
    assert (second.done, second.skipped, second.failed) == (2, 4, 0)
    after = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert before.items() <= after.items()


def test_another_configuration_is_refused_before_anything_runs(tmp_path):
    store = Store(tmp_path)
    run_cells(tiny_plans(["shuffle"], 1), store, workers=1)
    longer = plans([scenario_setting(replace(TINY, steps=13))], ["shuffle"], [0], 4)
    with pytest.raises(ValueError, match="another configuration"):
        run_cells(longer, store, workers=1)


def test_a_failing_cell_is_recorded_and_the_others_go_on(tmp_path):
    store = Store(tmp_path)
    cells = tiny_plans(["shuffle", "tests.bench.helpers:failing"], 1)
    outcome = run_cells(cells, store, workers=2)
    assert (outcome.done, outcome.failed) == (1, 1)
    ((cell, error),) = store.failures()
    assert cell.strategy == "tests.bench.helpers:failing"
    assert "this factory always fails" in error


def test_a_repaired_cell_is_no_longer_reported_as_failed(tmp_path):
    store = Store(tmp_path)
    (plan,) = tiny_plans(["shuffle"], 1)
    store.save_failure(plan.cell, "it was cold")
    run_cells([plan], store, workers=1)
    assert store.failures() == []


def test_a_worker_that_dies_costs_only_its_own_cell(tmp_path):
    store = Store(tmp_path)
    cells = tiny_plans(["shuffle", "tests.bench.helpers:dying", "bots"], 2)
    outcome = run_cells(cells, store, workers=2)
    assert (outcome.done, outcome.failed) == (4, 2)
    assert {cell.strategy for cell, _ in store.failures()} == {"tests.bench.helpers:dying"}
    assert "worker process died" in store.failures()[0][1]


def test_a_killed_run_resumes_with_nothing_lost_and_nothing_run_twice(tmp_path):
    command = [
        sys.executable,
        "-m",
        "bench",
        "run",
        "smoke",
        "--out",
        str(tmp_path),
        "--workers",
        "2",
    ]
    command += ["--seeds", "3", "--steps", "300", "--strategy", "shuffle", "--strategy", "bots"]
    run = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("*.parquet"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.parquet")}
    assert 2 <= len(kept) < 12
    (tmp_path / ".tmp-1-leftover.parquet").write_bytes(b"half a cell")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"{12 - len(kept)} cells run, {len(kept)} already there, 0 failed" in done.stdout
    after = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.parquet")}
    assert len(after) == 12
    assert kept.items() <= after.items()
    assert not list(tmp_path.glob(".tmp-*"))
    assert len(Store(tmp_path).load()) == 12

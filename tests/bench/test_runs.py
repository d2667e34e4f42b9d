"""Cells, their files, and running many of them."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.cell import cell_config, run_cell
from bench.runner import plans, run_cells
from bench.settings import scenario_setting
from bench.store import CellId, Store
from tests.bench.helpers import TINY, gone, marks, tiny_plans, tiny_setting
from tests.waiting import until

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", name="result")
def result_fixture():
    return run_cell(tiny_setting(), "bots", 0, truth_every=5)


def test_a_cell_has_a_row_before_training_and_one_per_step(result):
    columns = result.columns
    assert columns["step"].tolist() == list(range(19))
    assert columns["rollouts_generated"].tolist() == [step * 128 for step in range(19)]
    assert np.isfinite(columns["heldout"]).all()
    looked = [step in (0, 5, 10, 15, 18) for step in range(19)]
    assert np.isfinite(columns["pool"]).tolist() == looked
    assert (columns["difficulty"].sum(axis=1) == [0] + [16] * 18).all()
    assert columns["distinct_tasks"][-1] <= 18 * 16
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
    assert columns["step"][-1] == 18
    assert columns["rollouts_generated"][-1] > 18 * 128
    assert columns["rollouts_trained"][-1] == 18 * 128


def test_refilling_costs_less_than_whole_rounds():
    whole, refilled = (
        run_cell(tiny_setting(), name, 0).columns for name in ("dapo", "dapo-refill")
    )
    assert refilled["rollouts_generated"][18] < whole["rollouts_generated"][18]


def test_only_strategies_that_use_references_pay_for_them():
    paid = {
        name: run_cell(tiny_setting(), name, 0).extra["offline_rollouts"]
        for name in ("bots", "mopps")
    }
    assert paid == {"bots": 2 * 16 * 300, "mopps": 0}


def test_beliefs_that_are_no_solve_rates_stop_the_cell():
    with pytest.raises(ValueError, match=r"solve_rates\(\) spans \[1\.7, 1\.7\]"):
        run_cell(tiny_setting(), "tests.bench.helpers:boasting", 0)


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
    names = ["a--b", "a/b", "a b", "p.q:f:x=1,y='z'", "..", "ünï", "難" * 200, "難" * 199]
    stems = {CellId(setting, strategy, 0).stem for setting in names for strategy in names}
    assert len(stems) == len(names) ** 2
    assert all("/" not in stem and len(stem) < 200 for stem in stems)


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


@pytest.mark.integration
def test_a_run_does_every_cell_once(tmp_path):
    store = Store(tmp_path)
    first = run_cells(tiny_plans(), store, workers=2)
    assert (first.done, first.skipped, first.failed) == (4, 0, 0)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.parquet")}
    second = run_cells(tiny_plans(seeds=3), store, workers=1)
    assert (second.done, second.skipped, second.failed) == (2, 4, 0)
    after = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.parquet")}
    assert before.items() <= after.items()


def test_another_configuration_is_refused_before_anything_runs(tmp_path):
    store = Store(tmp_path)
    store.save(run_cell(tiny_setting(), "shuffle", 0, 4))
    longer = plans([scenario_setting(replace(TINY, steps=13))], ["shuffle"], [0], 4)
    with pytest.raises(ValueError, match="another configuration"):
        run_cells(longer, store, workers=1)


@pytest.mark.integration
def test_a_changed_setting_can_be_run_again_on_purpose(tmp_path):
    store = Store(tmp_path)
    store.save(run_cell(tiny_setting(), "shuffle", 0, 4))
    longer = plans([scenario_setting(replace(TINY, steps=13))], ["shuffle"], [0], 4)
    assert run_cells(longer, store, workers=1, redo=True).done == 1
    (result,) = store.load()
    assert result.config["steps"] == 13


def test_a_strategy_whose_source_changed_is_another_configuration(tmp_path, monkeypatch):
    source = "from bots.baselines import UniformSelector\n\n\ndef make(pool, rng):\n"
    (tmp_path / "mine.py").write_text(source + "    return UniformSelector(pool, rng)\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = cell_config(tiny_setting(), "mine:make", 0, 4)
    assert before == cell_config(tiny_setting(), "mine:make", 0, 4)
    (tmp_path / "mine.py").write_text(source + "    return UniformSelector(pool, rng)  # changed\n")
    after = cell_config(tiny_setting(), "mine:make", 0, 4)
    assert {k for k in before if before[k] != after[k]} == {"strategy_source"}


def test_a_repeated_strategy_runs_once():
    assert len(tiny_plans(["bots", "shuffle", "bots"], 1)) == 2


def test_two_runs_cannot_write_into_one_folder(tmp_path):
    store = Store(tmp_path)
    with store.locked(), pytest.raises(ValueError, match="another run is writing"):
        run_cells(tiny_plans(["shuffle"], 1), store, workers=1)


@pytest.mark.integration
@pytest.mark.parametrize("name", ["failing", "exiting"])
def test_a_failing_cell_is_recorded_and_the_others_go_on(tmp_path, name):
    store = Store(tmp_path)
    cells = tiny_plans(["shuffle", f"tests.bench.helpers:{name}"], 1)
    outcome = run_cells(cells, store, workers=1)
    assert (outcome.done, outcome.failed) == (1, 1)
    ((cell, error),) = store.failures()
    assert cell.strategy == f"tests.bench.helpers:{name}"
    assert ("this selector always fails" if name == "failing" else "SystemExit: 3") in error


@pytest.mark.integration
def test_a_repaired_cell_is_no_longer_reported_as_failed(tmp_path):
    store = Store(tmp_path)
    (plan,) = tiny_plans(["shuffle"], 1)
    store.save_failure(plan.cell, "it was cold")
    run_cells([plan], store, workers=1)
    assert store.failures() == []


@pytest.mark.integration
def test_a_worker_that_dies_costs_only_its_own_cell(tmp_path):
    store = Store(tmp_path)
    cells = tiny_plans(["shuffle", "tests.bench.helpers:dying", "bots"], 2)
    outcome = run_cells(cells, store, workers=2)
    assert (outcome.done, outcome.failed) == (4, 2)
    assert {cell.strategy for cell, _ in store.failures()} == {"tests.bench.helpers:dying"}
    assert "worker process died" in store.failures()[0][1]


@pytest.mark.parametrize("leftover", [".lock", "x.parquet.7.tmp", "x.failed.json.7.tmp"])
def test_leftovers_of_a_killed_run_do_not_block_reading(result, tmp_path, leftover):
    store = Store(tmp_path)
    store.save(result)
    (tmp_path / leftover).write_bytes(b"half")
    assert len(store.load()) == 1
    assert store.failures() == []


HOLDING = "tests.bench.helpers:waiting"
needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")


def command(folder: Path) -> list[str]:
    """Six cells, of which two stand still while the environment has HOLD."""
    words = ["run", "smoke", "--scenario", "base", "--steps", "20", "--seeds", "3"]
    words += ["--strategy", "shuffle", "--strategy", HOLDING, "--workers", "2"]
    return [sys.executable, "-m", "bench", *words, "--out", str(folder)]


def held(folder: Path, hold: Path, **options) -> tuple[subprocess.Popen, list[int]]:
    """A run whose two workers stand still in the midst of a cell, after two whole cells."""
    hold.mkdir()
    environment = {**os.environ, "HOLD": str(hold)}
    run = subprocess.Popen(command(folder), cwd=ROOT, env=environment, text=True, **options)
    until(lambda: len(marks(hold, "arrived")) == 2)
    return run, marks(hold, "arrived")


@pytest.mark.integration
@needs_proc
def test_workers_die_with_a_run_that_is_killed_alone(tmp_path):
    run, workers = held(tmp_path / "out", tmp_path / "hold", stdout=subprocess.DEVNULL)
    assert not gone(workers)
    run.kill()
    run.wait()
    until(lambda: gone(workers))


@pytest.mark.integration
def test_a_killed_run_resumes_with_nothing_lost_and_nothing_run_twice(tmp_path):
    out = tmp_path / "out"
    options = {"start_new_session": True, "stdout": subprocess.DEVNULL}
    run, _ = held(out, tmp_path / "hold", **options)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    kept = {path.name: path.stat().st_mtime_ns for path in out.glob("*.parquet")}
    assert len(kept) == 2
    (out / "half.parquet.1.tmp").write_bytes(b"half a cell")
    os.utime(out / "half.parquet.1.tmp", (0, 0))
    done = subprocess.run(command(out), cwd=ROOT, capture_output=True, text=True, check=True)
    assert "4 cells run, 2 already there, 0 failed" in done.stdout
    after = {path.name: path.stat().st_mtime_ns for path in out.glob("*.parquet")}
    assert len(after) == 6
    assert kept.items() <= after.items()
    assert not (out / "half.parquet.1.tmp").exists()
    assert len(Store(out).load()) == 6


@pytest.fixture
def interruptible():
    """Lets children be interrupted, also where a shell started the tests with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.slow
def test_an_interrupted_run_says_how_to_go_on(tmp_path):
    options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    run, _ = held(tmp_path / "out", tmp_path / "hold", **options)
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate()
    assert run.returncode == 130
    assert "the same command goes on from here" in errors
    assert "Traceback" not in errors

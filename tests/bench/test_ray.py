"""Cells on a Ray cluster: the same results, whoever dies."""

import importlib.util
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.__main__ import main
from bench.engines import Extras, RayEngine
from bench.runner import run_cells
from bench.store import Store
from tests.bench.helpers import children, gone, tiny_plans
from tests.waiting import until

ROOT = Path(__file__).parents[2]
CELLS = 6


def needs_ray(test):
    missing = importlib.util.find_spec("ray") is None
    no_proc = not Path("/proc/self/task").exists()
    test = pytest.mark.skipif(missing or no_proc, reason="needs ray, and Linux's /proc")(test)
    return pytest.mark.slow(test)


def command(folder: Path, steps: int, *more: str) -> list[str]:
    words = [sys.executable, "-m", "bench", "run", "smoke", "--out", str(folder)]
    words += ["--engine", "ray", "--workers", "2", "--seeds", "3", "--steps", str(steps)]
    return [*words, "--strategy", "bots", "--scenario", "base", *more]


def start(words: list[str]) -> subprocess.Popen:
    return subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def descendants(pid: int) -> list[int]:
    found = []
    for child in children(pid):
        try:
            found += [child, *descendants(child)]
        except FileNotFoundError:  # it ended in the meantime
            continue
    return found


def runs_a_cell(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::base/")
    except FileNotFoundError:
        return False


def at_work(pid: int) -> list[int]:
    """The Ray workers below a process that run a cell."""
    return [worker for worker in descendants(pid) if runs_a_cell(worker)]


def stopped_at_work(pid: int) -> int | None:
    """A worker that stands still in the midst of a cell."""
    for worker in at_work(pid):
        os.kill(worker, signal.SIGSTOP)
        if runs_a_cell(worker):
            return worker
        os.kill(worker, signal.SIGCONT)
    return None


def finished(folder: Path) -> int:
    return len(list(folder.glob("*.parquet")))


@needs_ray
def test_results_are_the_local_ones_and_failures_are_told_apart(tmp_path, caplog):
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    run_cells(tiny_plans(seeds=1), here, workers=1)
    bad = [f"tests.bench.helpers:{name}" for name in ("failing", "dying")]
    cells = tiny_plans(["shuffle", "bots", *bad], 1)
    outcome = run_cells(cells, there, workers=2, engine=RayEngine())
    assert (outcome.done, outcome.failed) == (2, 2)
    for mine, theirs in zip(here.load(), there.load(), strict=True):
        assert (mine.cell, mine.config) == (theirs.cell, theirs.config)
        assert mine.extra == theirs.extra
        assert mine.columns.keys() == theirs.columns.keys()
        for name, column in mine.columns.items():
            if not name.startswith("seconds"):
                np.testing.assert_array_equal(column, theirs.columns[name])
    errors = {cell.strategy: error for cell, error in there.failures()}
    assert "this selector always fails" in errors[bad[0]]
    assert "Traceback" in errors[bad[0]]
    assert "the worker died (WorkerCrashedError) 3 times" in errors[bad[1]]
    assert caplog.text.count("trying again") == 2


@needs_ray
def test_a_killed_worker_costs_nothing_but_time(tmp_path):
    words = command(tmp_path, 400)
    run = start(words)
    worker = until(lambda: stopped_at_work(run.pid))
    until(lambda: finished(tmp_path) >= 1)
    os.kill(worker, signal.SIGKILL)
    output, errors = run.communicate()
    assert run.returncode == 0, errors
    assert f"{CELLS} cells run, 0 already there, 0 failed" in output
    assert "the worker died (WorkerCrashedError); trying again, 1 of 2" in errors
    assert len(Store(tmp_path).load()) == CELLS
    again = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"0 cells run, {CELLS} already there, 0 failed" in again.stdout


@needs_ray
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_leaves_nobody_behind_and_goes_on(tmp_path, number):
    run = start(command(tmp_path, 2000))
    until(lambda: at_work(run.pid))
    others = descendants(run.pid)
    run.send_signal(number)
    _, errors = run.communicate()
    assert run.returncode == 128 + number
    assert "the same command goes on from here" in errors
    assert "Traceback" not in errors
    until(lambda: gone(others))
    assert list(tmp_path.glob("*.tmp")) == []


@needs_ray
def test_workers_die_with_a_run_that_is_killed_alone(tmp_path):
    run = start(command(tmp_path, 2000))
    workers = until(lambda: at_work(run.pid))
    run.kill()
    run.communicate()
    until(lambda: not any(runs_a_cell(pid) for pid in workers))


STRATEGY = """
import sys

import bots
from bots.baselines import UniformSelector


def make(pool, rng):
    on_ray = "ray" in sys.modules
    if on_ray and not all("_ray_pkg_" in file for file in (bots.__file__, __file__)):
        raise ValueError(f"{bots.__file__} and {__file__} were not sent")
    return UniformSelector(pool, rng)
"""


@needs_ray
def test_a_cluster_is_sent_the_code_and_may_lose_a_machine(tmp_path, monkeypatch):
    from ray.cluster_utils import Cluster

    mine, elsewhere = tmp_path / "mine", tmp_path / "elsewhere"  # the latter is on workers' paths
    mine.mkdir()
    elsewhere.mkdir()
    (mine / "my_own.py").write_text(STRATEGY)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        machine = cluster.add_node(num_cpus=1)
        words = command(tmp_path / "out", 3000, "--seeds", "1", "--address", cluster.address)
        run = subprocess.Popen(
            [*words, "--strategy", "my_own:make"],
            cwd=elsewhere,
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{mine}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until(lambda: len(at_work(os.getpid())) == 2)
        cluster.remove_node(machine, allow_graceful=False)
        output, errors = run.communicate()
    finally:
        cluster.shutdown()
    assert run.returncode == 0, errors
    assert "3 cells run, 0 already there, 0 failed" in output
    assert "trying again, 1 of 2" in errors
    assert finished(tmp_path / "out") == 3
    commits = {result.extra["made_by"]["commit"] for result in Store(tmp_path / "out").load()}
    assert "unknown" not in commits


def test_what_needs_this_machines_disk_is_refused(tmp_path):
    plan = tiny_plans(["shuffle"], 1)[0]
    saved = replace(plan, setting=replace(plan.setting, checkpoint_seconds=1.0))
    with pytest.raises(ValueError, match="leave --engine ray out"):
        run_cells([saved], Store(tmp_path), workers=1, engine=RayEngine())
    with pytest.raises(ValueError, match="leave --tensorboard and --save-model out"):
        run_cells([plan], Store(tmp_path), 1, extras=Extras(tensorboard=True), engine=RayEngine())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--address", "auto"], "goes with --engine ray: add it"),
        (["--engine", "local", "--address", "auto"], "goes with --engine ray: add it"),
        (["--engine", "vllm"], "--engine goes with the suites real and real-tiny"),
        pytest.param(
            ["--engine", "ray", "--address", "127.0.0.1:1"],
            "there is no Ray to use at 127.0.0.1:1",
            marks=pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray"),
        ),
    ],
)
def test_engines_that_cannot_be_used_are_refused(tmp_path, capsys, words, message):
    assert main(["run", "smoke", "--seeds", "1", "--out", str(tmp_path / "out"), *words]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.integration
def test_the_local_engine_can_be_named(tmp_path, capsys):
    words = ["--seeds", "1", "--strategy", "shuffle", "--scenario", "base", "--steps", "3"]
    assert main(["run", "smoke", "--engine", "local", "--out", str(tmp_path), *words]) == 0
    assert "1 cells run" in capsys.readouterr().out

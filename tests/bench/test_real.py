"""Real runs through the benchmark: cells, checkpoints, signals, traces, refusals."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backends import Progress, StepRecord
from bench.cell import Life, StoppedError, run_cell
from bench.real import RealSource, real_setting
from bench.report import write_report
from bench.run_figures import seed_figures
from bench.runner import Extras, plans, run_cells
from bench.settings import Setting
from bench.store import Store
from bench.trace import Trace
from bots import load_state
from tests.bench.helpers import gone, marks
from tests.waiting import until

pytestmark = pytest.mark.integration  # each takes PyTorch, and most train a model
ROOT = Path(__file__).parents[2]
RECIPE = {
    "families": "RO",
    "pool_per_cell": 12,
    "heldout_per_cell": 6,
    "hidden": 32,
    "steps": 150,
    "weak_step": 60,
    "start_step": 110,
    "learning_rate": 6e-3,
}


@pytest.fixture(scope="module", name="source")
def source_fixture(tmp_path_factory):
    return RealSource(
        "small",
        RECIPE,
        str(tmp_path_factory.mktemp("models")),
        train={"learning_rate": 3e-4},
        rollouts={"engine": "transformers"},
    )


def setting_of(source: RealSource, steps: int = 8, **options) -> Setting:
    sizes = {
        "batch_size": 8,
        "group_size": 8,
        "steps": steps,
        "horizon": 1.0,
        "evaluate_every": 4,
        "checkpoint_seconds": 1e9,
        **options,
    }
    return real_setting(source, "", **sizes)


@pytest.fixture(scope="module", name="whole")
def whole_fixture(source, tmp_path_factory):
    trace = tmp_path_factory.mktemp("whole") / "trace.parquet"
    return run_cell(setting_of(source), "bots", 0, 4, Life(trace=trace)), trace


def without_times(columns):
    return {k: v for k, v in columns.items() if not k.startswith(("seconds/", "time/"))}


def test_a_cell_records_learning_groups_tokens_and_time(whole):
    result, _ = whole
    columns = result.columns
    assert columns["step"].tolist() == list(range(9))
    assert np.isfinite(columns["heldout"]).tolist() == [step % 4 == 0 for step in range(9)]
    assert np.isfinite(columns["pool"]).tolist() == [step % 4 == 0 for step in range(9)]
    for name in ("time/generation", "time/training", "generated_tokens", "engine_gap_max"):
        assert np.isfinite(columns[name][1:]).all()
    assert columns["difficulty"][1:].sum() == 64
    assert set(result.extra["made_by"]) >= {"commit", "torch", "transformers"}
    assert result.extra["offline_rollouts"] == 2 * 16 * 144
    assert result.config["real"]["rollouts"]["engine"] == "transformers"


def test_the_trace_holds_every_group(whole):
    import pyarrow.parquet as pq

    result, path = whole
    rows = pq.read_table(path).to_pandas()
    assert len(rows) == 64
    assert (rows["step"] == np.repeat(np.arange(1, 9), 8)).all()
    assert (rows["policy_version"] == rows["step"] - 1).all()
    assert (rows["trials"] == 8).all()
    assert rows["tokens"].sum() == result.columns["generated_tokens"][1:].sum()
    shares = rows.groupby("step")["successes"].sum() / 64
    np.testing.assert_allclose(shares, result.columns["reward"][1:])
    assert rows["trained"].all()
    assert rows["task"].str.endswith("=").all()


def test_a_stopped_cell_resumes_bit_for_bit(source, whole, tmp_path):
    checkpoint, trace = tmp_path / "c" / "cell.npz", tmp_path / "trace.parquet"
    answers = iter([False, False, True])
    life = Life(checkpoint, trace, stopping=lambda: next(answers, False))
    with pytest.raises(StoppedError):
        run_cell(setting_of(source), "bots", 0, 4, life)
    assert load_state(checkpoint)["progress"]["steps"] == 3
    resumed = run_cell(setting_of(source), "bots", 0, 4, Life(checkpoint, trace))
    for name, column in without_times(whole[0].columns).items():
        np.testing.assert_array_equal(column, resumed.columns[name], err_msg=name)
    assert trace.read_bytes()[:4] == b"PAR1"
    again = run_cell(setting_of(source), "bots", 0, 4, Life(checkpoint, resume=False))
    np.testing.assert_array_equal(again.columns["heldout"], whole[0].columns["heldout"])


def test_a_resumed_filtering_strategy_keeps_what_it_had_not_trained_on(source, tmp_path):
    hopeless = replace(source, train={"learning_rate": 0.0}, rollouts={**source.rollouts})
    setting = setting_of(hopeless, steps=4, group_size=2)
    whole = run_cell(setting, "dapo:max_rounds=2", 0, 4)
    answers = iter([False, True])
    life = Life(tmp_path / "cell.npz", stopping=lambda: next(answers, False))
    with pytest.raises(StoppedError):
        run_cell(setting, "dapo:max_rounds=2", 0, 4, life)
    resumed = run_cell(setting, "dapo:max_rounds=2", 0, 4, life)
    for name, column in without_times(whole.columns).items():
        np.testing.assert_array_equal(column, resumed.columns[name], err_msg=name)


def test_a_strategy_that_never_trained_still_has_figures(whole):
    result, _ = whole
    of_trainer = ("time/", "generated_tokens")
    columns = {k: v for k, v in result.columns.items() if not k.startswith(of_trainer)}
    figures = seed_figures(replace(result, columns=columns), result)
    assert figures["time_generation"] == figures["kilotokens"] == 0
    assert figures["seconds_per_step"] > 0


def test_a_trace_tells_twins_apart(tmp_path):
    import pyarrow.parquet as pq

    from tests.backends.rft import models

    batch = models.backend().rollout(np.array([5, 5]), 2)
    trace = Trace()
    trace.add(StepRecord(Progress(1, 4, 2), batch, np.array([1]), batch.take(np.array([1]))))
    trace.save(tmp_path / "t.parquet", models.tasks().pool, {})
    rows = pq.read_table(tmp_path / "t.parquet").to_pandas()
    assert rows["trained"].tolist() == [0, 1]
    assert rows["task_id"].tolist() == [5, 5]
    assert rows["successes"].tolist() == batch.feedback().successes_B.tolist()


def test_a_checkpoint_of_another_configuration_is_refused(source, tmp_path):
    checkpoint = tmp_path / "cell.npz"
    with pytest.raises(StoppedError):
        run_cell(setting_of(source), "shuffle", 0, 4, Life(checkpoint, stopping=lambda: True))
    other = replace(source, train={"learning_rate": 1e-4})
    with pytest.raises(ValueError, match=r"another configuration.*--no-resume"):
        run_cell(setting_of(other), "shuffle", 0, 4, Life(checkpoint))


@pytest.mark.slow
def test_a_diverging_cell_leaves_a_checkpoint_and_a_message(source, tmp_path):
    wild = replace(source, train={"largest_grad_norm": 1e-9})
    store = Store(tmp_path)
    outcome = run_cells(plans([setting_of(wild)], ["shuffle"], [0], 4), store, workers=1)
    assert outcome.failed == 1
    ((_, error),) = store.failures()
    assert "lower learning_rate" in error
    (saved,) = (tmp_path / "checkpoints").glob("*.diverged.npz")
    assert np.isfinite(load_state(saved)["backend"]["weights"]).all()


@pytest.mark.slow
def test_cells_run_are_reported_on_three_axes_and_follow_in_tensorboard(source, tmp_path):
    cells = plans([setting_of(source)], ["shuffle", "bots", "dapo"], [0, 1], 4)
    extras = Extras(tensorboard=True, models=True)
    assert run_cells(cells, Store(tmp_path), workers=2, extras=extras).done == 6
    assert not list((tmp_path / "checkpoints").glob("*"))
    assert len(list((tmp_path / "traces").glob("*.parquet"))) == 6
    assert len(list((tmp_path / "models").glob("*/model.safetensors"))) == 6
    assert len(list((tmp_path / "tensorboard").glob("*/events*"))) == 6
    report = write_report(tmp_path)
    text = report.text.read_text()
    for title in (
        "tokens or seconds",
        "Where the time goes",
        "Tokens and seconds",
    ):
        assert title in text
    assert "| bots |" in report.standings


STEPS = 10


def command(folder: Path, strategy: str = "waiting") -> list[str]:
    from tests.backends.rft import models

    words = ["run", "real", "--model", str(models.folder() / "start"), "--tasks", "families:RO"]
    words += ["--engine", "transformers", "--max-new-tokens", "11", "--seeds", "1"]
    words += ["--strategy", f"tests.bench.helpers:{strategy}", "--workers", "1"]
    words += ["--batch-size", "8", "--steps", str(STEPS), "--evaluate-every", "5"]
    words += ["--horizon", "1", "--checkpoint-seconds", "0"]
    return [sys.executable, "-m", "bench", *words, "--out", str(folder)]


def held(folder: Path, hold: Path, strategy: str = "waiting") -> tuple[subprocess.Popen, int]:
    """A run whose worker stands still in its fifth step."""
    hold.mkdir()
    process = subprocess.Popen(
        command(folder, strategy),
        cwd=ROOT,
        env={**os.environ, "HOLD": str(hold)},
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )
    (worker,) = until(lambda: marks(hold, "arrived"))
    return process, worker


def finish(folder: Path) -> dict[str, np.ndarray]:
    done = subprocess.run(command(folder), cwd=ROOT, capture_output=True, text=True, check=False)
    assert "0 failed" in done.stdout, done.stdout + done.stderr
    results = {result.cell.strategy: result for result in Store(folder).load()}
    return without_times(results["tests.bench.helpers:waiting"].columns)


@pytest.fixture(scope="module", name="straight")
def straight_fixture(tmp_path_factory):
    return finish(tmp_path_factory.mktemp("straight"))


@pytest.mark.parametrize(
    ("number", "to_group", "status", "steps"),
    [
        pytest.param(signal.SIGTERM, False, 143, 5, marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, True, 143, 5, marks=pytest.mark.slow),
        (signal.SIGKILL, True, -9, 4),
    ],
)
def test_a_run_that_is_ended_goes_on_where_it_was(
    tmp_path, straight, number, to_group, status, steps
):
    out = tmp_path / "out"
    process, _ = held(out, tmp_path / "hold")
    (os.killpg if to_group else os.kill)(process.pid, number)
    _, errors = process.communicate()
    assert process.returncode == status
    assert ("the same command goes on from here" in errors) == (number == signal.SIGTERM)
    (saved,) = (out / "checkpoints").glob("*.npz")
    assert load_state(saved)["progress"]["steps"] == steps < STEPS
    resumed = finish(out)
    for name, column in straight.items():
        np.testing.assert_array_equal(column, resumed[name], err_msg=name)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
def test_a_second_signal_ends_a_run_at_once_and_its_workers_with_it(tmp_path):
    hold = tmp_path / "hold"
    process, worker = held(tmp_path / "out", hold, "stubborn")
    process.send_signal(signal.SIGTERM)
    until(lambda: marks(hold, "told"))
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 143
    until(lambda: gone([worker]))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "needs --model FOLDER and --tasks SOURCE"),
        (["--model", "nowhere", "--tasks", "families:RO"], "it has no config.json"),
        (["--model", "MADE", "--tasks", "nowhere.jsonl"], "cannot be read"),
        (["--model", "MADE", "--tasks", "families:RO", "--group-size", "1"], "at least 2"),
        (["--model", "MADE", "--tasks", "families:RO", "--max-new-tokens", "90"], "holds 64"),
        (["--model", "MADE", "--tasks", "families:RO", "--batch-size", "9999"], "distinct tasks"),
        (["--model", "MADE", "--tasks", "families:RO", "--device", "cuda"], "finds no GPU"),
        (["--model", "MADE", "--tasks", "families:RO", "--domain", "x"], "--domain goes with"),
        (["--model", "MADE", "--tasks", "families:RO", "--num-tasks", "5"], "simulated suites"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_trained(capsys, tmp_path, words, message):
    from bench.__main__ import main
    from tests.backends.rft import models

    words = [str(models.folder() / "start") if word == "MADE" else word for word in words]
    defaults = [] if "--max-new-tokens" in words else ["--max-new-tokens", "11"]
    engine = [] if "--engine" in words else ["--engine", "transformers"]
    out = ["--out", str(tmp_path / "out")]
    assert main(["run", "real", *words, *defaults, *engine, *out]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

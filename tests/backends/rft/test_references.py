from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.rft.config import RolloutConfig
from backends.rft.reference_files import Counts, ReferenceFiles
from backends.rft.sources import load_tasks, parse_tasks, with_references
from backends.rft.tasks import TaskSet
from backends.rft.verifiers import VERIFIERS, VerifierError
from backends.rft.verifiers.exact import ExactVerifier
from tests.backends.rft import models as small_models
from tests.lazy import lazily

with lazily():
    from pyarrow.parquet import read_table

    from backends.rft import engines
    from backends.rft.__main__ import main
    from backends.rft.engines import AbstractEngine, make_engine
    from backends.rft.exact import ExactRates
    from backends.rft.policy import load_policy
    from backends.rft.reference_counts import ReferenceConfig
    from backends.rft.references import measure_references, parse_models

pytestmark = pytest.mark.integration
SAMPLES = 8
# One task in each pass: the sums in its kernels, and so its draws, depend on no other task.
ROLLOUTS = RolloutConfig(engine="transformers", max_rows=SAMPLES)
FLAGS = ["--tasks=families:R", "--engine=transformers", "--device=cpu", f"--max-rows={SAMPLES}"]


@cache
def tasks() -> TaskSet:
    return load_tasks(parse_tasks("families:R", pool_per_cell=4, heldout_per_cell=3))


def keys() -> list[str]:
    return [task.key for task in tasks().train_N]


def config(**changes: Any) -> ReferenceConfig:
    return ReferenceConfig(**{"samples": SAMPLES, "chunk": 3, "device": "cpu"} | changes)


class SpyEngine:
    """Counts requests by prompt, and dies at the call of that number."""

    def __init__(self, engine: AbstractEngine, asked: list[tuple[int, ...]], dies: int) -> None:
        self._engine, self._asked, self._dies = engine, asked, dies

    def generate(self, requests, samples, sampling):
        self._dies -= 1
        if self._dies == 0:
            raise engines.EngineError("it died")
        self._asked += [tuple(request.prompt_ids_T.tolist()) for request in requests]
        return self._engine.generate(requests, samples, sampling)

    def sync(self, weights) -> None:
        self._engine.sync(weights)

    def rest(self) -> None:
        self._engine.rest()

    def close(self) -> None:
        self._engine.close()


class Spy:
    def __init__(self) -> None:
        self.asked: list[tuple[int, ...]] = []
        self.dies = 0


@pytest.fixture(scope="module")
def made() -> Path:
    return small_models.folder()


@pytest.fixture(scope="module")
def models(made) -> dict[str, Path]:
    return {"start": made / "start", "strong": made / "strong"}


@pytest.fixture(scope="module")
def whole(models, tmp_path_factory) -> Path:
    """The output of a run that nothing interrupted."""
    out = tmp_path_factory.mktemp("whole") / "refs.parquet"
    measure(models, out)
    return out


@pytest.fixture
def spy(monkeypatch) -> Spy:
    found = Spy()

    def make(*arguments: Any) -> SpyEngine:
        return SpyEngine(make_engine(*arguments), found.asked, found.dies)

    monkeypatch.setattr("backends.rft.reference_counts.make_engine", make)
    return found


def measure(models: dict[str, Path], out: Path, **changes: Any) -> dict[str, Counts]:
    given: dict[str, Any] = {
        "tasks": tasks(),
        "config": config(),
        "rollouts": ROLLOUTS,
        "redo": False,
    } | changes
    return measure_references(
        models, given["tasks"], out, given["config"], given["rollouts"], given["redo"]
    )


def rows(path: Path) -> list[dict[str, Any]]:
    return read_table(path).to_pylist()


def parts(out: Path) -> list[Path]:
    return sorted(out.with_name(f"{out.name}.parts").glob("*.parquet"))


def test_each_task_to_train_on_has_rates_and_counts(whole):
    names = ["id", "domain"]
    for label in ("start", "strong"):
        names += [label, f"{label}_successes", f"{label}_trials", f"{label}_failures"]
    assert read_table(whole).column_names == names
    assert [row["id"] for row in rows(whole)] == keys()
    assert [row["domain"] for row in rows(whole)] == [task.domain for task in tasks().train_N]
    for row in rows(whole):
        assert row["strong"] == row["strong_successes"] / 8
        assert (row["strong_trials"], row["strong_failures"]) == (8, 0)
    rates = {row["strong"] for row in rows(whole)}
    assert len(rates) > 1  # else any mix-up of rows would do


def test_nothing_but_the_output_stays(whole):
    assert [path.name for path in whole.parent.iterdir()] == ["refs.parquet"]


def test_heldout_tasks_are_not_touched(models, tmp_path, spy):
    policy = load_policy(models["strong"], "cpu")
    measure({"strong": models["strong"]}, tmp_path / "a.parquet")
    assert sorted(spy.asked) == sorted(tuple(policy.encode(task)) for task in tasks().train_N)


def test_counts_agree_with_exact_rates(models, tmp_path):
    """|z| < 4 for the total over the tasks, false alarms 6e-5."""
    found = measure({"strong": models["strong"]}, tmp_path / "a.parquet", config=config(samples=64))
    policy = load_policy(models["strong"], "cpu")
    rates_N = ExactRates(policy, tasks().train_N, ROLLOUTS).solve_rates()
    solved = sum(successes for successes, _, _ in found["strong"].values())
    z = (solved - 64 * rates_N.sum()) / np.sqrt(64 * (rates_N * (1 - rates_N)).sum())
    assert abs(z) < 4


def test_the_file_is_a_reference_of_its_tasks(whole):
    references = with_references(tasks(), whole, weak="start").references
    assert references["strong"].tolist() == [row["strong"] for row in rows(whole)]
    assert references["weak"].tolist() == [row["start"] for row in rows(whole)]


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_the_size_of_a_chunk_changes_no_count(models, tmp_path, whole, chunk):
    measure({"strong": models["strong"]}, tmp_path / "a.parquet", config=config(chunk=chunk))
    for row, wanted in zip(rows(tmp_path / "a.parquet"), rows(whole), strict=True):
        assert row == {name: wanted[name] for name in row}


def test_draws_depend_on_seed_and_label(models, tmp_path, whole):
    same = {"start": models["strong"], "strong": models["strong"]}
    found = measure(same, tmp_path / "a.parquet")
    assert found["start"] != found["strong"]
    other = measure(models, tmp_path / "b.parquet", config=config(seed=1))
    assert other["strong"] != found["strong"]


@pytest.mark.parametrize("dies", [1, 4, 8])
def test_a_run_that_died_goes_on_and_measures_nothing_twice(models, tmp_path, whole, spy, dies):
    out = tmp_path / "refs.parquet"
    spy.dies = dies
    with pytest.raises(engines.EngineError, match="it died"):
        measure(models, out)
    assert not out.exists()
    assert len(parts(out)) == dies - 1
    spy.dies = 0
    measure(models, out, config=config(chunk=5))
    assert rows(out) == rows(whole)
    assert len(spy.asked) == 2 * len(keys())
    assert [path.name for path in tmp_path.iterdir()] == ["refs.parquet"]


def test_a_finished_output_is_not_measured_again(models, tmp_path, spy):
    out = tmp_path / "refs.parquet"
    first = measure(models, out)
    spy.asked.clear()
    assert measure(models, out) == first
    assert spy.asked == []
    assert [path.name for path in tmp_path.iterdir()] == ["refs.parquet"]


@pytest.mark.parametrize("named", [True, False])
def test_a_further_model_adds_its_columns(models, tmp_path, whole, spy, named):
    out = tmp_path / "refs.parquet"
    measure({"start": models["start"]}, out)
    spy.asked.clear()
    measure(models if named else {"strong": models["strong"]}, out)
    assert len(spy.asked) == len(keys())
    assert read_table(out).equals(read_table(whole))


CHANGES = [
    ({"samples": 9}, "samples is 8 there and 9 here"),
    ({"seed": 5}, "seed is 0 there and 5 here"),
    ({"rollouts": replace(ROLLOUTS, temperature=0.5)}, "temperature is 1.0 there and 0.5 here"),
    ({"rollouts": replace(ROLLOUTS, max_new_tokens=9)}, "max_new_tokens is 11 there and 9 here"),
    ({"tasks": slice(1, None)}, "tasks is "),
]


@pytest.mark.parametrize(("change", "message"), CHANGES)
@pytest.mark.parametrize("finished", [True, False])
def test_other_settings_are_refused_unless_measured_again(
    models, tmp_path, spy, change, message, finished
):
    given: dict[str, Any] = change
    if "tasks" in change:
        given = {"tasks": TaskSet(tasks().train_N[change["tasks"]], tasks().heldout)}
    elif "rollouts" not in change:
        given = {"config": config(**change)}
    out, strong = tmp_path / "refs.parquet", {"strong": models["strong"]}
    spy.dies = 0 if finished else 3
    if finished:
        measure(strong, out)
    else:
        with pytest.raises(engines.EngineError):
            measure(strong, out)
    spy.dies = 0
    before = [path.read_bytes() for path in (out, *parts(out)) if path.exists()]
    with pytest.raises(ValueError, match=rf"{message}.*measure again with --redo"):
        measure(strong, out, **given)
    assert [path.read_bytes() for path in (out, *parts(out)) if path.exists()] == before
    spy.asked.clear()
    redone = measure(strong, out, redo=True, **given)
    assert len(spy.asked) == len(redone["strong"])
    assert redone == measure(strong, tmp_path / "fresh.parquet", **given)
    assert rows(out) == rows(tmp_path / "fresh.parquet")


def test_another_model_of_the_same_label_is_refused(made, tmp_path):
    measure({"a": made / "start"}, tmp_path / "refs.parquet")
    with pytest.raises(ValueError, match=r"refs\.parquet was made with other settings \(model is"):
        measure({"a": made / "strong"}, tmp_path / "refs.parquet")


def test_columns_measured_on_other_tasks_are_not_mixed_in(models, tmp_path):
    out = tmp_path / "refs.parquet"
    fewer = TaskSet(tasks().train_N[:9], tasks().heldout)
    measure({"start": models["start"]}, out, tasks=fewer)
    with pytest.raises(ValueError, match="tasks is"):
        measure({"strong": models["strong"]}, out)
    measure({"strong": models["strong"]}, out, redo=True)
    assert "start" not in read_table(out).column_names
    assert len(rows(out)) == len(keys())


def test_a_redone_run_that_died_goes_on_with_the_same_command(models, tmp_path, spy):
    out, strong = tmp_path / "refs.parquet", {"strong": models["strong"]}
    measure(strong, out)
    spy.asked.clear()
    spy.dies = 4
    again = config(samples=4)
    with pytest.raises(engines.EngineError):
        measure(strong, out, config=again, redo=True)
    assert rows(out)[0]["strong_trials"] == 8
    spy.dies = 0
    measure(strong, out, config=again, redo=True)
    assert rows(out)[0]["strong_trials"] == 4
    assert len(spy.asked) == len(keys())


def test_what_a_verifier_lost_is_no_trial_and_no_trial_is_no_rate(models, tmp_path, monkeypatch):
    class Losing(ExactVerifier):
        def score(self, completion: str, answer: str) -> float:
            if len(answer) < 5 or completion != answer:
                raise VerifierError("cannot decide")
            return 1.0

    monkeypatch.setitem(VERIFIERS, "exact", Losing)
    measure({"strong": models["strong"]}, tmp_path / "refs.parquet")
    missing = 0
    for row in rows(tmp_path / "refs.parquet"):
        assert row["strong_trials"] + row["strong_failures"] == 8
        if row["strong_trials"] == 0:
            assert row["strong"] is None
            missing += 1
        else:
            assert row["strong"] == row["strong_successes"] / row["strong_trials"]
    assert missing >= 8  # answers of two of six levels are shorter than 5
    weak_N = with_references(tasks(), tmp_path / "refs.parquet").references["strong"]
    assert np.isnan(weak_N).sum() == missing


def test_another_file_at_the_output_is_left_alone(models, tmp_path):
    import pyarrow as pa
    from pyarrow.parquet import write_table

    out = tmp_path / "refs.parquet"
    write_table(pa.table({"id": ["a"]}), out)
    before = out.read_bytes()
    for redo in (False, True):
        with pytest.raises(ValueError, match=r"holds no reference rates .*: choose another --out"):
            measure(models, out, redo=redo)
    out.write_bytes(b"x")
    with pytest.raises(ValueError, match=r"refs\.parquet cannot be read"):
        measure(models, out)
    assert before != out.read_bytes() == b"x"
    assert [path.name for path in tmp_path.iterdir()] == ["refs.parquet"]


def test_one_run_at_a_time_writes_an_output(models, tmp_path):
    out = tmp_path / "refs.parquet"
    with (
        ReferenceFiles(out).locked(),
        pytest.raises(ValueError, match="another run is writing"),
    ):
        measure(models, out)


def test_what_cannot_be_measured_is_refused_before_any_work(models, tmp_path):
    out = tmp_path / "refs.parquet"
    for wrong, message in (
        ({"out": tmp_path / "refs.csv"}, r"must end in \.parquet"),
        ({"models": {}}, "there are 0 models"),
        ({"models": {**models, "x": tmp_path}}, "is not a model: it has no config.json"),
    ):
        given = {"models": models, "out": out} | wrong
        with pytest.raises(ValueError, match=message):
            measure(**given)
    long = replace(ROLLOUTS, max_new_tokens=60)
    with pytest.raises(ValueError, match=r"the context of .* holds 64: lower max_new_tokens"):
        measure(models, out, rollouts=long)
    assert list(tmp_path.iterdir()) == []


def test_a_model_has_a_label(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lr=1" / "weak").mkdir(parents=True)
    assert parse_models(["a=b/c", "lr=1/weak"]) == {"a": Path("b/c"), "weak": Path("lr=1/weak")}
    assert parse_models(["weak=lr=1/weak"]) == {"weak": Path("lr=1/weak")}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a/weak", "b/weak"], "the label 'weak' names two models, a/weak and b/weak"),
        (["=a"], "the label of the model '=a' is ''"),
        (["id=a"], "is 'id'; it must be letters"),
        (["weak_trials=a"], "is 'weak_trials'"),
        (["../x y"], "is 'x y'; .* give another, as in --model weak=../x y"),
        (["a/b=c"], "is 'a/b'"),
    ],
)
def test_impossible_labels_are_refused(words, message):
    with pytest.raises(ValueError, match=message):
        parse_models(words)


def command(models: dict[str, Path], out: Path, *more: str) -> list[str]:
    named = [f"--model={label}={path}" for label, path in models.items()]
    cells = ["--pool-per-cell=4", "--heldout-per-cell=3", "--samples=8"]
    return ["references", *named, *FLAGS, *cells, f"--out={out}", *more]


PAUSING = """
import signal, sys
from backends.rft import reference_counts
from backends.rft.__main__ import main

make = reference_counts.make_engine

def pausing(*arguments):
    engine = make(*arguments)
    generate, calls = engine.generate, []

    def counted(*requests):
        calls.append(requests)
        if len(calls) == 4:
            print("at work", flush=True)
            while True:
                signal.pause()
        return generate(*requests)

    engine.generate = counted
    return engine

reference_counts.make_engine = pausing
sys.exit(main(sys.argv[1:]))
"""


def started(arguments: list[str]) -> subprocess.Popen[str]:
    """A run in a process of its own, which has written three parts and is at work on the next."""
    process = subprocess.Popen(
        [sys.executable, "-c", PAUSING, *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "at work\n"
    return process


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_a_killed_run_goes_on_and_measures_nothing_twice(models, tmp_path, whole, spy, number):
    out = tmp_path / "refs.parquet"
    process = started(command(models, out, "--chunk=1"))
    process.send_signal(number)
    _, errors = process.communicate()
    assert process.returncode == (-9 if number == signal.SIGKILL else 143)
    if number == signal.SIGTERM:
        assert errors == "stopped; the same command goes on from here\n"
    assert sum(len(rows(path)) for path in parts(out)) == 3
    assert not out.exists()
    measure(models, out)
    assert len(spy.asked) == 2 * len(keys()) - 3
    assert read_table(out).equals(read_table(whole))
    assert [path.name for path in tmp_path.iterdir()] == ["refs.parquet"]


@pytest.fixture
def threads(monkeypatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # `main` sets it; this puts it back


@pytest.mark.usefixtures("threads")
def test_the_command_measures_and_says_what_it_found(models, tmp_path, whole, capsys):
    out = tmp_path / "refs.parquet"
    assert main(command(models, out)) == 0
    assert rows(out) == rows(whole)
    printed = capsys.readouterr()
    mean = np.mean([row["strong"] for row in rows(whole)])
    assert f"strong: mean solve rate {mean:.4f} over 24 of 24 tasks, 192 trials" in printed.out
    assert printed.err == ""


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--tasks=nothing"], "error: the tasks are 'nothing'; they must be"),
        (["--samples=0"], "error: samples is 0; it must be at least 1"),
        (["--model=absent"], "error: absent is not a model"),
        (["--out=/proc/none/refs.parquet"], "error: "),
    ],
)
def test_bad_input_is_one_line_and_status_2(models, tmp_path, capsys, more, message):
    assert main(command(models, tmp_path / "refs.parquet", *more)) == 2
    printed = capsys.readouterr().err
    assert printed.startswith(message)
    assert printed.count("\n") == 1


@pytest.mark.usefixtures("threads")
def test_a_model_is_made_once_and_the_next_command_is_named(tmp_path, capsys):
    flags = ["--small", "--families=RO", "--pool-per-cell=4", "--heldout-per-cell=2", "--steps=3"]
    flags += ["--hidden=32", "--weak-step=1", "--start-step=2", f"--out={tmp_path / 'm'}"]
    assert main(["make-model", *flags]) == 0
    first = capsys.readouterr()
    assert first.err == ""
    assert "pool of 48 tasks" in first.out
    assert "--tasks=families:RO --pool-per-cell=4 --heldout-per-cell=2 --seed=0" in first.out
    assert main(["make-model", *flags]) == 0
    assert "holds this model already" in capsys.readouterr().out
    assert main(["make-model", *flags, "--batch=7"]) == 2
    assert "error: " in capsys.readouterr().err

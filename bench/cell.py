"""One cell: one strategy on one setting with one seed, measured as it runs."""

import json
import platform
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from backends import AbstractBackend, Progress, run
from backends.rft.errors import DivergedError
from bench.entry import Strategy
from bench.metrics import reliability
from bench.monitor import Monitor
from bench.recorder import Recorder
from bench.settings import Setting
from bench.store import SCHEMA_VERSION, CellId, CellResult
from bench.strategies import knowledge, make_strategy, options, source_digest, visible
from bench.trace import Trace
from bots import __version__, load_state, save_state

_LONGEST_RUN = 4  # times the usual steps, for strategies with few rollouts per step


class StoppedError(Exception):
    """The run was told to stop; what was done is saved if the setting has checkpoints."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Life:
    """What a cell keeps while it runs, and who may stop it.

    Attributes:
        checkpoint: file to save to and resume from; None: the cell is run in one go.
        trace: file for every rollout group, where the setting has one.
        model: folder for the trained model, where the setting has one; None: it is not kept.
        tensorboard: folder for TensorBoard; None: no log.
        log_seconds: time between lines on standard error; None: none.
        resume: whether to go on from the checkpoint.
        stopping: asked after every step.
    """

    checkpoint: Path | None = None
    trace: Path | None = None
    model: Path | None = None
    tensorboard: Path | None = None
    log_seconds: float | None = None
    resume: bool = True
    stopping: Callable[[], bool] = field(default=_never)


def cell_config(setting: Setting, strategy: str, seed: int, truth_every: int) -> dict[str, Any]:
    """Everything that a cell's outcome depends on, as JSON."""
    config = {
        "setting": setting.name,
        "strategy": strategy,
        "strategy_source": source_digest(strategy),
        "options": options(strategy),
        "seed": seed,
        "steps": setting.steps,
        "batch_size": setting.batch_size,
        "group_size": setting.group_size,
        "horizon": setting.horizon,
        "truth_every": truth_every,
        **setting.description,
    }
    return json.loads(json.dumps(config))


def run_cell(
    setting: Setting,
    spec: str,
    seed: int,
    truth_every: int | None = None,
    life: Life | None = None,
) -> CellResult:
    """Runs one cell, or the rest of it.

    Training goes on until `horizon` times both the setting's steps and its rollouts
    (steps x batch x group) are used, so that every strategy can be compared at equal steps and at
    equal rollouts.

    Args:
        setting: what to run on.
        spec: the strategy, see `make_strategy`.
        seed: of pool, learner and selector; strategies with the same seed are paired.
        truth_every: steps between looks at the whole pool; None: as the setting says.
        life: checkpoints, logs and the signal to stop; default: none.

    Raises:
        StoppedError: when told to stop.
        ValueError: for a checkpoint of another configuration.
    """
    life = life or Life()
    truth_every = setting.truth_every if truth_every is None else truth_every
    config = cell_config(setting, spec, seed, truth_every)
    entropy = np.random.SeedSequence([crc32(setting.name.encode()), seed, 1])
    backend, truth = setting.build(seed)
    try:
        rng = np.random.default_rng(entropy)
        strategy = make_strategy(spec, backend.pool, rng, truth, setting.steps)
        recorder = Recorder(backend, strategy.selector, truth, setting.evaluate_every, truth_every)
        cell = _Cell(setting, backend, strategy, recorder, config, life)
        cell.train(f"{setting.name}/{spec}/{seed}")
        offline = setting.offline_cost(visible(backend.pool, knowledge(spec)))
        extra: dict[str, Any] = {
            "made_by": {**made_by(), **setting.made_by()},
            "offline_rollouts": offline,
        }
        columns, predicted_N = recorder.columns(), recorder.beliefs()
        if predicted_N is not None and truth is not None:
            extra["reliability"] = reliability(predicted_N, truth.solve_rates())
        cell.keep()
    finally:
        backend.close()
    return CellResult(CellId(setting.name, spec, seed), config, columns, extra)


class _Cell:
    """A run with all that must be saved of it."""

    def __init__(
        self,
        setting: Setting,
        backend: AbstractBackend,
        strategy: Strategy,
        recorder: Recorder,
        config: dict[str, Any],
        life: Life,
    ) -> None:
        self._setting, self._backend, self._strategy = setting, backend, strategy
        self._recorder, self._config, self._life = recorder, config, life
        self._progress = Progress()
        self._trace = Trace() if setting.traced else None

    def train(self, name: str) -> None:
        """To the end, from the checkpoint if there is one."""
        if not self._resumed():
            self._recorder.begin()
        last_step, first = self._last_step(), self._progress.steps
        if self._finished(self._progress):
            return
        saved, size, group = time.monotonic(), self._setting.batch_size, self._setting.group_size
        selector, collector = self._strategy.selector, self._strategy.collector
        life = self._life
        with Monitor(name, last_step, first, life.log_seconds, life.tensorboard) as monitor:
            try:
                for record in run(
                    self._backend,
                    selector,
                    size,
                    group,
                    collector,
                    self._progress,
                    self._strategy.thinning,
                ):
                    self._progress = record.progress
                    monitor.add(self._recorder.add(record))
                    if self._trace is not None:
                        self._trace.add(record)
                    if self._finished(record.progress):
                        return
                    stop = life.stopping()
                    every = self._setting.checkpoint_seconds
                    if every is not None and (stop or time.monotonic() - saved >= every):
                        self._save(life.checkpoint)
                        saved = time.monotonic()
                    if stop:
                        raise StoppedError(name)
            except DivergedError:
                if life.checkpoint is not None:
                    self._save(life.checkpoint.with_suffix(".diverged.npz"))
                raise

    def keep(self) -> None:
        """Writes what outlasts the run."""
        if self._trace is not None and self._life.trace is not None:
            header = {"bots": json.dumps({"config": self._config, "made_by": made_by()})}
            self._trace.save(self._life.trace, self._backend.pool, header)
        if self._life.model is not None:
            self._setting.save_model(self._backend, self._life.model)

    def _last_step(self) -> float:
        return self._setting.horizon * self._setting.steps

    def _finished(self, progress: Progress) -> bool:
        last_step = self._last_step()
        budget = last_step * self._setting.batch_size * self._setting.group_size
        paid = progress.rollouts_generated >= budget or progress.steps >= _LONGEST_RUN * last_step
        return progress.steps >= last_step and paid

    def _parts(self) -> dict[str, Any]:
        parts = {
            "backend": self._backend,
            "selector": self._strategy.selector,
            "recorder": self._recorder,
        }
        return parts if self._trace is None else parts | {"trace": self._trace}

    def _save(self, path: Path | None) -> None:
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        states = {name: part.state_dict() for name, part in self._parts().items()}
        state = {"config": self._config, "progress": asdict(self._progress), **states}
        save_state(path, state, keep_previous=False)

    def _resumed(self) -> bool:
        path = self._life.checkpoint
        if path is None or not self._life.resume or not path.exists():
            return False
        state = load_state(path)
        if state.get("config") != self._config:
            raise ValueError(
                f"{path} is the checkpoint of another configuration: start the cell anew with "
                "--no-resume, or choose another --out"
            )
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self._progress = Progress(**state["progress"])
        return True


@cache
def made_by() -> dict[str, str]:
    """Version, commit and interpreter; the commit ends in + if tracked files changed since."""
    folder = Path(__file__).parent
    commit = _git(folder, "rev-parse", "--short=12", "HEAD") or "unknown"
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {
        "version": __version__,
        "schema": str(SCHEMA_VERSION),
        "commit": commit + ("+" if changed else ""),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def _git(folder: Path, *arguments: str) -> str:
    try:
        result = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""

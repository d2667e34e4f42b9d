"""One cell: one strategy on one setting with one seed, measured as it runs."""

import json
import platform
import subprocess
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from backends import AbstractBackend, AbstractTruth, StepRecord, run
from bench.metrics import belief_scores, reliability
from bench.settings import Setting
from bench.store import SCHEMA_VERSION, CellId, CellResult
from bench.strategies import Strategy, make_strategy, source_digest, uses_references
from bots import AbstractSelector, __version__

DIFFICULTY_BINS = 10
_LONGEST_RUN = 4  # times the usual steps, for strategies with few rollouts per step


def cell_config(setting: Setting, strategy: str, seed: int, truth_every: int) -> dict[str, Any]:
    """Everything that a cell's outcome depends on, as JSON."""
    config = {
        "setting": setting.name,
        "strategy": strategy,
        "strategy_source": source_digest(strategy),
        "seed": seed,
        "steps": setting.steps,
        "batch_size": setting.batch_size,
        "group_size": setting.group_size,
        "horizon": setting.horizon,
        "truth_every": truth_every,
        **setting.description,
    }
    return json.loads(json.dumps(config))


def run_cell(setting: Setting, spec: str, seed: int, truth_every: int = 10) -> CellResult:
    """Runs one cell.

    Training goes on until `horizon` times both the setting's steps and its rollouts
    (steps x batch x group) are used, so that every strategy can be compared at equal steps and at
    equal rollouts.

    Args:
        setting: what to run on.
        spec: the strategy, see `make_strategy`.
        seed: of pool, learner and selector; strategies with the same seed are paired.
        truth_every: steps between the measurements that look at the whole pool.
    """
    config = cell_config(setting, spec, seed, truth_every)
    entropy = np.random.SeedSequence([crc32(setting.name.encode()), seed, 1])
    backend, truth = setting.build(seed)
    try:
        strategy = make_strategy(spec, backend.pool, np.random.default_rng(entropy), truth)
        recorder = _Recorder(backend, strategy.selector, truth, truth_every)
        _train(setting, backend, strategy, recorder)
        rates = len(backend.pool.references) * backend.pool.num_tasks
        extra: dict[str, Any] = {
            "made_by": made_by(),
            "offline_rollouts": setting.reference_trials * rates if uses_references(spec) else 0,
        }
        predicted_N = recorder.beliefs()
        if predicted_N is not None:
            extra["reliability"] = reliability(predicted_N, truth.solve_rates())
    finally:
        backend.close()
    return CellResult(CellId(setting.name, spec, seed), config, recorder.columns(), extra)


def _train(
    setting: Setting, backend: AbstractBackend, strategy: Strategy, recorder: "_Recorder"
) -> None:
    size, group = setting.batch_size, setting.group_size
    last_step = setting.horizon * setting.steps
    for record in run(backend, strategy.selector, size, group, strategy.collector):
        recorder.add(record)
        steps, rollouts = record.progress.steps, record.progress.rollouts_generated
        enough = rollouts >= last_step * size * group or steps >= _LONGEST_RUN * last_step
        if steps >= last_step and enough:
            return


class _Recorder:
    """Turns step records into columns, one row before training and one per step."""

    def __init__(
        self,
        backend: AbstractBackend,
        selector: AbstractSelector,
        truth: AbstractTruth,
        truth_every: int,
    ) -> None:
        self._backend, self._selector, self._truth = backend, selector, truth
        self._truth_every = truth_every
        self._visits_N = np.zeros(backend.pool.num_tasks, dtype=np.int64)
        self._rows: list[dict[str, Any]] = []
        self._add_row({"step": 0, "rollouts_generated": 0, "rollouts_trained": 0}, look=True)

    def add(self, record: StepRecord) -> None:
        """The row of one step."""
        np.add.at(self._visits_N, record.trained_ids_B, 1)
        counts, progress = record.feedback, record.progress
        row = {
            "step": progress.steps,
            "rollouts_generated": progress.rollouts_generated,
            "rollouts_trained": progress.rollouts_trained,
            "reward": counts.successes_B.sum() / max(counts.trials_B.sum(), 1.0),
            "informative": counts.informative_B.mean(),
            "all_wrong": (counts.successes_B == 0).mean(),
            "all_right": (counts.successes_B == counts.trials_B).mean(),
            "difficulty": self._difficulty(record),
            **{f"seconds/{name}": value for name, value in record.seconds.items()},
            **record.train_metrics,
        }
        self._add_row(row, look=progress.steps % self._truth_every == 0)

    def columns(self) -> dict[str, np.ndarray]:
        """All rows, column by column; NaN where a row lacks a figure. The last row has them all."""
        if "pool" not in self._rows[-1]:
            self._rows[-1].update(self._pool_figures())
        names = dict.fromkeys(name for row in self._rows for name in row if name != "difficulty")
        columns = {name: np.array([row.get(name, np.nan) for row in self._rows]) for name in names}
        blank = np.zeros(DIFFICULTY_BINS, dtype=np.int64)
        columns["difficulty"] = np.array([row.get("difficulty", blank) for row in self._rows])
        return columns

    def beliefs(self) -> np.ndarray | None:
        """The strategy's predicted solve rates, if it makes any, and they are solve rates."""
        predicted = self._selector.solve_rates()
        if predicted is None:
            return None
        predicted_N = np.asarray(predicted, dtype=np.float64)
        if predicted_N.shape != self._visits_N.shape:
            raise ValueError(
                f"solve_rates() has shape {predicted_N.shape}; it must be {self._visits_N.shape}, "
                "one rate per task, or None"
            )
        if not ((predicted_N >= 0) & (predicted_N <= 1)).all():
            raise ValueError(
                f"solve_rates() spans [{predicted_N.min():g}, {predicted_N.max():g}]; predicted "
                "solve rates must lie in [0, 1]"
            )
        return predicted_N

    def _add_row(self, row: dict[str, Any], look: bool) -> None:
        row["heldout"] = self._backend.evaluate()
        row["distinct_tasks"] = np.count_nonzero(self._visits_N)
        row["most_visits"] = self._visits_N.max()
        if look:
            row.update(self._pool_figures())
        self._rows.append(row)

    def _pool_figures(self) -> dict[str, float]:
        true_N = self._truth.solve_rates()
        figures = {"pool": float(true_N.mean())}
        predicted_N = self.beliefs()
        if predicted_N is not None:
            figures.update(belief_scores(predicted_N, true_N))
        return figures | {f"selector/{k}": v for k, v in self._selector.metrics().items()}

    def _difficulty(self, record: StepRecord) -> np.ndarray:
        """How many trained groups had a true solve rate in each tenth of [0, 1], after the step."""
        rates_B = self._truth.solve_rates(record.trained_ids_B)
        bins_B = np.minimum((rates_B * DIFFICULTY_BINS).astype(int), DIFFICULTY_BINS - 1)
        return np.bincount(bins_B, minlength=DIFFICULTY_BINS)


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
            ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""

"""What a fit may see of a real setting: the runs of shuffle, and what is public about the pool."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench import metrics
from bench.metrics import Floats
from bench.store import CellId, Store, read_cell
from bench.strategies import REFERENCE
from simulator.calibration.trace import Trace, from_columns

_PREFIX = "reference/"
_MOST_TRIALS = 256


@dataclass(frozen=True, slots=True, eq=False)
class ShuffledRun:
    """One run under shuffle, task by task.

    Attributes:
        seed: of the run.
        trace: its rollout groups; `K` tasks.
        domains_K: labels of the tasks; all alike where the pool has none.
        references: solve rates by reference, shape (K,), NaN where unknown.
        heldout: training steps and held-out solve rate at each evaluation.
    """

    seed: int
    trace: Trace
    domains_K: npt.NDArray[np.str_]
    references: Mapping[str, Floats]
    heldout: tuple[Floats, Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """All runs under shuffle of one setting, and the configuration they have in common."""

    setting: str
    config: Mapping[str, Any]
    runs: tuple[ShuffledRun, ...]

    @property
    def num_tasks(self) -> int:
        """Tasks of the pool: median over runs, as models of our own have pools of their own."""
        return int(np.median([run.trace.num_tasks for run in self.runs]))

    def stacked(self) -> Trace:
        """One trace of all runs, the tasks of each apart."""
        parts = [run.trace for run in self.runs]
        names = [np.char.add(f"{run.seed}/", run.trace.names_K) for run in self.runs]
        return from_columns(
            np.concatenate(
                [name_K[part.task_R] for name_K, part in zip(names, parts, strict=True)]
            ),
            np.concatenate([part.when_R for part in parts]),
            np.concatenate([part.successes_R for part in parts]),
            np.concatenate([part.trials_R for part in parts]),
            by_step=True,
        )

    def domains(self) -> dict[str, str]:
        """Label by name of a task in `stacked`."""
        return {
            f"{run.seed}/{name}": str(label)
            for run in self.runs
            for name, label in zip(run.trace.names_K, run.domains_K, strict=True)
        }

    def heldout_at(self, step: float) -> float:
        """Held-out solve rate after `step` steps, mean over runs."""
        return float(np.mean([metrics.value_at(*run.heldout, step) for run in self.runs]))


def gather(folder: Path) -> Evidence:
    """The evidence in a folder of real results; opens no file but those of shuffle.

    Raises:
        ValueError: when there is no finished run of shuffle with a trace, or the folder holds
            several settings.
    """
    files = sorted(folder.glob(f"*--{REFERENCE}--*.parquet"))
    cells = [cell for cell in map(read_cell, files) if cell.cell.strategy == REFERENCE]
    names = sorted({cell.cell.setting for cell in cells})
    if len(names) != 1:
        raise ValueError(
            f"{folder} holds runs of {REFERENCE} on {len(names)} settings; it must be one: "
            "let `python -m bench run` finish there, or give each setting a folder of its own"
        )
    store = Store(folder)
    runs = [
        _run(store.beside(cell.cell, "traces", ".parquet"), cell.cell, cell.columns)
        for cell in sorted(cells, key=lambda cell: cell.cell.seed)
    ]
    return Evidence(names[0], cells[0].config, tuple(runs))


def trials(rates_K: Floats) -> int:
    """The fewest rollouts that could lie behind these solve rates, at most 256.

    Example:
        >>> trials(np.array([0.25, 0.5, np.nan]))
        4
    """
    known_K = rates_K[np.isfinite(rates_K)]
    for count in range(1, _MOST_TRIALS):
        if np.abs(known_K * count - np.rint(known_K * count)).max(initial=0.0) < 1e-6:
            return count
    return _MOST_TRIALS


def _run(path: Path, cell: CellId, columns: Mapping[str, npt.NDArray[Any]]) -> ShuffledRun:
    import pyarrow.parquet as pq

    if not path.exists():
        raise ValueError(
            f"{path} is missing: a fit needs the trace that the real run of {cell} left"
        )
    table = pq.read_table(path)
    rows = {name: np.asarray(table[name].to_pylist()) for name in table.column_names}
    task_R = rows["task"].astype(str)
    _, first_K = np.unique(task_R, return_index=True)
    labels_R = rows["domain"].astype(str) if "domain" in rows else np.full(task_R.size, "all")
    counts = (rows[name].astype(np.int64) for name in ("step", "successes", "trials"))
    return ShuffledRun(
        cell.seed,
        from_columns(task_R, *counts, by_step=True),
        labels_R[first_K],
        {
            name.removeprefix(_PREFIX): rows[name][first_K].astype(np.float64)
            for name in rows
            if name.startswith(_PREFIX)
        },
        metrics.evaluated(columns, "steps"),
    )


def first_rates(runs: Sequence[ShuffledRun]) -> list[Floats]:
    """By run, each task's mean reward at its first visit, shape (K,)."""
    found = []
    for run in runs:
        successes_KV, trials_KV = run.trace.counts_KV()
        found.append(successes_KV[:, 0] / trials_KV[:, 0])
    return found

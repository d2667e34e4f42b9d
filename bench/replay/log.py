"""Logs of runs, step by step, with what they say of their tasks beforehand."""

import csv
import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from backends.files import atomic
from bots import Pool, checks
from bots._types import Bools, Floats, Ints
from simulator.calibration.trace import Trace, read

REFERENCE = "reference/"
_ORDER = 13  # sets the order within visits apart from other uses of the seed


@dataclass(frozen=True, slots=True, eq=False)
class Log:
    """A run's rollout groups, one per row, and its tasks.

    Attributes:
        trace: the groups.
        pool: the tasks, in the order of `trace.names_K`.
        step_R: the step of each row, from 0.
        steps_per_visit: of a log by visit; 1 of others.
        inclusion_R: the chance that each group's task had to be in its batch; None: not logged.
        tokens_R: tokens of each group; None: not logged.
    """

    trace: Trace
    pool: Pool
    step_R: Ints
    steps_per_visit: float = 1.0
    inclusion_R: Floats | None = None
    tokens_R: Floats | None = None

    @property
    def num_steps(self) -> int:
        """Steps from the first to the last batch, both included."""
        return int(self.step_R.max()) + 1

    @property
    def batch_size(self) -> int:
        """Median number of groups per step that has any."""
        sizes = np.bincount(self.step_R)
        return int(np.median(sizes[sizes > 0]))

    @property
    def informative_R(self) -> Bools:
        """Which groups have both a success and a failure."""
        return (self.trace.successes_R > 0) & (self.trace.successes_R < self.trace.trials_R)

    def batches(self) -> Iterator[Ints]:
        """The rows of each step that has any, in the order of time."""
        order = np.argsort(self.step_R, kind="stable")
        starts = np.flatnonzero(np.diff(self.step_R[order])) + 1
        yield from np.split(order, starts)


def read_log(path: str | Path, steps_per_visit: float | None = None, seed: int = 0) -> Log:
    """The log in a CSV (gzip allowed) or Parquet file.

    Besides the columns of `simulator.calibration.trace.read` it may have `inclusion`, `tokens`,
    `domain` and `reference/NAME`.

    Args:
        path: of the file.
        steps_per_visit: training steps between two visits of a task, needed by a log that has
            `visit` and no `step`. Tasks are then put in a random order within each visit.
        seed: of that order.

    Raises:
        ValueError: for what `read` refuses, a log by visit without `steps_per_visit`, a domain or
            reference rate that differs between rows of a task, and an inclusion outside (0, 1].
    """
    trace = read(path)
    columns = _columns(Path(path))
    when = np.array([float(value) for value in columns["step" if trace.by_step else "visit"]])
    task_R = np.searchsorted(trace.names_K, np.asarray(columns["task"]).astype(str))
    order = np.lexsort((when, task_R))
    kept = {
        name: np.asarray(values)[order]
        for name, values in columns.items()
        if name in ("inclusion", "tokens", "domain") or name.startswith(REFERENCE)
    }
    try:
        return log_of(trace, kept, steps_per_visit, seed)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def log_of(
    trace: Trace,
    columns: Mapping[str, npt.NDArray[Any]] | None = None,
    steps_per_visit: float | None = None,
    seed: int = 0,
) -> Log:
    """The log of a trace, with further columns in the order of its rows; see `read_log`."""
    columns = columns or {}
    references = {
        name.removeprefix(REFERENCE): _of_tasks(trace, name, _floats(name, values))
        for name, values in columns.items()
        if name.startswith(REFERENCE)
    }
    domains_N = None
    if "domain" in columns:
        domains_N = _of_tasks(trace, "domain", np.asarray(columns["domain"]).astype(str))
    inclusion_R = _floats("inclusion", columns["inclusion"]) if "inclusion" in columns else None
    if inclusion_R is not None and not ((inclusion_R > 0) & (inclusion_R <= 1)).all():
        raise ValueError(
            f"inclusion is {inclusion_R.min():g} to {inclusion_R.max():g}; the chance of a task "
            "that was chosen lies in (0, 1]"
        )
    return Log(
        trace,
        Pool(trace.names_K, references, domains_N),
        trace.when_R - trace.when_R.min()
        if trace.by_step
        else _ordered(trace, steps_per_visit, seed),
        1.0 if trace.by_step or steps_per_visit is None else steps_per_visit,
        inclusion_R,
        _floats("tokens", columns["tokens"]) if "tokens" in columns else None,
    )


def write_log(path: str | Path, columns: Mapping[str, npt.ArrayLike]) -> None:
    """Writes a log that `python -m bench replay` reads, as CSV, gzipped if the name ends in .gz.

    Args:
        path: ends in .csv or .csv.gz.
        columns: one entry per rollout group: `task` (a name), `step` (0 or more), `successes` and
            `trials`. Further ones are up to you: `inclusion` is the chance that the task had to be
            in the batch (`Selection.inclusion_B` of the live selector, B / N for uniform choice),
            `tokens` those of all its rollouts, `domain` and `reference/NAME` what is known of the
            task beforehand, NaN where a rate is not known.

    Raises:
        ValueError: for another ending, a column that is missing or unknown, or lengths that differ.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "log.csv"
        >>> columns = {"task": ["a", "b", "a"], "step": [0, 0, 1], "successes": [3, 0, 8]}
        >>> write_log(path, columns | {"trials": [8] * 3, "inclusion": [0.5, 1.0, 0.5]})
        >>> read_log(path).num_steps
        2
    """
    path, needed = Path(path), ("task", "step", "successes", "trials")
    if not path.name.endswith((".csv", ".csv.gz")):
        raise ValueError(f"{path} is not named .csv or .csv.gz; a log is written as CSV")
    known = {*needed, "inclusion", "tokens", "domain"}
    wrong = [name for name in columns if name not in known and not name.startswith(REFERENCE)]
    wrong += [name for name in needed if name not in columns]
    arrays = [np.asarray(values) for values in columns.values()]
    if wrong or len({array.shape for array in arrays}) > 1:
        raise ValueError(
            f"columns are {', '.join(columns)} of lengths {[array.size for array in arrays]}; give "
            f"{', '.join(needed)}, optionally inclusion, tokens, domain and reference/NAME, with "
            "one entry per group each"
        )
    opened = gzip.open if path.suffix == ".gz" else open
    with atomic(path) as temporary, opened(temporary, "wt", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*(array.tolist() for array in arrays), strict=True))


def _columns(path: Path) -> Mapping[str, Any]:
    """All columns of a file that `read` has accepted."""
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        table = pq.read_table(path)
        return {name: table[name].to_pylist() for name in table.column_names}
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        header, *rows = [row for row in csv.reader(file) if row]
    return {name.strip(): [row[i] for row in rows] for i, name in enumerate(header)}


def _ordered(trace: Trace, steps_per_visit: float | None, seed: int) -> Ints:
    """Steps of a log by visit: each visit's tasks in a random order, cut into equal batches."""
    if steps_per_visit is None:
        raise ValueError(
            "the log counts visits, not steps; say how many steps lie between two visits of a task "
            "with --steps-per-visit"
        )
    per_visit = round(checks.number("steps_per_visit", steps_per_visit, 1))
    rng = np.random.default_rng([_ORDER, checks.integer("seed", seed, 0)])
    batch_size = -(-int(np.bincount(trace.when_R).max()) // per_visit)
    step_R = np.empty(trace.when_R.size, dtype=np.int64)
    first = 0
    for visit in np.unique(trace.when_R):
        rows = rng.permutation(np.flatnonzero(trace.when_R == visit))
        step_R[rows] = first + np.arange(rows.size) // batch_size
        first = int(step_R[rows].max()) + 1
    return step_R


def _floats(name: str, values: npt.ArrayLike) -> Floats:
    """Numbers; NaN where a cell is empty."""
    cells = [np.nan if value in ("", None) else value for value in np.asarray(values).tolist()]
    try:
        return np.array(cells, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"column {name} holds no numbers: {error}") from None


def _of_tasks(trace: Trace, name: str, values_R: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The value of each task, which all its rows share."""
    first_K = np.cumsum(trace.visits_K) - trace.visits_K
    values_K = values_R[first_K]
    same_R = values_K[trace.task_R] == values_R
    if values_R.dtype.kind == "f":
        same_R |= np.isnan(values_K[trace.task_R]) & np.isnan(values_R)
    for row in np.flatnonzero(~same_R)[:1]:
        task = trace.task_R[row]
        raise ValueError(
            f"task {trace.names_K[task]} has {name} {values_K[task]} in one row and "
            f"{values_R[row]} in another; what is known of a task beforehand does not change"
        )
    return values_K

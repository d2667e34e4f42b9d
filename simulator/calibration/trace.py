"""Logs of real runs: how often each task was solved at each of its visits."""

import csv
import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_FORMATS = ".csv, .csv.gz and .parquet"
_LARGEST = 2**31


@dataclass(frozen=True, eq=False)
class Trace:
    """Rollout groups of a run, one per row, by task and within a task by time.

    Attributes:
        names_K: the tasks' names.
        task_R: each row's task, 0 to K - 1.
        when_R: each row's visit (0, 1, ... for each task) or training step, see `by_step`.
        successes_R: solved rollouts of the group.
        trials_R: its rollouts, at least 1.
        by_step: whether `when_R` counts training steps.
    """

    names_K: npt.NDArray[np.str_]
    task_R: Ints
    when_R: Ints
    successes_R: Ints
    trials_R: Ints
    by_step: bool

    @property
    def num_tasks(self) -> int:
        """K."""
        return self.names_K.size

    @property
    def group_size(self) -> int:
        """Median number of rollouts per group."""
        return int(np.median(self.trials_R))

    @cached_property
    def visits_K(self) -> Ints:
        """Number of rows of each task."""
        return np.bincount(self.task_R, minlength=self.num_tasks)

    @cached_property
    def visit_R(self) -> Ints:
        """Place of each row among its task's rows, 0, 1, ..."""
        starts_K = np.cumsum(self.visits_K) - self.visits_K
        return np.arange(self.task_R.size) - starts_K[self.task_R]

    def times_R(self, steps_per_visit: float) -> Floats:
        """Training steps taken before each row; visit v is taken to lie at v `steps_per_visit`."""
        if self.by_step:
            return (self.when_R - self.when_R.min()).astype(np.float64)
        return self.when_R.astype(np.float64) * steps_per_visit

    def counts_KV(self) -> tuple[Ints, Ints]:
        """Successes and trials by task and visit; 0 trials where there is no row."""
        successes_KV = np.zeros((self.num_tasks, int(self.visits_K.max())), dtype=np.int64)
        trials_KV = np.zeros_like(successes_KV)
        successes_KV[self.task_R, self.visit_R] = self.successes_R
        trials_KV[self.task_R, self.visit_R] = self.trials_R
        return successes_KV, trials_KV

    def take(self, tasks: Ints) -> "Trace":
        """The rows of these tasks alone."""
        place_K = np.full(self.num_tasks, -1)
        place_K[tasks] = np.arange(len(tasks))
        kept_R = np.flatnonzero(place_K[self.task_R] >= 0)
        kept_R = kept_R[np.argsort(place_K[self.task_R[kept_R]], kind="stable")]
        return Trace(
            self.names_K[tasks],
            place_K[self.task_R[kept_R]],
            self.when_R[kept_R],
            self.successes_R[kept_R],
            self.trials_R[kept_R],
            self.by_step,
        )

    def split(self, share: float, seed: int) -> tuple["Trace", "Trace"]:
        """A random `share` of the tasks, and the others.

        Raises:
            ValueError: when either part would be empty.
        """
        size = round(share * self.num_tasks)
        if not 0 < size < self.num_tasks:
            raise ValueError(
                f"a share of {share:g} of {self.num_tasks} tasks is {size}, which leaves one part "
                "empty: choose a share between 0 and 1"
            )
        order = np.random.default_rng(seed).permutation(self.num_tasks)
        return self.take(np.sort(order[:size])), self.take(np.sort(order[size:]))


def read(path: str | Path) -> Trace:
    """The log in a CSV (gzip allowed) or Parquet file.

    It has the columns `task`, `successes`, `trials`, and either `step` (training step of the group)
    or `visit` (0, 1, ... for each task); others are ignored. The traces that real runs of this
    benchmark leave have them.

    Raises:
        ValueError: for a file that cannot be read, lacks a column, has no rows, values that are no
            counts, more successes than trials, or two rows of one task at one time.
    """
    columns = _columns(Path(path))
    when = "step" if "step" in columns else "visit"
    for name in ("task", when, "successes", "trials"):
        if name not in columns:
            wanted = "step or visit" if name == "visit" else name
            raise ValueError(
                f"{path} has no column {wanted}: it has {', '.join(columns) or 'none'}; a trace "
                "needs task, step or visit, successes and trials"
            )
    if not len(columns["task"]):
        raise ValueError(f"{path} has no rows: a trace needs one row per rollout group")
    try:
        return from_columns(
            np.asarray(columns["task"]).astype(str),
            *(_counts(columns[name], name) for name in (when, "successes", "trials")),
            by_step=when == "step",
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def from_columns(
    task_R: npt.NDArray[np.str_], when_R: Ints, successes_R: Ints, trials_R: Ints, by_step: bool
) -> Trace:
    """A trace of rows in any order.

    Raises:
        ValueError: for impossible counts, or two rows of one task at one time.
    """
    for row in np.flatnonzero((trials_R < 1) | (successes_R > trials_R))[:1]:
        raise ValueError(
            f"row {row + 1} has {successes_R[row]} successes in {trials_R[row]} trials; "
            "it must have at least one trial, and no more successes than trials"
        )
    names_K, place_R = np.unique(task_R, return_inverse=True)
    order = np.lexsort((when_R, place_R))
    place_R, when_R = place_R[order].astype(np.int64), when_R[order]
    same_R = (np.diff(place_R) == 0) & (np.diff(when_R) == 0)
    for row in np.flatnonzero(same_R)[:1]:
        raise ValueError(
            f"task {names_K[place_R[row]]} has two rows at {'step' if by_step else 'visit'} "
            f"{when_R[row]}; it must have one: add their counts up"
        )
    return Trace(names_K, place_R, when_R, successes_R[order], trials_R[order], by_step)


def _columns(path: Path) -> Mapping[str, Any]:
    if not path.name.endswith((".csv", ".csv.gz", ".parquet")):
        raise ValueError(f"{path} is of no known format: a trace is one of {_FORMATS}")
    try:
        return _parquet(path) if path.suffix == ".parquet" else _csv(path)
    except FileNotFoundError:
        raise ValueError(f"{path} cannot be read: there is no such file") from None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


def _csv(path: Path) -> Mapping[str, Any]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    header, rows = (rows[0], [row for row in rows[1:] if row]) if rows else ([], [])
    for line, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise ValueError(
                f"{path}: row {line} has {len(row)} values; the header names {len(header)} columns"
            )
    return {name.strip(): [row[i] for row in rows] for i, name in enumerate(header)}


def _parquet(path: Path) -> Mapping[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except pa.ArrowException as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    return {name: table[name].to_pylist() for name in table.column_names}


def _counts(values: list[Any], name: str) -> Ints:
    """Whole numbers of 0 and more."""
    counts = np.empty(len(values), dtype=np.int64)
    for row, value in enumerate(values):
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = np.nan
        if not 0 <= number < _LARGEST or number != int(number):
            raise ValueError(
                f"{name} of row {row + 1} is {value!r}; it must be a whole number of 0 or more"
            )
        counts[row] = int(number)
    return counts

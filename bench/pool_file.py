"""A user's tasks: what the columns of a file mean, and whether they can be right."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench import columns
from bench.counts import as_rates, holds_counts, may_be_counts
from bench.table_file import excerpt, plain_name, read_table
from bots import checks
from simulator import LearnerLaw
from simulator.user_pool import Items

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

MISSING = ("error", "drop", "keep")

_ID_COLUMNS = ("id", "task_id", "key", "uid")
_DOMAIN_COLUMNS = ("domain", "dataset", "data_source")
_RATE_COLUMNS = {
    "weak": ("weak", "qwen2.5_7b_pass_rate"),
    "strong": ("strong", "qwen3_30b_pass_rate"),
}
_ITEM_COLUMNS = {
    "difficulty": ("difficulty",),
    "discrimination": ("discrimination",),
    "guessing": ("guessing",),
    "ceiling": ("feasibility", "ceiling"),
}
_ITEM_DEFAULTS = (0.0, 1.0, 0.0, 1.0)
_LEAST_DOMAIN = 5
_USUAL_TRIALS = 16


@dataclass(frozen=True, slots=True)
class PoolFile:
    """Which file, and how to read it.

    Attributes:
        path: see `bench.table_file.read_table`. Column names match whatever their case and blanks.
        id_column: distinct names of the tasks; None looks for a usual name, else rows are numbered.
        weak: columns whose mean is the weak reference's solve rate; empty looks for usual names.
        strong: the same for the strong reference.
        domain: column of domain labels; None looks for a usual name, else there is one domain.
        items: whether to use item parameters (columns difficulty, discrimination, guessing,
            feasibility or ceiling) when the file has them.
        missing: what a missing rate means: `error`, `drop` the task, or `keep` it with no rate.
        reference_trials: rollouts behind a reference rate; None: 16, or what a column of trials
            says where the rates are counts.
        residual_sd: how far the learner's own logit of a task strays from what the file says.
        start_rate: mean solve rate of the untrained learner; None takes the weak reference's mean.
        heldout_share: share of the tasks kept for evaluation.
        law: how the learner learns.
    """

    path: str
    id_column: str | None = None
    weak: tuple[str, ...] = ()
    strong: tuple[str, ...] = ()
    domain: str | None = None
    items: bool = True
    missing: str = "error"
    reference_trials: int | None = None
    residual_sd: float = 1.0
    start_rate: float | None = None
    heldout_share: float = 0.1
    law: LearnerLaw = field(default_factory=LearnerLaw)

    def __post_init__(self) -> None:
        if self.missing not in MISSING:
            raise ValueError(f"missing is {self.missing!r}; it must be one of {', '.join(MISSING)}")
        if self.reference_trials is not None:
            checks.integer("reference_trials", self.reference_trials, 1)
        checks.number("residual_sd", self.residual_sd, 0)
        checks.number("heldout_share", self.heldout_share, 0, 1)
        if self.start_rate is not None:
            checks.number("start_rate", self.start_rate, 0, 1)

    @property
    def name(self) -> str:
        """The file's name without the endings that say its format."""
        return plain_name(Path(self.path)) or "pool"


@dataclass(frozen=True, slots=True, eq=False)
class UserTasks:
    """What the file says about N tasks.

    Attributes:
        keys_N: their distinct names.
        references: by reference, its solve rates, shape (N,), NaN where missing.
        domains_N: their domains.
        items: their item parameters, where the file has them.
        trials: rollouts behind a reference rate.
        notes: sentences about what was read otherwise than it stands there.
    """

    keys_N: npt.NDArray[Any]
    references: dict[str, Floats]
    domains_N: npt.NDArray[Any]
    items: Items | None
    trials: int
    notes: tuple[str, ...] = ()

    def take(self, places: npt.NDArray[Any]) -> "UserTasks":
        """The tasks at these places."""
        references = {name: rates_N[places] for name, rates_N in self.references.items()}
        items = None if self.items is None else self.items.take(places)
        return replace(
            self,
            keys_N=self.keys_N[places],
            references=references,
            domains_N=self.domains_N[places],
            items=items,
        )


def read_tasks(source: PoolFile) -> UserTasks:
    """Reads and checks the file. Rows count from 0, the first task.

    Raises:
        ValueError: naming the file, the column and the row, for a column that is not there or not
            numeric, a rate outside [0, 1], counts of unknown trials, a missing rate unless it may
            be dropped or kept, a repeated id, impossible item parameters, references in the wrong
            order, or no tasks.
    """
    table = read_table(Path(source.path))
    references, trials, notes = _references(table, source)
    _check_order(references, source)
    key = source.id_column or columns.first(table, _ID_COLUMNS, source.path)
    domain = source.domain or columns.first(table, _DOMAIN_COLUMNS, source.path)
    everything = np.arange(len(table))
    tasks = UserTasks(
        _distinct(table, key, source) if key else everything,
        references,
        _domains(table, domain, source) if domain else np.zeros_like(everything),
        _items(table, source),
        trials,
        notes,
    )
    if source.missing != "drop":
        return tasks
    missing_N = np.isnan(np.array([*references.values()])).any(axis=0)
    return tasks.take(np.flatnonzero(~missing_N))


def _references(
    table: "pd.DataFrame", source: PoolFile
) -> tuple[dict[str, Floats], int, tuple[str, ...]]:
    """Solve rates by reference, the trials behind them, and how counts were read."""
    names = {"weak": _rate_columns(table, "weak", source.weak, source.path)}
    names["strong"] = _rate_columns(table, "strong", source.strong, source.path)
    if source.start_rate is None and not names["weak"]:
        raise ValueError(_no_weak(table, source.path))
    read = {
        name: columns.numbers(table, name, source.path)
        for of_reference in names.values()
        for name in of_reference
    }
    trials, notes = source.reference_trials or _USUAL_TRIALS, ()
    if holds_counts(read):
        read, trials, notes = as_rates(table, read, source.reference_trials, source.path)
    elif source.reference_trials and may_be_counts(read):
        notes = (f"{source.path}: rates are 0 and 1 alone, read as solve rates and not as counts",)
    references = {}
    for reference, of_reference in names.items():
        if of_reference:
            rates_N = np.mean([read[name] for name in of_reference], axis=0)
            _check_rates(rates_N, ", ".join(of_reference), source)
            references[reference] = rates_N
    return references, trials, notes


def _rate_columns(
    table: "pd.DataFrame", reference: str, chosen: tuple[str, ...], path: str
) -> list[str]:
    if chosen:
        return [columns.wanted(table, name, path) for name in chosen]
    usual = columns.first(table, _RATE_COLUMNS[reference], path)
    return [] if usual is None else [usual]


def _distinct(table: "pd.DataFrame", name: str, source: PoolFile) -> npt.NDArray[Any]:
    name = columns.wanted(table, name, source.path)
    labels_N = columns.labels(table, name, source.path)
    _, first_N, place_N = np.unique(labels_N, return_index=True, return_inverse=True)
    repeated = np.flatnonzero(first_N[place_N] != np.arange(labels_N.size))
    if repeated.size:
        k = repeated[0]
        raise ValueError(
            f"column {name!r} of {source.path} has {excerpt(labels_N.tolist()[k])} in rows "
            f"{first_N[place_N[k]]} and {k}; ids must be distinct: drop the repeated rows, or "
            "choose another column with --id"
        )
    return labels_N


def _domains(table: "pd.DataFrame", name: str, source: PoolFile) -> npt.NDArray[Any]:
    name = columns.wanted(table, name, source.path)
    labels_N = columns.labels(table, name, source.path)
    distinct = np.unique(labels_N).size
    if distinct * _LEAST_DOMAIN > max(labels_N.size, _LEAST_DOMAIN):
        raise ValueError(
            f"column {name!r} of {source.path} has {distinct} labels for {labels_N.size} tasks; a "
            f"domain holds at least {_LEAST_DOMAIN} tasks on average: choose another with --domain"
        )
    return labels_N


def _check_rates(rates_N: Floats, column: str, source: PoolFile) -> None:
    bad = np.flatnonzero((rates_N < 0) | (rates_N > 1))
    if bad.size:
        value = rates_N[bad[0]]
        remedy = "leave missing entries empty" if value < 0 else "divide percentages by 100"
        raise ValueError(
            f"column {column} of {source.path} is {value:g} in row {bad[0]} ({bad.size} such "
            f"rows); a solve rate lies in [0, 1]: {remedy}"
        )
    absent = np.flatnonzero(np.isnan(rates_N))
    if absent.size == rates_N.size:
        raise ValueError(f"column {column} of {source.path} has no rate in any row")
    if absent.size and source.missing == "error":
        raise ValueError(
            f"column {column} of {source.path} has no rate in {absent.size} of {rates_N.size} rows "
            f"(first: row {absent[0]}); a missing rate is not 0: leave those tasks out with "
            "--missing drop, or keep them without a rate with --missing keep"
        )


def _check_order(references: dict[str, Floats], source: PoolFile) -> None:
    if len(references) < 2:
        return
    weak, strong = (float(np.nanmean(references[name])) for name in ("weak", "strong"))
    if weak > strong:
        raise ValueError(
            f"in {source.path} the weak reference solves {weak:.1%} and the strong one "
            f"{strong:.1%}: swap --weak and --strong"
        )


def _no_weak(table: "pd.DataFrame", path: str) -> str:
    known = [name for names in _RATE_COLUMNS.values() for name in names]
    near = columns.near_names(table, known)
    hint = f" Did you mean --weak {near[0]!r}?" if near else ""
    return (
        f"{path} has no weak reference for the learner to start near; its columns are "
        f"{columns.listed(table)}: name those of a weak model with --weak COLUMN, or give "
        f"--start-rate.{hint}"
    )


def _items(table: "pd.DataFrame", source: PoolFile) -> Items | None:
    names = [columns.first(table, usual, source.path) for usual in _ITEM_COLUMNS.values()]
    if not source.items or not names[0] or not names[1]:
        return None
    parameters = (
        columns.numbers(table, name, source.path) if name else np.full(len(table), default)
        for name, default in zip(names, _ITEM_DEFAULTS, strict=True)
    )
    return Items(*parameters)

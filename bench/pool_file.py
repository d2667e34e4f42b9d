"""A user's tasks, read from a CSV or Parquet file and checked."""

import difflib
import gzip
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bots import checks
from simulator import LearnerLaw
from simulator.user_pool import Items

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
_SUFFIXES = (".gz", ".csv", ".parquet")


@dataclass(frozen=True, slots=True)
class PoolFile:
    """Which file, and how to read it.

    Attributes:
        path: CSV or Parquet, optionally gzipped.
        id_column: distinct names of the tasks; None looks for a usual name, else rows are numbered.
        weak: columns whose mean is the weak reference's solve rate; empty looks for usual names.
        strong: the same for the strong reference.
        domain: column of domain labels; None looks for a usual name, else there is one domain.
        items: whether to use item parameters (columns difficulty, discrimination, guessing,
            feasibility or ceiling) when the file has them.
        missing: what a missing rate means: `error`, `drop` the task, or `keep` it with no rate.
        reference_trials: rollouts behind a reference rate.
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
    reference_trials: int = 16
    residual_sd: float = 1.0
    start_rate: float | None = None
    heldout_share: float = 0.1
    law: LearnerLaw = field(default_factory=LearnerLaw)

    def __post_init__(self) -> None:
        if self.missing not in MISSING:
            raise ValueError(f"missing is {self.missing!r}; it must be one of {', '.join(MISSING)}")
        checks.integer("reference_trials", self.reference_trials, 1)
        checks.number("residual_sd", self.residual_sd, 0)
        checks.number("heldout_share", self.heldout_share, 0, 1)
        if self.start_rate is not None:
            checks.number("start_rate", self.start_rate, 0, 1)

    @property
    def name(self) -> str:
        """The file's name without its endings."""
        name = Path(self.path).name
        for suffix in _SUFFIXES:
            name = name.removesuffix(suffix)
        return name or "pool"


@dataclass(frozen=True, slots=True, eq=False)
class UserTasks:
    """What the file says about N tasks."""

    keys_N: npt.NDArray[Any]
    references: dict[str, Floats]
    domains_N: npt.NDArray[Any]
    items: Items | None

    def take(self, places: npt.NDArray[Any]) -> "UserTasks":
        """The tasks at these places."""
        references = {name: rates_N[places] for name, rates_N in self.references.items()}
        items = None if self.items is None else self.items.take(places)
        return UserTasks(self.keys_N[places], references, self.domains_N[places], items)


def read_tasks(source: PoolFile) -> UserTasks:
    """Reads and checks the file. Rows count from 0, the first task.

    Raises:
        ValueError: naming the file, the column and the row, for a column that is not there or not
            numeric, a rate outside [0, 1], a missing rate unless it may be dropped or kept, a
            repeated id, impossible item parameters, references in the wrong order, or no tasks.
    """
    table = _open(source)
    columns: list[str] = table.column_names
    references = {}
    for name, chosen in (("weak", source.weak), ("strong", source.strong)):
        names = chosen or _first(_RATE_COLUMNS[name], columns)
        if names:
            references[name] = np.mean([_numbers(table, c, source) for c in names], axis=0)
            _check_rates(references[name], ", ".join(names), source)
    if source.start_rate is None and "weak" not in references:
        raise ValueError(_no_weak(source, columns))
    _check_order(references, source)
    id_columns = (source.id_column,) if source.id_column else _first(_ID_COLUMNS, columns)
    domains = (source.domain,) if source.domain else _first(_DOMAIN_COLUMNS, columns)
    everything = np.arange(table.num_rows)
    tasks = UserTasks(
        _distinct(table, id_columns[0], source) if id_columns else everything,
        references,
        _domains(table, domains[0], source) if domains else np.zeros_like(everything),
        _items(table, source),
    )
    if source.missing != "drop":
        return tasks
    missing_N = np.isnan(np.array([*references.values()])).any(axis=0)
    return tasks.take(np.flatnonzero(~missing_N))


def _open(source: PoolFile) -> Any:
    import pyarrow as pa
    from pyarrow.csv import read_csv
    from pyarrow.parquet import read_table

    path = Path(source.path)
    plain = path.name.removesuffix(".gz")
    reader = {".csv": read_csv, ".parquet": read_table}.get(Path(plain).suffix)
    if reader is None:
        raise ValueError(f"{path} must end in .csv, .csv.gz, .parquet or .parquet.gz")
    try:
        content = path.read_bytes()
        unpacked = gzip.decompress(content) if path.suffix == ".gz" else content
        table = reader(io.BytesIO(unpacked))
    except (OSError, EOFError, pa.ArrowException) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    if table.num_rows == 0:
        raise ValueError(f"{path} has no rows; a pool has at least one task")
    repeated = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if repeated:
        raise ValueError(f"{path} has several columns named {repeated[0]!r}: rename all but one")
    return table


def _first(candidates: Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    """The first candidate among the columns, or nothing."""
    return tuple(name for name in candidates if name in columns)[:1]


def _column(table: Any, name: str, source: PoolFile) -> Any:
    if name not in table.column_names:
        raise ValueError(
            f"{source.path} has no column {name!r}; it has {', '.join(table.column_names)}"
        )
    return table[name]


def _numbers(table: Any, name: str, source: PoolFile) -> Floats:
    import pyarrow as pa

    column = _column(table, name, source)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = pa.chunked_array([[_number(v, i, name, source) for i, v in _items_of(column)]])
    try:
        return np.array(column.cast(pa.float64()).to_numpy())
    except (pa.ArrowException, TypeError) as error:
        raise ValueError(f"column {name!r} of {source.path} must be numeric: {error}") from None


def _items_of(column: Any) -> Sequence[tuple[int, Any]]:
    return list(enumerate(column.to_pylist()))


def _number(value: str | None, row: int, name: str, source: PoolFile) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        raise ValueError(
            f"column {name!r} of {source.path} must be numeric; row {row} has {value!r}: leave "
            "missing entries empty"
        ) from None


def _labels(table: Any, name: str, source: PoolFile) -> npt.NDArray[Any]:
    import pyarrow as pa

    column = _column(table, name, source)
    if column.null_count:
        raise ValueError(
            f"column {name!r} of {source.path} has {column.null_count} empty entries; "
            "every task needs a label there: fill them in, or choose another column"
        )
    if pa.types.is_binary(column.type) or pa.types.is_nested(column.type):
        raise ValueError(
            f"column {name!r} of {source.path} holds {column.type}; labels must be text (in UTF-8) "
            "or integers: convert it, or choose another column"
        )
    labels_N = np.array(column.to_pylist())
    return labels_N if labels_N.dtype.kind in "iuU" else labels_N.astype(str)


def _distinct(table: Any, name: str, source: PoolFile) -> npt.NDArray[Any]:
    labels_N = _labels(table, name, source)
    _, first_N, place_N = np.unique(labels_N, return_index=True, return_inverse=True)
    repeated = np.flatnonzero(first_N[place_N] != np.arange(labels_N.size))
    if repeated.size:
        k = repeated[0]
        raise ValueError(
            f"column {name!r} of {source.path} has {labels_N.tolist()[k]!r} in rows "
            f"{first_N[place_N[k]]} and {k}; ids must be distinct: drop the repeated rows, or "
            "choose another column with --id"
        )
    return labels_N


def _domains(table: Any, name: str, source: PoolFile) -> npt.NDArray[Any]:
    labels_N = _labels(table, name, source)
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


def _no_weak(source: PoolFile, columns: Sequence[str]) -> str:
    known = [name for names in _RATE_COLUMNS.values() for name in names]
    tidy = {name.strip().lower(): name for name in columns}
    near = [tidy[match] for k in known for match in difflib.get_close_matches(k, tidy, 1, 0.6)]
    hint = f" Did you mean --weak {near[0]!r}?" if near else ""
    return (
        f"{source.path} has no weak reference for the learner to start near; its columns are "
        f"{', '.join(columns)}: name those of a weak model with --weak, or give --start-rate.{hint}"
    )


def _items(table: Any, source: PoolFile) -> Items | None:
    names = [_first(candidates, table.column_names) for candidates in _ITEM_COLUMNS.values()]
    if not source.items or not names[0] or not names[1]:
        return None
    columns = (
        _numbers(table, name[0], source) if name else np.full(table.num_rows, default)
        for name, default in zip(names, _ITEM_DEFAULTS, strict=True)
    )
    return Items(*columns)

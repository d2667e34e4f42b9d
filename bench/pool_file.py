"""A user's tasks as a setting: read from a file, checked, and given a learner."""

import gzip
import hashlib
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from backends import SimulatedBackend, SimulatedTruth
from bench.settings import Setting
from bots import Pool, checks
from simulator import LearnerLaw
from simulator.user_pool import Items, split, tasks_from_items, tasks_from_rates

Floats = npt.NDArray[np.float64]

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
MISSING = ("error", "drop", "keep")


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
    start_rate: float | None = None
    heldout_share: float = 0.1
    law: LearnerLaw = field(default_factory=LearnerLaw)


@dataclass(frozen=True, slots=True, eq=False)
class UserTasks:
    """What the file says about N tasks."""

    keys_N: npt.NDArray[Any]
    references: dict[str, Floats]
    domains_N: npt.NDArray[Any]
    items: Items | None


def pool_setting(source: PoolFile, batch_size: int, group_size: int, steps: int) -> Setting:
    """The setting that runs on the file's tasks; reads the file once to refuse bad input early."""
    tasks = read_tasks(source)
    backend, _ = _simulate(source, 0)
    checks.batch_size(batch_size, backend.pool.num_tasks)
    described = asdict(source) | {"path": Path(source.path).name, "sha256": _sha256(source.path)}
    return Setting(
        Path(source.path).name.split(".")[0],
        f"{tasks.keys_N.size} tasks of {Path(source.path).name} and a synthetic learner.",
        batch_size,
        group_size,
        steps,
        partial(_simulate, source),
        {"pool": described},
    )


def read_tasks(source: PoolFile) -> UserTasks:
    """Reads and checks the file.

    Raises:
        ValueError: naming the file, the column and the row, for a column that is not there or not
            numeric, a rate outside [0, 1], a missing rate unless it may be dropped or kept, a
            repeated id, impossible item parameters, or no tasks at all.
    """
    table = _open(source)
    columns: list[str] = table.column_names
    references = {}
    for name, chosen in (("weak", source.weak), ("strong", source.strong)):
        names = chosen or tuple(c for c in _RATE_COLUMNS[name] if c in columns)[:1]
        if names:
            references[name] = np.mean([_numbers(table, c, source) for c in names], axis=0)
            _check_rates(references[name], ", ".join(names), source)
    domain = source.domain or next((c for c in _DOMAIN_COLUMNS if c in columns), None)
    id_column = source.id_column or next((c for c in _ID_COLUMNS if c in columns), None)
    keys_N = np.arange(table.num_rows) if id_column is None else _labels(table, id_column, source)
    domains_N = (
        np.zeros(table.num_rows, dtype=np.int64)
        if domain is None
        else _labels(table, domain, source)
    )
    tasks = UserTasks(keys_N, references, domains_N, _items(table, source))
    return _dropped(tasks) if source.missing == "drop" else tasks


def _simulate(source: PoolFile, seed: int) -> tuple[SimulatedBackend, SimulatedTruth]:
    tasks = read_tasks(source)
    for_tasks, for_split, for_learner = np.random.SeedSequence([seed, 2]).spawn(3)
    rng = np.random.default_rng(for_tasks)
    _, codes_N = np.unique(tasks.domains_N, return_inverse=True)
    start_rate = source.start_rate
    if start_rate is None:
        if "weak" not in tasks.references:
            raise ValueError(
                f"{source.path} has no weak reference for the learner to start near: "
                "name its columns with --weak, or give --start-rate"
            )
        start_rate = float(np.nanmean(tasks.references["weak"]))
    if tasks.items is not None:
        parameters = tasks_from_items(tasks.items, codes_N, start_rate, rng)
    else:
        parameters = tasks_from_rates(
            tasks.references, source.reference_trials, codes_N, start_rate, rng
        )
    learner, places = split(
        parameters,
        source.heldout_share,
        source.law,
        int(for_learner.generate_state(1)[0]),
        np.random.default_rng(for_split),
    )
    references = {name: rates_N[places] for name, rates_N in tasks.references.items()}
    pool = Pool(tasks.keys_N[places], references, tasks.domains_N[places])
    return SimulatedBackend(learner, pool), SimulatedTruth(learner)


def _open(source: PoolFile) -> Any:
    import pyarrow as pa
    from pyarrow.csv import read_csv
    from pyarrow.parquet import read_table

    path = Path(source.path)
    suffixes = path.suffixes[-2:] if path.suffix == ".gz" else path.suffixes[-1:]
    readers = {".csv": read_csv, ".parquet": read_table}
    if not suffixes or suffixes[0] not in readers:
        raise ValueError(f"{path} must end in .csv, .csv.gz, .parquet or .parquet.gz")
    try:
        content = path.read_bytes()
        table = readers[suffixes[0]](
            io.BytesIO(gzip.decompress(content) if path.suffix == ".gz" else content)
        )
    except (OSError, EOFError, pa.ArrowException) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    if table.num_rows == 0:
        raise ValueError(f"{path} has no rows; a pool has at least one task")
    return table


def _column(table: Any, name: str, source: PoolFile) -> Any:
    if name not in table.column_names:
        raise ValueError(
            f"{source.path} has no column {name!r}; its columns are {', '.join(table.column_names)}"
        )
    return table[name]


def _numbers(table: Any, name: str, source: PoolFile) -> Floats:
    import pyarrow as pa

    try:
        return np.array(_column(table, name, source).cast(pa.float64()).to_numpy())
    except (pa.ArrowException, TypeError) as error:
        raise ValueError(f"column {name!r} of {source.path} must be numeric: {error}") from None


def _labels(table: Any, name: str, source: PoolFile) -> npt.NDArray[Any]:
    column = _column(table, name, source)
    if column.null_count:
        raise ValueError(
            f"column {name!r} of {source.path} has {column.null_count} empty entries; "
            "every task needs a label there: fill them in, or choose another column"
        )
    labels_N = np.array(column.to_pylist())
    return labels_N if labels_N.dtype.kind in "iuU" else labels_N.astype(str)


def _check_rates(rates_N: Floats, column: str, source: PoolFile) -> None:
    bad = np.flatnonzero((rates_N < 0) | (rates_N > 1))
    if bad.size:
        raise ValueError(
            f"column {column} of {source.path} is {rates_N[bad[0]]:g} in row {bad[0]}; a solve "
            "rate lies in [0, 1]: divide successes by trials"
        )
    if source.missing not in MISSING:
        raise ValueError(f"missing is {source.missing!r}; it must be one of {', '.join(MISSING)}")
    absent = np.flatnonzero(np.isnan(rates_N))
    if absent.size and source.missing == "error":
        raise ValueError(
            f"column {column} of {source.path} has no rate in {absent.size} of {rates_N.size} rows "
            f"(first: row {absent[0]}); a missing rate is not 0: leave those tasks out with "
            "--missing drop, or keep them without a rate with --missing keep"
        )


def _items(table: Any, source: PoolFile) -> Items | None:
    if not source.items:
        return None
    names = [_first(candidates, table.column_names) for candidates in _ITEM_COLUMNS.values()]
    if names[0] is None or names[1] is None:
        return None
    defaults = (0.0, 1.0, 0.0, 1.0)
    columns = (
        np.full(table.num_rows, default) if name is None else _numbers(table, name, source)
        for name, default in zip(names, defaults, strict=True)
    )
    return Items(*columns)


def _first(candidates: Sequence[str], columns: Sequence[str]) -> str | None:
    return next((name for name in candidates if name in columns), None)


def _dropped(tasks: UserTasks) -> UserTasks:
    complete_N = np.ones(tasks.keys_N.size, dtype=bool)
    for rates_N in tasks.references.values():
        complete_N &= ~np.isnan(rates_N)
    items = tasks.items
    if items is not None:
        fields = (items.difficulty_N, items.discrimination_N, items.guessing_N, items.ceiling_N)
        items = Items(*(array[complete_N] for array in fields))
    references = {name: rates_N[complete_N] for name, rates_N in tasks.references.items()}
    return UserTasks(tasks.keys_N[complete_N], references, tasks.domains_N[complete_N], items)


def _sha256(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()

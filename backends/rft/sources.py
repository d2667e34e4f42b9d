"""Where the tasks of a real run come from, in a few words of a command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from backends.rft import reasoning
from backends.rft.families import FAMILIES, make_tasks
from backends.rft.reference_files import read_columns
from backends.rft.task_files import read_tasks
from backends.rft.tasks import TaskSet
from bots import checks
from bots._types import Floats

_APPLIES = {  # settings, beside kind, name and seed, by the kind they have a meaning for
    "file": ("heldout_share", "heldout_path", "verifier", "weak", "strong"),
    "families": ("pool_per_cell", "heldout_per_cell"),
    "reasoning": ("levels", "per_cell", "heldout_share", "compact"),
}
KINDS = tuple(_APPLIES)
_FORMS = (
    "a file such as tasks.jsonl or tasks.parquet, families:OURSAG, or reasoning:chain_sum,gcd@0-2"
)


@dataclass(frozen=True, slots=True)
class TaskSource:
    """Which tasks; every field is a JSON value.

    Attributes:
        kind: `file`, `families` or `reasoning`.
        name: a path; letters of `families.FAMILIES`; or names in `reasoning.FAMILIES` with commas.
        levels: of reasoning-gym, as `1` or `0-3`.
        per_cell: of reasoning-gym, tasks of one family and level, held-out ones included.
        compact: of reasoning-gym, short prompts for tiny models.
        pool_per_cell: of `families`, tasks of one family and level to train on.
        heldout_per_cell: the same, held out.
        heldout_share: of a file or of reasoning-gym, share of the tasks to hold out.
        heldout_path: a file whose tasks are held out, instead of a share.
        verifier: for rows of a file without one of their own.
        weak: column of a file with solve rates of a weak reference.
        strong: the same for a strong one.
        seed: of the questions, or of a file's split.

    Raises:
        ValueError: for what no task can come from, and for a setting without meaning for the kind.
    """

    kind: str
    name: str
    levels: str = "0"
    per_cell: int = 100
    compact: bool = False
    pool_per_cell: int = 64
    heldout_per_cell: int = 18
    heldout_share: float = 0.1
    heldout_path: str | None = None
    verifier: str | None = None
    weak: str | None = None
    strong: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind is {self.kind!r}; it must be one of {', '.join(KINDS)}")
        for field in fields(self)[2:-1]:
            value = getattr(self, field.name)
            if value != field.default and field.name not in _APPLIES[self.kind]:
                kinds = [kind for kind, names in _APPLIES.items() if field.name in names]
                raise ValueError(
                    f"{field.name} is {value!r}; it has a meaning for {' and '.join(kinds)} only, "
                    f"and these tasks are from {self.kind} ({self.name}): leave it out"
                )
        checks.integer("seed", self.seed, 0)
        for name in ("per_cell", "pool_per_cell", "heldout_per_cell"):
            checks.integer(name, getattr(self, name), 1)
        checks.number("heldout_share", self.heldout_share, 0, 1)
        if self.kind == "families":
            _check_letters(self.name)
        if self.kind == "reasoning":
            _level_range(self.levels)


def parse_tasks(text: str, **settings: Any) -> TaskSource:
    """The source that a word of a command line names.

    Args:
        text: a path that ends in .jsonl or .parquet, `families:LETTERS`, or
            `reasoning:NAME,NAME@LEVELS`, where `@LEVELS` is `@1` or `@0-3` and may be left out.
        settings: the other fields of `TaskSource`.

    Raises:
        ValueError: naming the text, the rule and the remedy.

    Example:
        >>> source = parse_tasks("reasoning:chain_sum,gcd@0-2", per_cell=50)
        >>> source.kind, source.name, source.levels
        ('reasoning', 'chain_sum,gcd', '0-2')
    """
    if Path(text).suffix in (".jsonl", ".parquet"):
        return TaskSource("file", text, **settings)
    kind, colon, name = text.partition(":")
    if not colon or not name or kind not in ("families", "reasoning"):
        raise ValueError(f"the tasks are {text!r}; they must be {_FORMS}")
    if kind == "families":
        return TaskSource(kind, name, **settings)
    names, at, levels = name.partition("@")
    return TaskSource(kind, names, **{**settings, **({"levels": levels} if at else {})})


def load_tasks(source: TaskSource) -> TaskSet:
    """Reads or makes the tasks; the same source gives the same tasks.

    Raises:
        ValueError: for a file that is not as it should be, or a family or level that there is not.
    """
    if source.kind == "file":
        return read_tasks(
            source.name,
            source.heldout_share,
            source.seed,
            source.heldout_path,
            source.verifier,
            source.weak,
            source.strong,
        )
    if source.kind == "families":
        made = make_tasks(source.name, source.pool_per_cell, source.heldout_per_cell, source.seed)
        return TaskSet(*made)
    return TaskSet(
        *reasoning.reasoning_tasks(
            source.name.split(","),
            _level_range(source.levels),
            source.per_cell,
            source.seed,
            source.heldout_share,
            source.compact,
        )
    )


def with_references(
    tasks: TaskSet, path: str | Path, weak: str | None = None, strong: str | None = None
) -> TaskSet:
    """The tasks with solve rates that `python -m backends.rft references` measured.

    Rates are joined by the tasks' keys, and replace references of the same name. Tasks that the
    file lacks, or has no rate for, stay NaN.

    Args:
        tasks: to train on; those held out have no rates.
        path: Parquet with a column `id`, and one of rates per model.
        weak: the column of the weak reference; None takes a column `weak` if there is one.
        strong: the same for the strong one.

    Raises:
        ValueError: for a file that is not such a one, a column that it lacks, no column at all, or
            one without a rate for any of the tasks.
    """
    columns = read_columns(Path(path))
    wanted = {"weak": weak or "weak", "strong": strong or "strong"}
    given = {"weak": weak, "strong": strong}
    joined: dict[str, Floats] = {}
    for name, column in wanted.items():
        if column in columns:
            joined[name] = _joined(tasks, columns["id"], columns[column], column, path)
        elif given[name] is not None:
            raise ValueError(
                f"{path} has no column {column!r}; it has {', '.join(columns)}: name one of those "
                f"as the {name} reference"
            )
    if not joined:
        raise ValueError(
            f"{path} has neither a column 'weak' nor one 'strong'; it has {', '.join(columns)}: "
            "name the column of each reference, or measure with --model weak=PATH"
        )
    used = [wanted[name] for name in joined]
    return replace(
        tasks,
        references={**tasks.references, **joined},
        reference_rollouts=_rollouts(tasks, columns, used),
    )


def _rollouts(
    tasks: TaskSet, columns: Mapping[str, Sequence[Any]], used: Sequence[str]
) -> int | None:
    """Rollouts behind the rates of these tasks, lost ones included; None without counts."""
    counted = [f"{label}_{name}" for label in used for name in ("trials", "failures")]
    if not set(counted) <= set(columns):
        return None
    keys = {task.key for task in tasks.train_N}
    mine = [place for place, key in enumerate(columns["id"]) if key in keys]
    return sum(int(columns[name][place] or 0) for name in counted for place in mine)


def _check_letters(letters: str) -> None:
    unknown = sorted(set(letters) - set(FAMILIES))
    if not letters or unknown or len(set(letters)) < len(letters):
        raise ValueError(
            f"the families are {letters!r}; they must be distinct letters of {''.join(FAMILIES)}"
        )


def _level_range(text: str) -> range:
    first, dash, last = text.partition("-")
    digits = [first, last] if dash else [first]
    if not all(part.isascii() and part.isdigit() for part in digits) or int(digits[-1]) < int(
        first
    ):
        raise ValueError(
            f"the levels are {text!r}; they must be one number or a rising range, such as 2 or 0-3"
        )
    return range(int(first), int(digits[-1]) + 1)


def _joined(
    tasks: TaskSet, keys: list[Any], values: list[Any], column: str, path: str | Path
) -> Floats:
    rates: dict[str, float] = {}
    for key, value in zip(keys, values, strict=True):
        if value is None or value != value:
            continue
        if not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ValueError(
                f"column {column!r} of {path} is {value!r} for the task {key!r}; a solve rate lies "
                "in [0, 1], and is empty where there is none: choose another column"
            )
        rates[str(key)] = float(value)
    if not any(task.key in rates for task in tasks.train_N):
        raise ValueError(
            f"column {column!r} of {path} has no rate for any of the {len(tasks.train_N)} tasks to "
            f"train on (its ids begin {keys[:2]}, their keys "
            f"{[task.key for task in tasks.train_N[:2]]}): was it measured on other tasks?"
        )
    return np.array([rates.get(task.key, np.nan) for task in tasks.train_N], dtype=np.float64)

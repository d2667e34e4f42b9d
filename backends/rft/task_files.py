"""Tasks from a user's file: JSON lines or Parquet, GURU's columns included."""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from backends.rft._records import read_records
from backends.rft._task_rows import Row, short, to_row
from backends.rft.tasks import Task, TaskSet
from backends.rft.verifiers.base import AbstractVerifier
from bots import checks

_KEY_DIGITS = 32
_SPLIT_DIGITS = 13  # of a hexadecimal hash: 52 bits, which a float holds exactly

Known = Mapping[str, Callable[[], AbstractVerifier]]


@dataclass(frozen=True, slots=True)
class TaskFile:
    """What `read_task_file` found.

    Attributes:
        tasks: the tasks, split.
        repeated: rows that were left out, because an earlier one has their prompt and answer.
    """

    tasks: TaskSet
    repeated: int


def read_tasks(
    path: str | Path,
    heldout_share: float = 0.1,
    seed: int = 0,
    heldout_path: str | Path | None = None,
    verifier: str | None = None,
    weak: str | None = None,
    strong: str | None = None,
    known: Known | None = None,
) -> TaskSet:
    """The tasks of `read_task_file`, without the count."""
    found = read_task_file(path, heldout_share, seed, heldout_path, verifier, weak, strong, known)
    return found.tasks


def read_task_file(
    path: str | Path,
    heldout_share: float = 0.1,
    seed: int = 0,
    heldout_path: str | Path | None = None,
    verifier: str | None = None,
    weak: str | None = None,
    strong: str | None = None,
    known: Known | None = None,
) -> TaskFile:
    """Reads, checks and splits the tasks of a file.

    A row has a prompt in `question`, `prompt` or `problem`: text, or a chat, a list of objects with
    `role` and `content`. It has an answer in `answer`, `ground_truth` or `solution`: text stays as
    it is, a number becomes its shortest text (58.0 becomes 58), a list or object becomes JSON. It
    may have `verifier`, `domain`, and `id`; without `id`, its key is a hash of prompt and answer.

    A row with `reward_model` and `data_source` is read as one of GURU (LLM360/guru-RL-92k): its
    answer is `reward_model.ground_truth`, its domain `data_source`, its key `extra_info.index` if
    that is distinct over all rows. Its verifier is `math` for the ability `math`, `code` for
    `codegen` or `code`, and `exact` for all others, for which GURU's own rewards are more lenient.
    Tests of functions get the imports that GURU keeps in `extra_info.prefix`.

    Args:
        path: ends in .jsonl or .parquet.
        heldout_share: share of the tasks to hold out, about. Which ones depends on key and seed
            alone, so that more rows move no task from one part to the other.
        seed: of the split.
        heldout_path: a file whose tasks are held out, all of them, instead of a share of `path`.
        verifier: for rows without one of their own, GURU's among them.
        weak: column of solve rates of a weak reference; empty entries stay NaN. None takes
            `qwen2.5_7b_pass_rate` in rows of GURU.
        strong: the same for a strong reference, and `qwen3_30b_pass_rate`.
        known: verifiers by name; None takes `backends.rft.verifiers.VERIFIERS`.

    Raises:
        ValueError: naming the file, the row, the value and the remedy. Rows of Parquet count from
            0, lines of JSON from 1.
    """
    checks.number("heldout_share", heldout_share, 0, 1)
    checks.integer("seed", seed, 0)
    known = _all_verifiers() if known is None else known
    chosen = {name: column for name, column in (("weak", weak), ("strong", strong)) if column}
    rows, repeated = _distinct(_rows(path, verifier, chosen, known))
    _check_rates(rows, chosen, path)
    others: list[Row] = []
    if heldout_path is not None:
        others, more = _distinct(_rows(heldout_path, verifier, {}, known))
        _check_apart(rows, others)
        repeated += more
    _check_answers([*rows, *others], known)
    tasks = _with_keys([*rows, *others])
    share = heldout_share if heldout_path is None else 0.0
    in_train = [_uniform(task.key, seed) >= share for task in tasks[: len(rows)]]
    heldout = [task for task, train in zip(tasks, in_train, strict=False) if not train]
    references = {}
    for name in ("weak", "strong"):
        rates_N = np.array([row.rates.get(name, math.nan) for row in rows])
        if not np.isnan(rates_N).all():
            references[name] = rates_N[in_train]
    train = tuple(task for task, train in zip(tasks, in_train, strict=False) if train)
    return TaskFile(TaskSet(train, (*heldout, *tasks[len(rows) :]), references), repeated)


def _all_verifiers() -> Known:
    from backends.rft.verifiers import VERIFIERS

    return VERIFIERS


def _rows(
    path: str | Path, verifier: str | None, rate_columns: Mapping[str, str], known: Known
) -> Iterator[Row]:
    for place, record in read_records(Path(path)):
        yield to_row(place, record, verifier, rate_columns, known)


def _distinct(rows: Iterable[Row]) -> tuple[list[Row], int]:
    """The rows without those that repeat a prompt and its answer, and how many did."""
    first: dict[str, Row] = {}
    repeated = 0
    for row in rows:
        other = first.setdefault(_digest(row.task.prompt), row)
        if other.task.answer != row.task.answer:
            raise ValueError(
                f"one prompt has two answers, {short(other.task.answer)} in {other.place} and "
                f"{short(row.task.answer)} in {row.place}: leave out the wrong one"
            )
        repeated += other is not row
    return list(first.values()), repeated


def _check_apart(rows: Sequence[Row], heldout: Sequence[Row]) -> None:
    places = {_digest(row.task.prompt): row.place for row in rows}
    for row in heldout:
        place = places.get(_digest(row.task.prompt))
        if place is not None:
            raise ValueError(
                f"{row.place}, to be held out, has the prompt of {place}, to train on: leave one "
                "of them out"
            )


def _check_rates(rows: Sequence[Row], chosen: Mapping[str, str], path: str | Path) -> None:
    for name, column in chosen.items():
        if all(math.isnan(row.rates[name]) for row in rows):
            raise ValueError(
                f"column {column!r} of {path}, the {name} reference, has no rate in any row: is "
                "the name right?"
            )


def _check_answers(rows: Sequence[Row], known: Known) -> None:
    """Has every answer checked by its verifier; those that occur start, and end with this."""
    with ExitStack() as stack:
        verifiers: dict[str, AbstractVerifier] = {}
        for row in rows:
            name = row.task.verifier
            if name not in verifiers:
                verifiers[name] = known[name]()
                stack.callback(verifiers[name].close)
            try:
                verifiers[name].check(row.task.answer)
            except ValueError as error:
                raise ValueError(f"the answer in {row.place} cannot be used: {error}") from None


def _with_keys(rows: Sequence[Row]) -> list[Task]:
    indexes = {row.index for row in rows if row.index}
    counted = len(indexes) == len(rows)
    places: dict[str, str] = {}
    tasks = []
    for row in rows:
        hashed = _digest([row.task.prompt, row.task.answer])
        key = row.task.key or (row.index if counted else hashed)
        if key in places:
            raise ValueError(
                f"`id` is {short(key)} in {places[key]} and in {row.place}; keys must be distinct: "
                "give each task its own, or leave the column out"
            )
        places[key] = row.place
        tasks.append(replace(row.task, key=key))
    return tasks


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:_KEY_DIGITS]


def _uniform(key: str, seed: int) -> float:
    """A number in [0, 1) that depends on the key and the seed alone."""
    digest = hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()
    return int(digest[:_SPLIT_DIGITS], 16) / 16**_SPLIT_DIGITS

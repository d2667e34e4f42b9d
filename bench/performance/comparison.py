"""Selectors side by side: time per step and memory, in turns on the same pool."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import astuple, dataclass

import numpy as np

from bench.performance.process import LIVE, Contender, Step, Talk, started
from bench.performance.world import GROUP_SIZE, World
from bench.stats import bootstrap_median
from bench.tables import Table, interval
from bots._types import Floats

_TURN_SECONDS = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What one contender took on a pool of one size.

    Attributes:
        name: the contender.
        seconds_S: of a step, select and update together, by turn, the mean of its steps.
        first_S: of the first step of each turn, when the caches hold what the others worked on.
        select: median seconds.
        update: median seconds.
        cpu_S: seconds of all threads, by turn.
        built: seconds to make the selector.
        arrays: bytes of the selector's arrays per task.
        kept: bytes by which the process grew while the selector was made; None if unknown.
        extra: bytes by which its peak in the steps lies above that; None if unknown.
        informative: share of the selected tasks' groups with successes and failures.
        versions: of what it is made of.
    """

    name: str
    seconds_S: Floats
    first_S: Floats
    select: float
    update: float
    cpu_S: Floats
    built: float
    arrays: float
    kept: int | None
    extra: int | None
    informative: float
    versions: dict[str, str]


def compare(
    contenders: Sequence[Contender], num_tasks: int, batch_size: int, rounds: int, threads: int
) -> list[Record]:
    """Runs all contenders in processes of their own and lets them take turns.

    A turn is one step, or as many as take 20 ms. Every second time the turns go round in reverse,
    so that none always follows the same one.

    Raises:
        ValueError: when a contender does not run or selects something else than tasks.
    """
    world = World.of(num_tasks)
    with ExitStack() as stack:
        talks = [stack.enter_context(started(one, world, threads)) for one in contenders]
        for one, talk in zip(contenders, talks, strict=True):
            for _ in range(one.warm_steps):
                talk.step(world, batch_size)
        turns: list[list[list[Step]]] = [[] for _ in talks]
        for turn in range(rounds):
            for c in range(len(talks))[:: -1 if turn % 2 else 1]:
                turns[c].append(_turn(talks[c], world, batch_size))
        return [_record(talk, turns[c], num_tasks) for c, talk in enumerate(talks)]


def _turn(talk: Talk, world: World, batch_size: int) -> list[Step]:
    steps: list[Step] = []
    while sum(step.seconds for step in steps) < _TURN_SECONDS:
        steps.append(talk.step(world, batch_size))
    return steps


def _record(talk: Talk, turns: Sequence[Sequence[Step]], num_tasks: int) -> Record:
    memory = talk.ask({"memory": True})
    means = [np.mean([astuple(step) for step in steps], axis=0) for steps in turns]
    select_S, update_S, cpu_S, informative_S = np.array(means).T
    return Record(
        talk.name,
        select_S + update_S,
        np.array([steps[0].seconds for steps in turns]),
        float(np.median(select_S)),
        float(np.median(update_S)),
        cpu_S,
        talk.built["wall"],
        talk.built["arrays"] / num_tasks,
        memory["kept"],
        memory["extra"],
        float(informative_S.mean()),
        talk.built["versions"],
    )


def table(records: Sequence[Record], title: str = "") -> Table:
    """One row per contender; ratios are to the first, turn by turn."""
    return Table(
        title,
        (
            "",
            "select, ms",
            "update, ms",
            "together, ms",
            f"times {LIVE.name}'s",
            "of first steps",
            "of CPU time",
            "memory kept, MB",
            "extra at the peak, MB",
            "both, times",
            "arrays, bytes/task",
            "built in s",
            "informative",
        ),
        tuple(_row(record, records[0]) for record in records),
    )


def _row(record: Record, first: Record) -> tuple[str, ...]:
    return (
        record.name,
        f"{1e3 * record.select:.2f}",
        f"{1e3 * record.update:.2f}",
        f"{1e3 * np.median(record.seconds_S):.2f}",
        interval(bootstrap_median(record.seconds_S / first.seconds_S), 1),
        interval(bootstrap_median(record.first_S / first.first_S), 1),
        interval(bootstrap_median(record.cpu_S / first.cpu_S), 1),
        _megabytes(record.kept),
        _megabytes(record.extra),
        _times(_peak(record), _peak(first)),
        f"{record.arrays:.1f}",
        f"{record.built:.2f}",
        f"{record.informative:.2f}",
    )


def _peak(record: Record) -> int | None:
    return None if record.kept is None or record.extra is None else record.kept + record.extra


def _megabytes(size: int | None) -> str:
    return "-" if size is None else f"{size / 1e6:.1f}"


def _times(size: int | None, first: int | None) -> str:
    return f"{size / first:.1f}" if size and first and first > 0 else "-"


def head(records: Sequence[Record], num_tasks: int, batch_size: int, threads: int) -> str:
    """The line above the table: the setting, what ran, and how busy the machine is."""
    versions = {pair for record in records for pair in record.versions.items()}
    made_of = ", ".join(f"{name} {text}" for name, text in sorted(versions))
    return (
        f"N = {num_tasks:,}, B = {batch_size}, n = {GROUP_SIZE}, medians of "
        f"{records[0].seconds_S.size} turns, {threads} threads of {os.cpu_count()} cores, load "
        f"{os.getloadavg()[0]:.1f}; {made_of}"
    )

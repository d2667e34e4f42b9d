"""How the cost of a step of `LiveSelector` grows with the pool, and with what was visited."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bench.performance.process import LIVE, NEVER_FORGETS, Contender, Talk, started
from bench.performance.world import World
from bench.tables import Table

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
HEAD = (
    "Growth of a step of LiveSelector, select and update; in brackets is x where the time grew "
    "like N^x since the row above"
)
_FRESH_STEPS = 9
_CHUNK = 100_000  # tasks per feedback, while all are visited


@dataclass(frozen=True, slots=True)
class Growth:
    """Median seconds of select and update on a pool of one size.

    Attributes:
        num_tasks: N.
        fresh: in the first steps.
        steady: after 300 steps, when as many tasks are visited lately as ever will be.
        exact: the same where all reference rates differ and are rounded to form classes.
        visited: at lambda = 0 after feedback on every task, so that no task is like its class: the
            worst case.
        built: to make the selector.
    """

    num_tasks: int
    fresh: float
    steady: float
    exact: float
    visited: float
    built: float


def measure_growth(num_tasks: int, batch_size: int, rounds: int, threads: int) -> Growth:
    """All of it for one size, each in a process of its own."""
    world = World.of(num_tasks)
    with started(LIVE, world, threads) as talk:
        fresh, built = _median(talk, world, batch_size, _FRESH_STEPS), talk.built["wall"]
        steady = _steady(talk, LIVE, world, batch_size, rounds)
    with started(NEVER_FORGETS, world, threads) as talk:
        for first in range(0, num_tasks, _CHUNK):
            ids_B = np.arange(first, min(first + _CHUNK, num_tasks))
            talk.update(ids_B, world.solved(ids_B))
        visited = _steady(talk, NEVER_FORGETS, world, batch_size, rounds)
    world = World.of(num_tasks, exact=True)
    with started(LIVE, world, threads) as talk:
        exact = _steady(talk, LIVE, world, batch_size, rounds)
    return Growth(num_tasks, fresh, steady, exact, visited, built)


def _steady(talk: Talk, one: Contender, world: World, batch_size: int, rounds: int) -> float:
    for _ in range(one.warm_steps):
        talk.step(world, batch_size)
    return _median(talk, world, batch_size, rounds)


def _median(talk: Talk, world: World, batch_size: int, rounds: int) -> float:
    return float(np.median([talk.step(world, batch_size).seconds for _ in range(rounds)]))


def table(growths: Sequence[Growth]) -> Table:
    """One row per size; in brackets is x where the time grew like N^x since the row above."""

    def times(name: str) -> list[str]:
        seconds = [getattr(growth, name) for growth in growths]
        powers = [
            math.log(after / before) / math.log(larger.num_tasks / smaller.num_tasks)
            for (before, after), (smaller, larger) in zip(
                pairwise(seconds), pairwise(growths), strict=True
            )
        ]
        notes = ["", *(f" ({power:.2f})" for power in powers)]
        return [f"{1e3 * value:.2f}{note}" for value, note in zip(seconds, notes, strict=True)]

    return Table(
        "",
        (
            "tasks",
            "first steps, ms",
            "after 300 steps, ms",
            "exact references, ms",
            "lambda = 0, all visited, ms",
            "ns per task then",
            "built in s",
        ),
        tuple(
            (
                f"{growth.num_tasks:,}",
                *cells,
                f"{1e9 * growth.visited / growth.num_tasks:.1f}",
                f"{growth.built:.2f}",
            )
            for growth, *cells in zip(
                growths,
                *(times(name) for name in ("fresh", "steady", "exact", "visited")),
                strict=True,
            )
        ),
    )

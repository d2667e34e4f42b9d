"""Where a step of `LiveSelector` spends its time, beside what its memory alone would take."""

import math
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from bench.performance.bandwidth import Bandwidth, measure_bandwidth
from bench.performance.ours import live
from bench.performance.process import LIVE
from bench.performance.stopwatch import stopwatch
from bench.performance.world import World
from bench.tables import Table
from bots.live.selector import LiveSelector

_LINE = 64  # bytes that memory delivers at least
_TWO_FLOATS = 8
_STEPS = 16  # in which `Beliefs.tidy` is busy once


@dataclass(frozen=True, slots=True)
class Size:
    """What the bytes of a stage depend on: numbers of tasks, classes, visited tasks and places."""

    num_tasks: int
    num_classes: int
    num_visited: int
    batch_size: int

    def scattered(self, count: int, bytes_each: int) -> float:
        """Bytes of the lines of memory that hold `count` random ones of the N tasks' entries."""
        lines = self.num_tasks * bytes_each / _LINE
        return _LINE * lines * -math.expm1(-count / lines)


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a step.

    Attributes:
        name: in the table.
        places: what is timed, for `stopwatch`.
        least: bytes that it must read.
    """

    name: str
    places: tuple[str, ...]
    least: Callable[[Size], float]


def _of_batch(bytes_each: int) -> Callable[[Size], float]:
    return lambda size: size.scattered(size.batch_size, bytes_each)


STAGES = (
    Stage(
        "tasks in flight",
        ("bots.live.selector:barred",),
        _of_batch(1),
    ),
    Stage(
        "bounds of the classes",
        ("bots.live.choice.thompson:class_chances",),
        lambda size: 4 * 8 * size.num_classes,
    ),
    Stage(
        "unvisited tasks, by gaps",
        ("bots.live.choice.thompson:count_proposals", "bots.live.choice.thompson:list_proposals"),
        lambda size: 2 * 8 * size.num_classes + size.scattered(size.batch_size, 4),
    ),
    Stage(
        "visited tasks, by bounds",
        ("bots.live.choice.thompson:mark_visited",),
        lambda size: (
            4 * size.num_visited
            + size.scattered(size.num_visited, 2)
            + size.scattered(size.num_visited, 8)
        ),
    ),
    Stage(
        "beliefs of candidates",
        ("bots.live.choice.thompson:propose",),
        lambda size: sum(size.scattered(size.batch_size, each) for each in (1, 2, 8)),
    ),
    Stage("draws of candidates", ("bots.live.choice.thompson:_drawn",), lambda size: 0.0),
    Stage("the best in order", ("bots.live.choice.thompson:ordered",), lambda size: 0.0),
    Stage("rest of select", ("bots.live.selector:LiveSelector.select",), lambda size: 0.0),
    Stage(
        "which feedback counts",
        ("bots.live.selector:LiveSelector._landed",),
        lambda size: 0.0,
    ),
    Stage("counts by task", ("bots.feedback:Feedback.evidence",), lambda size: 0.0),
    Stage(
        "prediction",
        (
            "bots.live.prediction.line:LinePrediction.observe",
            "bots.live.prediction.line:LinePrediction.predict",
        ),
        lambda size: 2 * 8 * size.num_classes,
    ),
    Stage(
        "class sums and residuals",
        ("bots.live.belief.beliefs:Beliefs.update",),
        lambda size: 3 * 8 * size.num_classes + _of_batch(2)(size) + _of_batch(8)(size),
    ),
    Stage(
        "dates of visits",
        ("bots.live.belief.beliefs:Beliefs.visit",),
        lambda size: _of_batch(1)(size) + _of_batch(4)(size),
    ),
    Stage(
        "faded residuals dropped",
        ("bots.live.belief.beliefs:Beliefs.tidy",),
        lambda size: 0.0,
    ),
    Stage("rest of update", ("bots.live.selector:LiveSelector.update",), lambda size: 0.0),
)


@dataclass(frozen=True, slots=True)
class StageTimes:
    """Seconds of each stage on a pool of one size, medians over means of 16 steps."""

    size: Size
    seconds: tuple[float, ...]


def measure_stages(num_tasks: int, batch_size: int, rounds: int, threads: int) -> StageTimes:
    """Times the stages in a process of its own, after as many steps as `LIVE` is warmed with."""
    return _alone(threads, stage_times, num_tasks, batch_size, rounds)


def measure_memory(threads: int) -> Bandwidth:
    """`measure_bandwidth` in a process of its own."""
    return _alone(threads, measure_bandwidth, threads)


def _alone(threads: int, function: Callable[..., Any], *arguments: object) -> Any:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, _limit, (threads,)) as process:
        return process.submit(function, *arguments).result()


def _limit(threads: int) -> None:
    numba.set_num_threads(min(threads, numba.get_num_threads()))


def stage_times(num_tasks: int, batch_size: int, rounds: int) -> StageTimes:
    """Times the stages in this process."""
    world = World.of(num_tasks)
    contender = live(world.weak_N, world.strong_N, {"group_size": world.group_size})
    selector = contender.build()
    assert isinstance(selector, LiveSelector)

    def steps(count: int) -> None:
        for _ in range(count):
            ids_B = contender.select(batch_size)
            contender.update(ids_B, world.solved(ids_B))

    steps(LIVE.warm_steps)
    blocks = []
    for _ in range(rounds):
        with stopwatch([place for stage in STAGES for place in stage.places]) as seconds:
            steps(_STEPS)
        blocks.append([sum(seconds[place] for place in stage.places) for stage in STAGES])
    beliefs = selector.beliefs
    size = Size(num_tasks, beliefs.sums.alpha_C.size, beliefs.visited_V.size, batch_size)
    return StageTimes(size, tuple((np.median(blocks, axis=0) / _STEPS).tolist()))


def table(times: Sequence[StageTimes], memory: Bandwidth) -> Table:
    """Milliseconds by stage and pool, each beside what one thread needs to read its bytes."""

    def bound(least: float) -> str:
        return f"{1e3 * least / memory.read_one:.4f}"

    least = [[stage.least(each.size) for stage in STAGES] for each in times]
    rows = [[stage.name] for stage in STAGES]
    total, whole = ["all"], ["reading two float32 of every task"]
    for each, bytes_of in zip(times, least, strict=True):
        for row, seconds, size in zip(rows, each.seconds, bytes_of, strict=True):
            row += [f"{1e3 * seconds:.3f}", bound(size)]
        total += [f"{1e3 * sum(each.seconds):.3f}", bound(sum(bytes_of))]
        whole += ["", bound(_TWO_FLOATS * each.size.num_tasks)]
    headings = [
        heading
        for each in times
        for heading in (f"N = {each.size.num_tasks:,}, ms", "memory bound, ms")
    ]
    return Table(
        "",
        ("", *headings),
        tuple(tuple(row) for row in [*rows, total, whole]),
    )


def head(times: Sequence[StageTimes], memory: Bandwidth, threads: int) -> str:
    """The line above the table."""
    visited = ", ".join(f"{each.size.num_visited:,}" for each in times)
    return (
        f"Stages of a step of LiveSelector; {times[0].size.num_classes} classes, visited lately "
        f"{visited} tasks; this machine reads {memory.read_one / 1e9:.0f} GB/s with one thread and "
        f"{memory.read / 1e9:.0f} GB/s with {threads}, and copies {memory.copy / 1e9:.0f} GB/s"
    )

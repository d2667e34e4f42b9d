"""What selection adds to a step of the simulator."""

import time
from collections.abc import Callable

import numpy as np

from backends import run, simulate
from bench.performance.ours import plain_bots
from bench.performance.world import World
from bench.tables import Table
from bots import BOTSSelector
from simulator import Scenario

_NUM_TASKS, _BATCH_SIZE = 54_400, 32
_INNER = 10


def table(rounds: int) -> Table:
    """Milliseconds of `BOTSSelector` alone and of a whole step with it, in turns."""
    contenders = {"bots: select + update": _selector(), "bots: whole simulated step": _whole()}
    for step in contenders.values():
        step()
    seconds = np.array([[_timed(step) for step in contenders.values()] for _ in range(rounds)])
    ratios = np.median(seconds / seconds[:, :1], axis=0)
    return Table(
        "A step of the simulator",
        (f"N = {_NUM_TASKS:,}, B = {_BATCH_SIZE}", "ms per step", "ratio"),
        tuple(
            (name, f"{1e3 * median:.2f}", f"{ratio:.2f}")
            for name, median, ratio in zip(
                contenders, np.median(seconds, axis=0), ratios, strict=True
            )
        ),
    )


def _timed(step: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(_INNER):
        step()
    return (time.perf_counter() - began) / _INNER


def _selector() -> Callable[[], object]:
    world = World.of(_NUM_TASKS)
    contender = plain_bots(world.weak_N, world.strong_N, {"group_size": world.group_size})
    contender.build()

    def step() -> None:
        ids_B = contender.select(_BATCH_SIZE)
        contender.update(ids_B, world.solved(ids_B))

    return step


def _whole() -> Callable[[], object]:
    backend, _ = simulate(Scenario("perf", "", num_tasks=_NUM_TASKS), seed=0)
    selector = BOTSSelector(backend.pool, np.random.default_rng(1))
    records = run(backend, selector, _BATCH_SIZE, World.of(1).group_size)
    return lambda: next(records)

"""Small settings, strategies that misbehave, and a look at processes."""

import os
import sys
import time
from pathlib import Path

import numpy as np

from bench.runner import Plan, plans
from bench.settings import Setting, scenario_setting
from bots import Pool
from bots.baselines import UniformSelector
from simulator import LearnerLaw, Population, Scenario

TINY = Scenario(
    "tiny",
    "",
    Population(),
    LearnerLaw(learning_rate=0.2),
    300,
    60,
    batch_size=16,
    group_size=8,
    steps=12,
)


def tiny_setting() -> Setting:
    return scenario_setting(TINY)


def tiny_plans(strategies=("shuffle", "bots"), seeds=2) -> list[Plan]:
    return plans([tiny_setting()], strategies, range(seeds), truth_every=4)


class FailingSelector(UniformSelector):
    """Raises at the first update."""

    def update(self, feedback):
        raise RuntimeError("this selector always fails")


def failing(pool: Pool, rng):
    return FailingSelector(pool, rng)


class ExitingSelector(UniformSelector):
    """Tries to end the program."""

    def update(self, feedback):
        sys.exit(3)


def exiting(pool: Pool, rng):
    return ExitingSelector(pool, rng)


def broken_factory(pool: Pool, rng):
    raise ValueError("this factory cannot build")


class BoastingSelector(UniformSelector):
    """Believes in solve rates above 1."""

    def solve_rates(self):
        return np.full(300, 1.7)


def boasting(pool: Pool, rng):
    return BoastingSelector(pool, rng)


class DyingSelector(UniformSelector):
    """Takes its process down at the first update."""

    def update(self, feedback):
        os._exit(9)


def dying(pool: Pool, rng):
    return DyingSelector(pool, rng)


def wait_for(condition, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task")
    return [
        int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()
    ]

"""Small settings and strategies that misbehave."""

import os

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


def failing(pool: Pool, rng):
    raise RuntimeError("this factory always fails")


class DyingSelector(UniformSelector):
    """Takes its process down at the first update."""

    def update(self, feedback):
        os._exit(9)


def dying(pool: Pool, rng):
    return DyingSelector(pool, rng)

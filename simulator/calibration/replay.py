"""Scenarios run under epoch shuffle, which is how logged runs usually pick their tasks."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from simulator.build import build
from simulator.calibration.backward import Floats, Ints
from simulator.learner import Learner
from simulator.scenario import Scenario

_ORDER_KEY = 7  # sets the order of tasks apart from other uses of the seed


@dataclass(frozen=True, slots=True)
class Growth:
    """What a run came to.

    Attributes:
        total: Theta at the end, the mean growth of ability in logits.
        informative: mean number of informative groups per step.
        step_size: mean factor on the gradient.
    """

    total: float
    informative: float
    step_size: float


def visited(scenario: Scenario, seed: int, visits: int) -> Floats:
    """Mean rewards at the first `visits` visits of every task of one run, shape (N, V)."""
    learner = build(scenario, seed)[0]
    rates_NV = np.empty((scenario.num_tasks, visits))
    seen_N = np.zeros(scenario.num_tasks, dtype=np.int64)
    for ids_B in batches(scenario, seed, steps_for(scenario, visits)):
        rewards_BG = _step(learner, ids_B, scenario.group_size)[0]
        early_B = seen_N[ids_B] < visits
        early = ids_B[early_B]
        rates_NV[early, seen_N[early]] = rewards_BG[early_B].mean(axis=1)
        seen_N[ids_B] += 1
    return rates_NV


def grown(scenario: Scenario, seed: int) -> Growth:
    """How far ability grows in one run of the scenario's own length."""
    learner = build(scenario, seed)[0]
    figures = [
        _step(learner, ids_B, scenario.group_size)[1]
        for ids_B in batches(scenario, seed, scenario.steps)
    ]
    return Growth(
        learner.growth,
        float(np.mean([figure["learner/informative_groups"] for figure in figures])),
        float(np.mean([figure["learner/step_size"] for figure in figures])),
    )


def steps_for(scenario: Scenario, visits: int) -> int:
    """Steps until every task has been visited so often."""
    return math.ceil(visits * scenario.num_tasks / scenario.batch_size)


def batches(scenario: Scenario, seed: int, steps: int) -> Iterator[Ints]:
    """Batches of distinct tasks: random orders of the pool, one after the other."""
    rng = np.random.default_rng([_ORDER_KEY, seed])
    waiting = np.empty(0, dtype=np.int64)
    for _ in range(steps):
        if waiting.size < scenario.batch_size:
            order = rng.permutation(scenario.num_tasks)
            held_N = np.isin(order, waiting)  # they wait for a batch that does not hold them yet
            missing = scenario.batch_size - waiting.size
            fresh = order[~held_N]
            waiting = np.concatenate([waiting, fresh[:missing], order[held_N], fresh[missing:]])
        yield waiting[: scenario.batch_size]
        waiting = waiting[scenario.batch_size :]


def resized(scenario: Scenario, **sizes: int | None) -> Scenario:
    """The scenario with those sizes that are given."""
    changes = {name: value for name, value in sizes.items() if value is not None}
    return replace(scenario, etr=None, **changes)


def _step(learner: Learner, ids_B: Ints, group_size: int) -> tuple[Floats, dict[str, float]]:
    rewards_BG = learner.sample(ids_B, group_size)[0]
    return rewards_BG, learner.train(ids_B, rewards_BG)

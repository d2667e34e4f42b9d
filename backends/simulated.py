"""The synthetic learner behind the common interface."""

from typing import Any

import numpy as np

from backends.base import AbstractBackend, AbstractTruth, Floats, Ints
from bots import Pool, RolloutBatch, checks
from simulator import Learner, Scenario, build


class SimulatedBackend(AbstractBackend):
    """Rollouts of a `simulator.Learner`: rewards are drawn, nothing is generated.

    Evaluation is exact: the mean true solve rate of the held-out tasks.
    """

    def __init__(self, learner: Learner, pool: Pool) -> None:
        if pool.num_tasks != learner.tasks.num_tasks:
            raise ValueError(
                f"the pool has {pool.num_tasks} tasks, the learner {learner.tasks.num_tasks}; "
                "build both from the same tasks"
            )
        self._learner = learner
        self._pool = pool

    @property
    def pool(self) -> Pool:
        """Reference rates and domains."""
        return self._pool

    def rollout(self, task_ids_B: Ints, group_size: int) -> RolloutBatch:
        """Groups of rewards in {0, 1}."""
        task_ids_B = checks.task_ids(task_ids_B)
        checks.within(task_ids_B, self._pool.num_tasks)
        group_size = checks.integer("group_size", group_size, 1)
        return RolloutBatch(task_ids_B, self._learner.sample(task_ids_B, group_size))

    def train(self, batch: RolloutBatch) -> dict[str, float]:
        """One GRPO step in expectation, given these rewards."""
        counts = batch.feedback()
        return self._learner.train(counts.task_ids_B, counts.successes_B, counts.trials_B)

    def evaluate(self) -> float:
        """Mean true solve rate of the held-out tasks."""
        return self._learner.heldout_solve_rate()

    def state_dict(self) -> dict[str, Any]:
        """The learner's abilities and counters."""
        return self._learner.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts them back."""
        self._learner.load_state_dict(state)

    def close(self) -> None:
        """Nothing to release."""


class SimulatedTruth(AbstractTruth):
    """The latent state of a `simulator.Learner`, trained on groups of `group_size` rollouts."""

    def __init__(self, learner: Learner, group_size: int) -> None:
        self._learner = learner
        self._group_size = group_size

    def solve_rates(self, task_ids: Ints | None = None) -> Floats:
        """Exact."""
        return self._learner.solve_rates(task_ids)

    def expected_gains(self) -> Floats:
        """To first order in the step."""
        return self._learner.expected_gains(self._group_size)


def simulate(scenario: Scenario, seed: int) -> tuple[SimulatedBackend, SimulatedTruth]:
    """A scenario's backend and, apart from it, the truth behind it."""
    learner, references, domains_N = build(scenario, seed)
    pool = Pool(np.arange(scenario.num_tasks), references, domains_N)
    return SimulatedBackend(learner, pool), SimulatedTruth(learner, scenario.group_size)

"""Strategies that see the truth: upper references for the others, never rivals to them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from backends import AbstractTruth
from backends.base import Floats, Ints
from bots import AbstractSelector, Feedback, Pool, checks, closeness, top_b


class OracleSelector(AbstractSelector):
    """Takes the B tasks of highest utility, computed afresh from the truth at every step.

    It keeps no state but its generator, which breaks ties, and its choices follow the backend's.

    Args:
        pool: the tasks.
        rng: breaks ties.
        truth: the backend's latent state.
        utility: from the truth to one number per task.
    """

    def __init__(
        self,
        pool: Pool,
        rng: np.random.Generator,
        truth: AbstractTruth,
        utility: Callable[[AbstractTruth], Floats],
    ) -> None:
        self._pool = pool
        self._rng = rng
        self._truth = truth
        self._utility = utility

    def select(self, batch_size: int) -> Ints:
        """The best B tasks."""
        batch_size = checks.batch_size(batch_size, self._pool.num_tasks)
        return top_b(self._utility(self._truth), batch_size, self._rng)

    def update(self, feedback: Feedback) -> None:
        """Nothing to learn."""
        checks.within(feedback.task_ids_B, self._pool.num_tasks)

    def solve_rates(self) -> Floats:
        """The truth."""
        return self._truth.solve_rates()

    def metrics(self) -> dict[str, float]:
        """Nothing."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """The generator and the pool's fingerprint."""
        return {"pool": self._pool.fingerprint, "rng": self._rng.bit_generator.state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts the generator back."""
        if state.get("pool") != self._pool.fingerprint:
            raise ValueError("the state belongs to another pool: build the oracle for that one")
        rng = np.random.default_rng()
        rng.bit_generator.state = state["rng"]
        self._rng = rng


def oracle_target(
    pool: Pool, rng: np.random.Generator, truth: AbstractTruth, target: float = 0.5
) -> OracleSelector:
    """Picks the tasks whose true solve rate is nearest the target: BOTS with perfect beliefs."""
    return OracleSelector(pool, rng, truth, lambda truth: closeness(truth.solve_rates(), target))


def oracle_gain(
    pool: Pool, rng: np.random.Generator, truth: AbstractTruth, group_size: int = 16
) -> OracleSelector:
    """Picks the tasks from which the held-out solve rate can be expected to gain most.

    To first order and task by task: it knows solve rates, transfer values and which skills the
    held-out tasks want, but not the price of repetition or how a batch's tasks interact.
    """
    return OracleSelector(pool, rng, truth, lambda truth: truth.expected_gains(group_size))

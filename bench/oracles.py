"""Strategies that see the truth: upper references for the others, never rivals to them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from backends import AbstractTruth
from backends.base import Floats, Ints
from bots import AbstractSelector, Feedback, Pool, checks, closeness, top_b
from bots import state as states


class OracleSelector(AbstractSelector):
    """Takes the B tasks of highest utility, computed afresh from the truth at every step.

    It keeps no state but its generator, which breaks ties, and its choices follow the backend's.

    Args:
        name: which oracle, for its state.
        pool: the tasks.
        rng: breaks ties.
        truth: the backend's latent state.
        utility: from the truth to one finite number per task.
    """

    def __init__(
        self,
        name: str,
        pool: Pool,
        rng: np.random.Generator,
        truth: AbstractTruth,
        utility: Callable[[AbstractTruth], Floats],
    ) -> None:
        self._name = name
        self._pool = pool
        self._rng = checks.rng(rng)
        self._truth = truth
        self._utility = utility

    def select(self, batch_size: int, exclude: Ints | None = None) -> Ints:
        """The best B tasks."""
        batch_size = checks.batch_size(batch_size, self._pool.num_tasks)
        excluded = checks.excluded(exclude, batch_size, self._pool.num_tasks)
        utility_N = self._utility(self._truth)
        if excluded.size:
            utility_N = utility_N.copy()
            utility_N[excluded] = -np.inf
        return top_b(utility_N, batch_size, self._rng)

    def update(self, feedback: Feedback) -> None:
        """Nothing to learn."""
        checks.feedback(feedback, self._pool.num_tasks)

    def solve_rates(self) -> Floats:
        """The truth."""
        return self._truth.solve_rates()

    def metrics(self) -> dict[str, float]:
        """Nothing."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """The generator."""
        return states.header(self._name, 1, self._pool, self._rng)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts the generator back."""
        states.check(state, self.state_dict())
        self._rng = states.generator(state["rng"])


def oracle_target(
    pool: Pool, rng: np.random.Generator, truth: AbstractTruth, target: float = 0.5
) -> OracleSelector:
    """Picks the tasks whose true solve rate is nearest the target: BOTS with perfect beliefs."""
    checks.number("target", target, 0, 1)
    return OracleSelector(
        "oracle-target", pool, rng, truth, lambda truth: closeness(truth.solve_rates(), target)
    )


def oracle_gain(pool: Pool, rng: np.random.Generator, truth: AbstractTruth) -> OracleSelector:
    """Picks the tasks from which the held-out solve rate can be expected to gain most.

    To first order and task by task: it knows solve rates, transfer values, which skills the
    held-out tasks want, capacity, interference, disturbance and the price of repetition, but not
    how a batch's tasks interact: that at alpha < 1 the step also depends on its number of
    informative groups.
    """
    return OracleSelector("oracle-gain", pool, rng, truth, lambda truth: truth.expected_gains())

"""Uniform sampling."""

from typing import Any

import numpy as np

from bots import checks
from bots import state as states
from bots._types import Ints
from bots.feedback import Feedback
from bots.pool import Pool
from bots.selector import AbstractSelector

_NAME, _VERSION = "uniform", 1


class UniformSelector(AbstractSelector):
    """A fresh simple random sample of the pool at every step.

    Unlike epoch shuffle it may revisit a task soon and miss another for long; over a run much
    shorter than an epoch the two hardly differ. It costs nothing and ignores feedback.
    """

    def __init__(self, pool: Pool, rng: np.random.Generator) -> None:
        self._pool = pool
        self._rng = checks.rng(rng)

    def select(self, batch_size: int, exclude: Ints | None = None) -> Ints:
        """B distinct tasks that are not excluded, every set of B as likely as any other."""
        batch_size = checks.batch_size(batch_size, self._pool.num_tasks)
        excluded = checks.excluded(exclude, batch_size, self._pool.num_tasks)
        if excluded.size == 0:
            return self._rng.choice(self._pool.num_tasks, batch_size, replace=False)
        rest = np.delete(np.arange(self._pool.num_tasks), excluded)
        return self._rng.choice(rest, batch_size, replace=False)

    def update(self, feedback: Feedback) -> None:
        """Learns nothing."""
        checks.within(feedback.task_ids_B, self._pool.num_tasks)

    def solve_rates(self) -> None:
        """None: it keeps no belief."""

    def metrics(self) -> dict[str, float]:
        """Nothing."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """The generator."""
        return self._header()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts the generator back."""
        states.check(state, self._header())
        self._rng = states.generator(state["rng"])

    def _header(self) -> states.State:
        return states.header(_NAME, _VERSION, self._pool, self._rng)

"""Uniform sampling."""

from bots._types import Ints
from bots.baselines.base import AbstractBaseline, available


class UniformSelector(AbstractBaseline):
    """A fresh simple random sample of the pool at every step.

    Unlike epoch shuffle it may revisit a task soon and miss another for long; over a run much
    shorter than an epoch the two hardly differ. It costs nothing and ignores feedback.
    """

    NAME = "uniform"

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        if excluded.size == 0:
            return self._rng.choice(self._pool.num_tasks, batch_size, replace=False)
        rest = available(self._pool.num_tasks, excluded)
        return self._rng.choice(rest, batch_size, replace=False)

"""Offline difficulty filter: tasks of middling solve rate, chosen once."""

import numpy as np

from bots import checks
from bots._types import Ints
from bots.baselines.base import AbstractBaseline
from bots.baselines.labels import weak_rates
from bots.baselines.schedules.subset import SubsetEpochs
from bots.pool import Pool


class OfflineFilterSelector(AbstractBaseline):
    """Epoch shuffle over the tasks that a reference model solves sometimes, fixed beforehand.

    With p_k the weak reference's solve rate of task k, the run sees the tasks with::

        low <= p_k <= high

    in a new random order per epoch, whatever it learns. The filter judges by a model that is not
    the one in training, and never again: tasks that were too hard for the reference stay out when
    the model could learn them, and those that it masters stay in.

    When fewer than B tasks of the interval are left, all of them are taken and the batch is filled
    with the tasks nearest to the interval, by the distance of p_k to its nearer end; tasks that
    were not measured are the last resort. A pool with no task in the interval is thus served by the
    nearest ones alone, the same at every step.

    Source: a preparation step of many data sets and recipes rather than one paper's method.
    Cost: the reference's rollouts, before the run; none in it.
    Defaults: 0.2 and 0.8 are a common choice, which no one source sets; others keep all tasks
    strictly between 0 and 1. Where rates are counts out of 16, they keep 4 to 12 successes.
    Differences: recipes drop the other tasks for good and run no batch when too few are left. Ties
    among the stand-ins are broken at random, once.

    Args:
        pool: the tasks; needs `weak` among its references.
        rng: the selector's own random numbers.
        low: least solve rate kept, in [0, 1].
        high: greatest solve rate kept, in [`low`, 1].

    Raises:
        ValueError: when the pool has no weak solve rates.
    """

    NAME = "offline-filter"
    PARTS = ("epochs",)

    def __init__(
        self, pool: Pool, rng: np.random.Generator, low: float = 0.2, high: float = 0.8
    ) -> None:
        self._low = checks.number("low", low, 0, 1)
        self._high = checks.number("high", high, self._low, 1)
        rates_N = weak_rates(self.NAME, pool)
        super().__init__(pool, rng, low=self._low, high=self._high)
        distance_N = np.maximum(np.maximum(self._low - rates_N, rates_N - self._high), 0)
        self._kept = int(np.count_nonzero(distance_N == 0))
        self._epochs = SubsetEpochs(distance_N, self._kept, self._rng)

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        return self._epochs.take(batch_size, self._rng, excluded)

    def metrics(self) -> dict[str, float]:
        """`offline_filter/kept`: the share of the pool inside the interval."""
        return {"offline_filter/kept": self._kept / self._pool.num_tasks}

"""Difficulty pools of prime-rl: weights by the last group's success rate."""

from typing import ClassVar

import numpy as np

from bots import checks
from bots._types import Floats, Ints
from bots.baselines.base import AbstractBaseline, Within
from bots.baselines.histories.weighted import weighted_b
from bots.feedback import Evidence
from bots.pool import Pool


class DifficultyPoolsSelector(AbstractBaseline):
    """Draws tasks at random, those that were too hard or too easy last time less often.

    With p_k the success rate of the last group of task k, its weight is::

        hard_weight   if p_k <= hard_rate
        1             if hard_rate < p_k <= normal_rate, or k was never measured
        easy_weight   if p_k > normal_rate

    and tasks are drawn one after another in proportion to the weights of those left. No task is
    ever out for good, so one that became easier or was forgotten is found again, after a while.

    Source: prime-rl, `DifficultyPoolSampler`. Cost: none beyond the rollouts trained on. Defaults:
    its own: 0.25 and 0.75, bounds included in the lower pool; 0.2, 1 and 0.2. Differences: it draws
    with replacement, one task at a time, this without, since a batch holds distinct tasks. It stops
    the run when all weights are 0; here tasks of weight 0 are drawn, uniformly, when fewer than B
    others may be chosen. Pools other than three are not offered.

    Args:
        pool: the tasks; only their number is used.
        rng: the selector's own random numbers.
        hard_rate: highest success rate of the hard pool, in [0, 1].
        normal_rate: highest success rate of the normal pool, between `hard_rate` and 1.
        hard_weight: in [0, 1000], relative to a normal task's.
        easy_weight: likewise.
    """

    NAME = "difficulty-pools"
    STATE: ClassVar = {"last_N": Within(0, 1, missing=True)}

    def __init__(
        self,
        pool: Pool,
        rng: np.random.Generator,
        hard_rate: float = 0.25,
        normal_rate: float = 0.75,
        hard_weight: float = 0.2,
        easy_weight: float = 0.2,
    ) -> None:
        self._hard_rate = checks.number("hard_rate", hard_rate, 0, 1)
        self._normal_rate = checks.number("normal_rate", normal_rate, self._hard_rate, 1)
        self._hard_weight = checks.number("hard_weight", hard_weight, 0, 1000)
        self._easy_weight = checks.number("easy_weight", easy_weight, 0, 1000)
        super().__init__(
            pool,
            rng,
            hard_rate=hard_rate,
            normal_rate=normal_rate,
            hard_weight=hard_weight,
            easy_weight=easy_weight,
        )
        self._last_N = np.full(pool.num_tasks, np.nan)

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        return weighted_b(self._weights(), batch_size, excluded, self._rng)

    def _learn(self, evidence: Evidence) -> None:
        self._last_N[evidence.task_ids_U] = evidence.solve_rates_U

    def _weights(self) -> Floats:
        weights_N = np.ones(self._last_N.size)
        weights_N[self._last_N <= self._hard_rate] = self._hard_weight
        weights_N[self._last_N > self._normal_rate] = self._easy_weight
        return weights_N

    def metrics(self) -> dict[str, float]:
        """Shares of the pool that are hard, easy and not yet measured."""
        return {
            "difficulty_pools/hard": float((self._last_N <= self._hard_rate).mean()),
            "difficulty_pools/easy": float((self._last_N > self._normal_rate).mean()),
            "difficulty_pools/unseen": float(np.isnan(self._last_N).mean()),
        }

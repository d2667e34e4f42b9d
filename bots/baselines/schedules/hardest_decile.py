"""The hardest tenth of the pool, and nothing else."""

import numpy as np

from bots import checks
from bots._types import Ints
from bots.baselines.base import AbstractBaseline
from bots.baselines.labels import weak_rates
from bots.baselines.schedules.subset import SubsetEpochs
from bots.pool import Pool


class HardestDecileSelector(AbstractBaseline):
    """Epoch shuffle over the tasks that a reference model solves least often.

    Of the M measured tasks, the run sees the `share` x M with the lowest weak solve rate, rounded
    and at least one, in a new random order per epoch. The argument for them: easy tasks soon give
    groups of successes alone, which carry no gradient, while hard ones stay mixed for longer.

    The argument stops at tasks that cannot be solved. A rate of 0 in 16 rollouts cannot be told
    from never: where more than a tenth of the pool has it, the subset is a random part of those
    tasks, and a run on it may see no success at all.

    When fewer than B tasks of the subset are left, all of them are taken and the next hardest
    stand in; tasks that were not measured are the last resort.

    Source: arXiv 2508.14094, which compares hard, middling, easy and random subsets of equal size.
    Cost: the reference's rollouts, before the run; none in it.
    Defaults: a share of 0.1, as published.
    Differences: the paper ranks by the very model that it then trains, this by the weak reference.
    Ties at the edge of the subset are broken at random, once.

    Args:
        pool: the tasks; needs `weak` among its references.
        rng: the selector's own random numbers.
        share: of the measured tasks, in (0, 1]; 1 is epoch shuffle over them.

    Raises:
        ValueError: when the pool has no weak solve rates.
    """

    NAME = "hardest-decile"
    PARTS = ("epochs",)

    def __init__(self, pool: Pool, rng: np.random.Generator, share: float = 0.1) -> None:
        self._share = checks.number("share", share, np.nextafter(0.0, 1.0), 1)
        rates_N = weak_rates(self.NAME, pool)
        super().__init__(pool, rng, share=self._share)
        size = max(round(self._share * np.count_nonzero(~np.isnan(rates_N))), 1)
        self._epochs = SubsetEpochs(rates_N, size, self._rng)

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        return self._epochs.take(batch_size, self._rng, excluded)

"""Balanced online difficulty filtering: keep the groups that are solved about half the time."""

from bots import checks
from bots._types import Bools
from bots.baselines.filters.rounds import fill, measured_rates
from bots.collector import AbstractCollector, Collected, Gathering
from bots.rollouts import RolloutBatch


class BalancedFilter(AbstractCollector):
    """Rolls out tasks until B groups have a solve rate that is neither low nor high.

    A group of n rollouts with s successes has p = s / n and is kept when `low` <= p <= `high`. The
    first round rolls out B tasks, each further one as many as are still missing, until B groups are
    kept or after `max_rounds`. What policy optimisation gains from a task is bounded from below by
    a multiple of p (1 - p), which is largest in the middle; `DynamicSampling` is the same idea with
    the widest limits that make sense.

    Source: arXiv 2504.03380 (EACL 2026).
    Cost: with P the chance that a group is kept, about B / P groups per step, all charged.
    Defaults: a symmetric interval around 1/2 is the paper's; these ends are ours, the interval that
    cuts p (1 - p) at three quarters of its largest value. At most 30 rounds, as `dapo-refill`.
    Differences: the paper replaces dropped tasks one at a time, while others are still generated;
    rounds of what is missing cost the same rollouts, and more simulated time. When the rounds run
    out, the groups that were found are trained on.

    Args:
        low: in [0, 1].
        high: in [`low`, 1].
        max_rounds: at least 1.
    """

    def __init__(self, low: float = 0.25, high: float = 0.75, max_rounds: int = 30) -> None:
        self._low = checks.number("low", low, 0, 1)
        self._high = checks.number("high", high, self._low, 1)
        self._max_rounds = checks.integer("max_rounds", max_rounds, 1)

    def collect(self, step: Gathering) -> Collected:
        """The first B balanced groups."""
        return Collected(fill(step, self._keeps, step.batch_size, self._max_rounds, refill=True))

    def _keeps(self, batch: RolloutBatch) -> Bools:
        rates_B = measured_rates(batch)
        return (rates_B >= self._low) & (rates_B <= self._high)

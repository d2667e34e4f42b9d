"""Solve rates over time, as the counts of a log let one believe them."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.special import betaincinv

from backends.base import Floats
from simulator.calibration.trace import Trace

REACHES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Values tried for the reach, in median steps between two visits of a task."""
STRENGTHS = (0.0625, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Values tried for the prior's strength, in rollouts."""


@dataclass(frozen=True, slots=True, eq=False)
class RatePaths:
    """The solve rate of every task at any time.

    Attributes:
        times_KV: steps at which each task was visited, ascending; infinite beyond its last visit.
        rates_KV: its rate there; anything beyond its last visit.
    """

    times_KV: Floats
    rates_KV: Floats

    def at(self, time: float) -> Floats:
        """Rates at a time, shape (K,): linear between visits, constant before and after them."""
        tasks, last_K = np.arange(len(self.times_KV)), np.isfinite(self.times_KV).sum(axis=1) - 1
        after_K = (self.times_KV <= time).sum(axis=1)
        left_K, right_K = np.maximum(after_K - 1, 0), np.minimum(after_K, last_K)
        start_K, end_K = self.times_KV[tasks, left_K], self.times_KV[tasks, right_K]
        width_K = np.where(end_K > start_K, end_K - start_K, 1.0)
        share_K = np.clip((time - start_K) / width_K, 0.0, 1.0)
        low_K, high_K = self.rates_KV[tasks, left_K], self.rates_KV[tasks, right_K]
        return low_K + share_K * (high_K - low_K)


@dataclass(frozen=True, slots=True, eq=False)
class LoggedRates:
    """Beta beliefs about every task at each of its visits.

    Attributes:
        times_KV: as in `RatePaths`.
        solved_KV: pseudo-counts of success, > 0.
        tried_KV: pseudo-counts of rollouts, above those of success.
        reach: steps over which a visit's counts lose all but 1/e of their weight.
        strength: rollouts that the prior counts for.
    """

    times_KV: Floats
    solved_KV: Floats
    tried_KV: Floats
    reach: float
    strength: float

    def mean(self) -> RatePaths:
        """What is expected."""
        return RatePaths(self.times_KV, self.solved_KV / self.tried_KV)

    def draw(self, rng: np.random.Generator) -> RatePaths:
        """Rates as they may have been: each task at one quantile of all of its beliefs.

        Groups are informative less often under rates that are spread as beliefs are than under
        their means, as 1 - p^G - (1 - p)^G is concave for most p: a task that was not solved in 16
        rollouts may be hopeless. One quantile for all visits keeps a task's path smooth.
        """
        failed_KV = self.tried_KV - self.solved_KV
        quantile_K1 = rng.random((len(self.times_KV), 1))
        return RatePaths(self.times_KV, betaincinv(self.solved_KV, failed_KV, quantile_K1))


def logged_rates(trace: Trace, steps_per_visit: float = 1.0) -> LoggedRates:
    """Beliefs that share counts between a task's visits, by as much as the log itself asks for.

    At visit v of a task, with s_u successes in n_u rollouts at its visits u, and the log's mean
    rate m::

        p_v ~ Beta(solved_v, tried_v - solved_v),    w_uv = exp(-|t_u - t_v| / tau)
        solved_v = b m + sum_u w_uv s_u,             tried_v = b + sum_u w_uv n_u

    a prior that counts for b rollouts, and counts that weigh less the further away they are. A
    short reach tau follows every accident of a group of 8 rollouts; a long one irons out what was
    learnt. tau and b are those of `REACHES` and `STRENGTHS` under which every single rollout is
    foretold best, in log-loss, by all others of its task.

    Args:
        trace: the counts.
        steps_per_visit: of a log by visit, as in `Trace.times_R`.
    """
    times_KV = np.full((trace.num_tasks, int(trace.visits_K.max())), np.inf)
    times_KV[trace.task_R, trace.visit_R] = trace.times_R(steps_per_visit)
    successes_KV, trials_KV = (counts.astype(np.float64) for counts in trace.counts_KV())
    gaps_KV = np.diff(np.where(np.isinf(times_KV), np.nan, times_KV), axis=1)
    known = gaps_KV[~np.isnan(gaps_KV)]
    unit = float(np.median(known)) if known.size else 1.0
    mean = (successes_KV.sum() + 0.5) / (trials_KV.sum() + 1)  # neither 0 nor 1
    tried = []
    for factor, strength in product(REACHES, STRENGTHS):
        weights_KV = np.exp(-np.nan_to_num(gaps_KV, nan=np.inf) / (factor * unit))
        solved_KV = _gathered(successes_KV, weights_KV) + strength * mean
        tried_KV = _gathered(trials_KV, weights_KV) + strength
        found = LoggedRates(times_KV, solved_KV, tried_KV, factor * unit, strength)
        tried.append((_left_out(successes_KV, trials_KV, found), found))
    return min(tried, key=lambda pair: pair[0])[1]


def _gathered(counts_KV: Floats, weights_KV: Floats) -> Floats:
    """Each visit's counts and, weighed, those of all others before and after it."""
    before_KV, after_KV = np.zeros_like(counts_KV), np.zeros_like(counts_KV)
    for v in range(1, counts_KV.shape[1]):
        before_KV[:, v] = weights_KV[:, v - 1] * (before_KV[:, v - 1] + counts_KV[:, v - 1])
        after_KV[:, -v - 1] = weights_KV[:, -v] * (after_KV[:, -v] + counts_KV[:, -v])
    return before_KV + counts_KV + after_KV


def _left_out(successes_KV: Floats, trials_KV: Floats, found: LoggedRates) -> float:
    """Log-loss of all rollouts, each foretold without itself."""
    failures_KV = trials_KV - successes_KV
    solved, failed = successes_KV > 0, failures_KV > 0
    left_KV = found.tried_KV - found.solved_KV
    gain = successes_KV[solved] @ np.log((found.solved_KV - 1)[solved])
    gain += failures_KV[failed] @ np.log((left_KV - 1)[failed])
    gain -= trials_KV[trials_KV > 0] @ np.log((found.tried_KV - 1)[trials_KV > 0])
    return -float(gain)

"""LILO: of several times as many candidates, train on those of greatest learnability."""

import numpy as np

from bots import checks
from bots.baselines.filters.rounds import measured_rates
from bots.collector import AbstractCollector, Collected, Gathering


class Learnability(AbstractCollector):
    """Rolls out `ratio` x B candidates and trains on the B of largest p (1 - p).

    p = s / n is the solve rate of a candidate's own group, s successes of n rollouts. p (1 - p),
    its learnability, is the variance of the reward, and the expected improvement is proportional to
    it. The groups that are measured are the ones trained on; nothing is remembered.

    Source: arXiv 2502.12272 (NeurIPS 2025), algorithm 2.
    Cost: `ratio` groups for each one that is trained on, all charged.
    Defaults: 4 candidates per place and groups of 8, as published; 8 candidates late on GSM8K. Here
    the group size is the run's.
    Differences: with few rollouts p takes few values, and candidates that tie for the last places
    are kept in the order of selection, which is random under an epoch shuffle. Candidates are never
    more than the tasks that can be rolled out. Groups whose rewards are all equal are kept only
    when nothing better is left: B groups are always trained on.

    Args:
        num_tasks: in the pool.
        ratio: candidates per place, at least 1.
    """

    def __init__(self, num_tasks: int, ratio: float = 4.0) -> None:
        self._num_tasks = checks.integer("num_tasks", num_tasks, 1)
        self._ratio = checks.number("ratio", ratio, 1)

    def collect(self, step: Gathering) -> Collected:
        """The B most learnable groups of one round."""
        there = self._num_tasks - np.unique(step.absent).size
        count = min(round(self._ratio * step.batch_size), there)
        batch = step.rollout(step.select(count), step.group_size)
        rates_B = np.nan_to_num(measured_rates(batch))
        order = np.argsort(-rates_B * (1 - rates_B), kind="stable")
        return Collected(order[: step.batch_size])

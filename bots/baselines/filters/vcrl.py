"""VCRL: drop the groups whose rewards vary too little, and fill up from a bank of better tasks."""

from typing import ClassVar

import numpy as np

from bots import checks
from bots._types import Floats, Ints
from bots.acquisition import top_b
from bots.baselines.base import COUNT, RATE, AbstractBaseline
from bots.baselines.filters.rounds import measured_rates
from bots.baselines.schedules.shuffle import EpochOrder
from bots.collector import AbstractCollector, Collected, Gathering
from bots.feedback import Evidence
from bots.pool import Pool


def variance_ratio(successes: Floats, trials: Floats) -> Floats:
    """Variance of rewards of 0 and 1, as a share of the largest that so many trials can have.

    With k successes of G trials the variance is k (G - k) / (G (G - 1)), at most G / (4 (G - 1))
    for even G and (G + 1) / (4 G) for odd G (arXiv 2509.19803). 0 for a single trial.

    Example:
        >>> variance_ratio(np.array([1.0, 4.0, 1.0]), np.array([8.0, 8.0, 3.0])).tolist()
        [0.4375, 1.0, 1.0]
    """
    largest = np.floor(trials / 2) * np.ceil(trials / 2)
    return np.minimum(successes * (trials - successes) / np.maximum(largest, 1), 1.0)


class VCRLSelector(AbstractBaseline):
    """Walks through epochs, and keeps a bank of the tasks whose rewards vary most.

    A measured task has p, its `variance_ratio`, and enters the bank when p reaches kappa, with
    priority P = p. A task in the bank that is measured again has::

        P <- alpha P + (1 - alpha) p

    with alpha = `momentum`, and leaves the bank when P falls below kappa. kappa is `early` in the
    first `warmup` steps, calls of `select`, and `late` from then on. `replay` answers with the
    tasks of highest priority; `MemoryBank` is the collector that uses it.

    Source: arXiv 2509.19803.
    Cost: no rollouts of its own.
    Defaults: momentum 0.9, kappa 0.3 for 20 steps, then 0.8: the paper's as we know them; its text
    could not be checked, nor its code, which was anonymous.
    Differences: when a task leaves the bank is our choice, as is its size: no limit.

    Args:
        pool: the tasks; only their number is used.
        rng: the selector's own random numbers.
        early: in [0, 1], positive.
        late: in [0, 1], positive.
        warmup: steps.
        momentum: in [0, 1].
    """

    NAME = "vcrl"
    STATE: ClassVar = {"priority_N": RATE, "steps": COUNT}
    PARTS = ("epoch",)

    def __init__(
        self,
        pool: Pool,
        rng: np.random.Generator,
        early: float = 0.3,
        late: float = 0.8,
        warmup: int = 20,
        momentum: float = 0.9,
    ) -> None:
        smallest = np.nextafter(0.0, 1.0)
        self._early = checks.number("early", early, smallest, 1)
        self._late = checks.number("late", late, smallest, 1)
        self._warmup = checks.integer("warmup", warmup, 0)
        self._momentum = checks.number("momentum", momentum, 0, 1)
        super().__init__(pool, rng, early=early, late=late, warmup=warmup, momentum=momentum)
        self._epoch = EpochOrder(pool.num_tasks)
        self._priority_N = np.zeros(pool.num_tasks)
        self._steps = 0

    @property
    def threshold(self) -> float:
        """The kappa of the step that the last `select` began."""
        return self._early if self._steps <= self._warmup else self._late

    def replay(self, count: int, excluded: Ints) -> Ints:
        """Up to `count` tasks of the bank, highest priority first, none of `excluded`."""
        priority_N = self._priority_N.copy()
        priority_N[excluded] = 0
        count = min(count, int((priority_N >= self.threshold).sum()))
        if count == 0:
            return np.empty(0, dtype=np.int64)
        chosen = top_b(priority_N, count, self._rng)
        return chosen[np.argsort(-priority_N[chosen], kind="stable")]

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        self._steps += 1
        return self._epoch.take(batch_size, self._rng, excluded)

    def _learn(self, evidence: Evidence) -> None:
        tasks_U = evidence.task_ids_U
        ratio_U = variance_ratio(evidence.successes_U, evidence.trials_U)
        before_U = self._priority_N[tasks_U]
        mixed_U = self._momentum * before_U + (1 - self._momentum) * ratio_U
        self._priority_N[tasks_U] = np.where(before_U >= self.threshold, mixed_U, ratio_U)

    def metrics(self) -> dict[str, float]:
        """`vcrl/bank`: tasks in it; `vcrl/threshold`: kappa."""
        inside = int((self._priority_N >= self.threshold).sum())
        return {"vcrl/bank": float(inside), "vcrl/threshold": self.threshold}


class MemoryBank(AbstractCollector):
    """Trains on the groups whose rewards vary enough, and on as many tasks of the bank as fail.

    One round rolls out B tasks and keeps the groups whose `variance_ratio` is at least kappa. For
    each of the others a task of the bank, by priority, is rolled out and trained on, whatever its
    rewards. While the bank has too few, a step trains on fewer than B groups.

    Source: arXiv 2509.19803.
    Cost: B groups and one more for each that fails, all charged.
    Differences: whether the paper's bank keeps tasks or their rollouts could not be settled. This
    one keeps tasks and samples them afresh, since a priority with momentum makes sense only when p
    is measured again.

    Args:
        selector: has the bank; the same that selects.
    """

    def __init__(self, selector: VCRLSelector) -> None:
        self._selector = selector

    def collect(self, step: Gathering) -> Collected:
        """The groups that vary enough, then those of the bank."""
        batch = step.rollout(step.select(step.batch_size), step.group_size)
        trials_B = (~np.isnan(batch.rewards_BG)).sum(axis=1)
        ratio_B = variance_ratio(np.nan_to_num(measured_rates(batch)) * trials_B, trials_B)
        kept = np.flatnonzero(ratio_B >= self._selector.threshold)
        gone = np.concatenate([step.absent, batch.task_ids_B])
        banked = self._selector.replay(step.batch_size - kept.size, gone)
        if banked.size:
            step.rollout(banked, step.group_size)
        return Collected(np.concatenate([kept, batch.num_groups + np.arange(banked.size)]))

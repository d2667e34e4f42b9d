"""GRESO: skip the tasks whose last groups taught nothing, before they are rolled out."""

from typing import ClassVar

import numpy as np

from bots import checks
from bots._types import Bools, Floats, Ints
from bots.baselines.base import COUNT, ORDER, RATE, AbstractBaseline, Within
from bots.collector import AbstractCollector, Collected, Gathering
from bots.feedback import Evidence
from bots.pool import Pool

_FLOOR = 0.01  # no task is kept with a smaller chance
_STEP = 0.01  # of p_easy and p_hard, per training step
_LEAST, _MOST = 0.05, 0.95  # their range
_HARD_SHARE = 2 / 3  # of the groups that are to teach nothing; the others are easy
_MARGIN = 1.25  # more tasks than the estimate asks for
_SMALLEST = 0.25  # batch of a round in units of B: 64 tasks for 256


class GRESOSelector(AbstractBaseline):
    """Walks through epochs and skips a task at random, the likelier the longer it taught nothing.

    A group is easy when its solve rate is at least `easy`, hard when it is at most `hard`. For a
    task whose last z groups were all of one of these kinds, and z is as large as it can be::

        P(skip) = 1 - max(p_kind ^ z, 0.01)

    with p_easy and p_hard, the chances to explore, both `explore` at first. After every step behind
    the first epoch each falls by 0.01 when the share of its kind in the step reached its aim, and
    rises by 0.01 otherwise, within [0.05, 0.95]; the aim is `uninformative` / 3 for easy groups and
    twice that for hard ones. A task that is skipped has its next chance in the next epoch.

    Source: arXiv 2506.02177 and its released code, where the collector is `AdaptiveBatches`.
    Cost: no rollouts of its own.
    Defaults: all as in the code. Differences: there a hard group has a mean of at most 0.11,
    because each rollout may earn 0.1 for its format; rewards here have no such part, so `hard` is
    0. When the rest of this epoch and a whole further one leave places open, they are filled with
    the next tasks of a third, none skipped; the code goes on. An epoch ends when all its tasks were
    chosen, skipped or absent; absent ones keep their turn until then.

    Args:
        pool: the tasks; only their number is used.
        rng: the selector's own random numbers.
        explore: in [0.05, 0.95].
        uninformative: the share of easy and hard groups that is aimed at (alpha), in [0, 1].
        easy: in [0, 1].
        hard: in [0, 1], below `easy`.
    """

    NAME = "greso"
    STATE: ClassVar = {
        "order_N": ORDER,
        "cursor": COUNT,
        "epochs": COUNT,
        "streak_N": Within(),
        "p_easy": RATE,
        "p_hard": RATE,
    }

    def __init__(
        self,
        pool: Pool,
        rng: np.random.Generator,
        explore: float = 0.5,
        uninformative: float = 0.25,
        easy: float = 0.98,
        hard: float = 0.0,
    ) -> None:
        self._p_easy = self._p_hard = checks.number("explore", explore, _LEAST, _MOST)
        self._uninformative = checks.number("uninformative", uninformative, 0, 1)
        self._easy = checks.number("easy", easy, 0, 1)
        self._hard = checks.number("hard", hard, 0, np.nextafter(self._easy, -1.0))
        super().__init__(
            pool, rng, explore=explore, uninformative=uninformative, easy=easy, hard=hard
        )
        self._order_N = np.arange(pool.num_tasks)
        self._cursor = pool.num_tasks
        self._epochs = 0  # begun
        self._streak_N = np.zeros(pool.num_tasks, dtype=np.int64)  # z; -z for hard groups

    def keep_probabilities(self) -> Floats:
        """1 - P(skip) of every task, shape (N,)."""
        base_N = np.where(self._streak_N > 0, self._p_easy, self._p_hard)
        return np.maximum(base_N ** np.abs(self._streak_N), _FLOOR)

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        barred_N = np.zeros(self._pool.num_tasks, dtype=np.bool_)
        barred_N[excluded] = True
        keep_N = self.keep_probabilities()
        chosen = self._walk(batch_size, keep_N, barred_N)
        for likely_N in (keep_N, np.ones_like(keep_N)):
            missing = batch_size - chosen.size
            if missing == 0:
                break
            self._order_N = self._rng.permutation(self._order_N.size)
            self._cursor = 0
            self._epochs += 1
            barred_N[chosen] = True
            chosen = np.concatenate([chosen, self._walk(missing, likely_N, barred_N)])
        return chosen

    def _walk(self, count: int, keep_N: Floats, barred_N: Bools) -> Ints:
        """Up to `count` tasks of what is left of the epoch; moves the barred ones behind them."""
        rest = self._order_N[self._cursor :]
        barred_R = barred_N[rest]
        lucky_R = self._rng.random(rest.size) < keep_N[rest]
        places = np.flatnonzero(lucky_R & ~barred_R)[:count]
        reached = places[-1] + 1 if places.size == count else rest.size
        chosen, front, barred_R = rest[places], rest[:reached], barred_R[:reached]
        front[:] = np.concatenate([front[~barred_R], front[barred_R]])
        self._cursor += int((~barred_R).sum())
        return chosen

    def _learn(self, evidence: Evidence) -> None:
        tasks_U, rates_U = evidence.task_ids_U, evidence.solve_rates_U
        easy_U, hard_U = rates_U >= self._easy, rates_U <= self._hard
        streak_U = self._streak_N[tasks_U]
        self._streak_N[tasks_U] = np.where(
            easy_U,
            np.maximum(streak_U, 0) + 1,
            np.where(hard_U, np.minimum(streak_U, 0) - 1, 0),
        )
        if self._epochs > 1:
            aim = self._uninformative
            self._p_easy = _moved(self._p_easy, easy_U.mean() >= (1 - _HARD_SHARE) * aim)
            self._p_hard = _moved(self._p_hard, hard_U.mean() >= _HARD_SHARE * aim)

    def metrics(self) -> dict[str, float]:
        """The chances to explore, and the share of the pool that is expected to be skipped."""
        return {
            "greso/p_easy": self._p_easy,
            "greso/p_hard": self._p_hard,
            "greso/skipped": float(1 - self.keep_probabilities().mean()),
        }


class AdaptiveBatches(AbstractCollector):
    """Rolls out batches, each as large as the last one lets expect, until B groups are informative.

    The first has `largest` x B tasks. While R groups are missing, the next has::

        b = 1.25 R / (1 - z)

    tasks, z being the share of the last batch whose rewards were all equal, clipped to [B / 4,
    `largest` x B]. When b is not above the upper end, that batch is the last one, so a step may
    train on fewer than B groups.

    Source: the trainer of arXiv 2506.02177's released code. Its 256 tasks per step have a first
    batch of 384 and at least 64.
    Cost: every group is charged, the surplus of the last batch included.
    Differences: at most `max_rounds` batches, none larger than the tasks that can be rolled out;
    the code stops the run when z is 1, this takes the upper end.

    Args:
        num_tasks: in the pool.
        largest: at least 1/4.
        max_rounds: at least 1.
    """

    def __init__(self, num_tasks: int, largest: float = 1.5, max_rounds: int = 10) -> None:
        self._num_tasks = checks.integer("num_tasks", num_tasks, 1)
        self._largest = checks.number("largest", largest, _SMALLEST)
        self._max_rounds = checks.integer("max_rounds", max_rounds, 1)

    def collect(self, step: Gathering) -> Collected:
        """The first B informative groups."""
        there = self._num_tasks - np.unique(step.absent).size
        lowest = min(max(int(_SMALLEST * step.batch_size), 1), there)
        highest = min(max(int(self._largest * step.batch_size), 1), there)
        kept: list[Ints] = []
        seen, missing, size, last = 0, step.batch_size, highest, False
        for _ in range(self._max_rounds):
            batch = step.rollout(step.select(size), step.group_size)
            informative = np.flatnonzero(batch.informative_B)
            kept.append(seen + informative[:missing])
            seen, missing = seen + batch.num_groups, missing - kept[-1].size
            if missing == 0 or last:
                break
            share = informative.size / batch.num_groups
            estimate = _MARGIN * missing / share if share else np.inf
            last = estimate < highest + 1  # the estimate is rounded down
            size = max(int(min(estimate, highest)), lowest)
        return Collected(np.concatenate(kept))


def _moved(chance: float, reached: bool) -> float:
    return float(np.clip(chance - _STEP if reached else chance + _STEP, _LEAST, _MOST))

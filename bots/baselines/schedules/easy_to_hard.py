"""Offline curriculum from easy to hard."""

from typing import ClassVar

import numpy as np

from bots._types import Ints
from bots.baselines.base import COUNT, ORDER, AbstractBaseline
from bots.baselines.schedules.shuffle import bring_forward
from bots.pool import Pool


class EasyToHardSelector(AbstractBaseline):
    """Walks once through the pool from the easiest task to the hardest, then starts again.

    The order is fixed beforehand: descending by the weak reference's solve rate, then by the strong
    one's. It needs those rates, ignores feedback, and costs no rollouts beyond the references'.
    Excluded tasks are passed over; they come next as soon as they may, or in the next walk.

    Source: the offline baseline of arXiv 2510.26374, as Trinity-RFT's `offline_easy2hard` orders
    it. Differences: tasks that tie on both rates come in random order, not in the file's; tasks
    without a rate come last.

    Raises:
        ValueError: when the pool has no reference rates.
    """

    NAME = "easy-to-hard"
    VERSION = 3
    STATE: ClassVar = {"order_N": ORDER, "walk_N": ORDER, "cursor": COUNT}

    def __init__(self, pool: Pool, rng: np.random.Generator) -> None:
        names = [name for name in ("weak", "strong") if name in pool.references]
        if not names:
            raise ValueError(
                "easy-to-hard orders tasks by reference solve rates and the pool has none: "
                "add `weak` or `strong` to Pool(references=...)"
            )
        super().__init__(pool, rng)
        hardness = [1 - np.nan_to_num(pool.references[name], nan=-1.0) for name in names]
        self._order_N = np.lexsort([rng.permutation(pool.num_tasks), *reversed(hardness)])
        self._walk_N = self._order_N.copy()  # the order, rearranged by what was passed over
        self._cursor = 0

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        chosen = self._next(batch_size, excluded)
        if chosen.size == batch_size:
            return chosen
        self._walk_N, self._cursor = self._order_N.copy(), 0
        others = self._next(batch_size - chosen.size, np.concatenate([excluded, chosen]))
        return np.concatenate([chosen, others])

    def metrics(self) -> dict[str, float]:
        """`easy_to_hard/progress`: the share of the pool passed in this walk."""
        return {"easy_to_hard/progress": self._cursor / self._pool.num_tasks}

    def _next(self, count: int, excluded: Ints) -> Ints:
        """Up to `count` tasks of what is left of this walk."""
        found = bring_forward(self._walk_N[self._cursor :], count, excluded)
        self._cursor += found
        return self._walk_N[self._cursor - found : self._cursor].copy()

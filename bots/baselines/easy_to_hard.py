"""Offline curriculum from easy to hard."""

from typing import Any

import numpy as np

from bots import checks
from bots import state as states
from bots._types import Ints
from bots.baselines.shuffle import bring_forward
from bots.feedback import Feedback
from bots.pool import Pool
from bots.selector import AbstractSelector

_NAME, _VERSION = "easy-to-hard", 2


class EasyToHardSelector(AbstractSelector):
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

    def __init__(self, pool: Pool, rng: np.random.Generator) -> None:
        names = [name for name in ("weak", "strong") if name in pool.references]
        if not names:
            raise ValueError(
                "easy-to-hard orders tasks by reference solve rates and the pool has none: "
                "add `weak` or `strong` to Pool(references=...)"
            )
        self._pool = pool
        self._rng = checks.rng(rng)
        hardness = [1 - np.nan_to_num(pool.references[name], nan=-1.0) for name in names]
        self._order_N = np.lexsort([rng.permutation(pool.num_tasks), *reversed(hardness)])
        self._walk_N = self._order_N.copy()  # the order, rearranged by what was passed over
        self._cursor = 0

    def select(self, batch_size: int, exclude: Ints | None = None) -> Ints:
        """The next tasks of the order; past the hardest it goes on with the easiest."""
        batch_size = checks.batch_size(batch_size, self._pool.num_tasks)
        excluded = checks.excluded(exclude, batch_size, self._pool.num_tasks)
        chosen = self._next(batch_size, excluded)
        if chosen.size == batch_size:
            return chosen
        self._walk_N, self._cursor = self._order_N.copy(), 0
        others = self._next(batch_size - chosen.size, np.concatenate([excluded, chosen]))
        return np.concatenate([chosen, others])

    def update(self, feedback: Feedback) -> None:
        """Learns nothing."""
        checks.within(feedback.task_ids_B, self._pool.num_tasks)

    def solve_rates(self) -> None:
        """None: it keeps no belief."""

    def metrics(self) -> dict[str, float]:
        """`easy_to_hard/progress`: the share of the pool passed in this walk."""
        return {"easy_to_hard/progress": self._cursor / self._pool.num_tasks}

    def state_dict(self) -> dict[str, Any]:
        """The order, this walk through it, the place in the walk, and the generator."""
        return {
            **self._header(),
            "order": self._order_N.copy(),
            "walk": self._walk_N.copy(),
            "cursor": self._cursor,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts all of it back."""
        states.check(state, self._header(), ("order", "walk", "cursor"))
        order_N = states.permutation("order", state["order"], self._pool.num_tasks)
        walk_N = states.permutation("walk", state["walk"], self._pool.num_tasks)
        cursor = checks.integer("cursor", state["cursor"], 0, self._pool.num_tasks)
        rng = states.generator(state["rng"])
        self._order_N, self._walk_N, self._cursor, self._rng = order_N, walk_N, cursor, rng

    def _next(self, count: int, excluded: Ints) -> Ints:
        """Up to `count` tasks of what is left of this walk."""
        found = bring_forward(self._walk_N[self._cursor :], count, excluded)
        self._cursor += found
        return self._walk_N[self._cursor - found : self._cursor].copy()

    def _header(self) -> states.State:
        return states.header(_NAME, _VERSION, self._pool, self._rng)

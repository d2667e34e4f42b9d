"""Epoch shuffle: the order that every trainer uses unless told otherwise."""

from typing import Any

import numpy as np

from bots import checks
from bots import state as states
from bots._types import Ints
from bots.baselines.base import AbstractBaseline
from bots.pool import Pool


def bring_forward(order_R: Ints, count: int, excluded: Ints) -> int:
    """Puts the first `count` tasks that are not excluded before the others, in place.

    Both keep their order, so an excluded task that was passed over is next as soon as it may be
    chosen. Returns how many there are, `count` at most.

    Example:
        >>> order = np.array([4, 0, 3, 1, 2])
        >>> bring_forward(order, 2, np.array([0, 4])), order.tolist()
        (2, [3, 1, 4, 0, 2])
    """
    if excluded.size == 0:
        return min(count, order_R.size)
    order_R = order_R[: count + excluded.size]  # at most excluded.size of them are excluded
    excluded_R = np.isin(order_R, excluded)
    places = np.flatnonzero(~excluded_R)[:count]
    if places.size:
        front, passed = order_R[: places[-1] + 1], excluded_R[: places[-1] + 1]
        front[:] = np.concatenate([front[~passed], front[passed]])
    return places.size


class EpochOrder:
    """Walks through a random order of all tasks; at the end of an epoch it draws another.

    A remainder too small for the next request is dropped, so that no batch holds a task twice. That
    is what data loaders with `drop_last` do. Excluded tasks are passed over and keep their turn
    until the epoch ends.
    """

    def __init__(self, num_tasks: int) -> None:
        self._order_N = np.arange(num_tasks)
        self._cursor = num_tasks

    def take(self, count: int, rng: np.random.Generator, excluded: Ints) -> Ints:
        """The next `count` tasks, distinct, none of them excluded; the pool must have as many."""
        if bring_forward(self._order_N[self._cursor :], count, excluded) < count:
            self._order_N = rng.permutation(self._order_N.size)
            self._cursor = 0
            bring_forward(self._order_N, count, excluded)
        self._cursor += count
        return self._order_N[self._cursor - count : self._cursor].copy()

    def state_dict(self) -> dict[str, Any]:
        """The order and the place in it."""
        return {"order": self._order_N.copy(), "cursor": self._cursor}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts both back."""
        order_N = states.permutation("order", state["order"], self._order_N.size)
        self._cursor = checks.integer("cursor", state["cursor"], 0, order_N.size)
        self._order_N = order_N


class ShuffleSelector(AbstractBaseline):
    """Every task once per epoch, in random order, whatever was learnt.

    The default of TRL, verl and Trinity-RFT alike, hence the reference that every ratio in this
    project's results is taken against. It costs nothing and ignores feedback.
    """

    NAME = "shuffle"
    VERSION = 2
    PARTS = ("epoch",)

    def __init__(self, pool: Pool, rng: np.random.Generator) -> None:
        super().__init__(pool, rng)
        self._epoch = EpochOrder(pool.num_tasks)

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        return self._epoch.take(batch_size, self._rng, excluded)

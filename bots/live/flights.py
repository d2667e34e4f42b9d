"""Which tasks are being rolled out, batch by batch."""

from typing import Any

import numpy as np
import numpy.typing as npt

from bots import checks
from bots._types import Bools, Ints
from bots.live.choice.ranked import among


class Flights:
    """Batches that were selected and whose feedback has not arrived yet.

    Batches are numbered from 0 in the order of selection. A group's feedback counts once: it is
    `taken` from its batch, and a second copy finds nothing to take. So feedback may come late, out
    of order, in parts and twice. A batch that is cancelled, or not answered for long, is closed.
    """

    def __init__(self) -> None:
        self._open: dict[int, Ints] = {}
        self._since: dict[int, float] = {}
        self._next = 0

    @property
    def num_batches(self) -> int:
        """Open batches."""
        return len(self._open)

    def tasks(self) -> Ints:
        """All tasks in flight; one that is in two batches occurs twice."""
        return np.concatenate([np.empty(0, np.int64), *self._open.values()])

    def open(self, task_ids_B: Ints, version: float) -> int:
        """The number of a new batch of these tasks, selected at this policy version.

        Example:
            >>> flights = Flights()
            >>> flights.open(np.array([4, 7]), version=0.0)
            0
            >>> flights.take(0, np.array([7, 5])).tolist(), flights.tasks().tolist()
            ([True, False], [4])
        """
        batch_id, self._next = self._next, self._next + 1
        self._open[batch_id], self._since[batch_id] = np.sort(task_ids_B), version
        return batch_id

    def check(self, batch_id: int) -> None:
        """Refuses a batch that was never selected."""
        if batch_id >= self._next:
            raise ValueError(
                f"batch {batch_id} was never selected here (the next one is {self._next}): pass "
                "the batch_id of the selection; after a resume from an older state, drop feedback "
                "for later batches or pass it without batch_id"
            )

    def take(self, batch_id: int, task_ids: Ints) -> Bools:
        """Which of these distinct tasks were in flight in this batch; they are no longer."""
        left = self._open.get(batch_id)
        if left is None:
            return np.zeros(task_ids.size, np.bool_)
        landed = among(task_ids, left)
        self._keep(batch_id, left[~among(left, np.sort(task_ids[landed]))])
        return landed

    def land(self, task_ids: Ints) -> None:
        """Each of these distinct tasks has come back, from the oldest batch that it is in."""
        waiting = task_ids
        for batch_id in sorted(self._open):
            if waiting.size == 0:
                return
            waiting = waiting[~self.take(batch_id, waiting)]

    def close(self, batch_id: int) -> None:
        """Nothing more is expected of this batch."""
        self._keep(batch_id, np.empty(0, np.int64))

    def stamp(self, version: float) -> None:
        """Open batches count as selected at this version."""
        self._since = dict.fromkeys(self._since, version)

    def lost(self, before: float) -> int:
        """Closes the batches that were selected before this version; how many."""
        old = [batch_id for batch_id, since in self._since.items() if since < before]
        for batch_id in old:
            self.close(batch_id)
        return len(old)

    def forget(self, task_ids: Ints) -> None:
        """These tasks are in flight no more, in any batch."""
        for batch_id, left in list(self._open.items()):
            self._keep(batch_id, left[~among(left, np.sort(task_ids))])

    def moved(self, new_N: Ints) -> None:
        """Task k is called `new_N[k]` from here on, or is gone where that is negative."""
        for batch_id, left in list(self._open.items()):
            moved = np.sort(new_N[left])
            self._keep(batch_id, moved[moved >= 0])

    def _keep(self, batch_id: int, left: Ints) -> None:
        if left.size:
            self._open[batch_id] = left
        else:
            self._open.pop(batch_id, None)
            self._since.pop(batch_id, None)

    def state_dict(self) -> dict[str, Any]:
        """All open batches."""
        order = sorted(self._open)
        return {
            "batches": np.array(order, np.int64),
            "sizes": np.array([self._open[b].size for b in order], np.int64),
            "tasks": np.concatenate([np.empty(0, np.int64), *(self._open[b] for b in order)]),
            "since": np.array([self._since[b] for b in order], np.float64),
            "next": self._next,
        }

    @staticmethod
    def restored(state: dict[str, Any], num_tasks: int) -> "Flights":
        """What `state_dict` described.

        Raises:
            ValueError: for damaged state.
        """
        made = Flights()
        if not isinstance(state, dict) or set(state) != set(made.state_dict()):
            raise ValueError(_DAMAGED)
        made._next = checks.integer("the next batch", state["next"], 0)
        batches, sizes, tasks = (
            _vector(state[name], np.int64) for name in ("batches", "sizes", "tasks")
        )
        since = _vector(state["since"], np.float64)
        fits = batches.size == sizes.size == since.size and tasks.size == sizes.sum()
        ordered = (np.diff(batches) > 0).all() and (batches >= 0).all() and (sizes > 0).all()
        if not (fits and ordered and (batches < made._next).all() and np.isfinite(since).all()):
            raise ValueError(_DAMAGED)
        if tasks.size and not (tasks.min() >= 0 and tasks.max() < num_tasks):
            raise ValueError(_DAMAGED)
        parts = np.split(tasks, np.cumsum(sizes)[:-1]) if sizes.size else []
        if any((np.diff(part) <= 0).any() for part in parts):
            raise ValueError(_DAMAGED)
        made._open = {int(b): part.copy() for b, part in zip(batches, parts, strict=True)}
        made._since = dict(zip(batches.tolist(), since.tolist(), strict=True))
        return made


_DAMAGED = "the batches in flight are damaged in the state: go back to an earlier checkpoint"


def _vector(value: Any, kind: type) -> npt.NDArray[Any]:
    if not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype != kind:
        raise ValueError(_DAMAGED)
    return value

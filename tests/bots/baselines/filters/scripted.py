"""Tasks and rollouts for collectors, as a test wants them."""

from collections.abc import Sequence

import numpy as np

from bots import AbstractCollector, Gathering, RolloutBatch


class Scripted:
    """Serves tasks in order; of n rollouts of task k, the first round(n `rates[k]`) succeed.

    Args:
        rates: solve rate of each task; NaN loses its rollouts.
        start: the first task that is served.
    """

    def __init__(self, rates: Sequence[float], start: int = 0) -> None:
        self.rates, self.next = rates, start
        self.asked: list[int] = []
        self.rolled: list[tuple[list[int], int]] = []
        self._batches: list[RolloutBatch] = []

    def select(self, size: int) -> np.ndarray:
        self.asked.append(size)
        self.next += size
        return np.arange(self.next - size, self.next)

    def rollout(self, task_ids: np.ndarray, group_size: int) -> RolloutBatch:
        self.rolled.append((task_ids.tolist(), group_size))
        rates = np.array([self.rates[task] for task in task_ids])[:, None]
        rewards = np.where(np.arange(group_size) < np.round(group_size * rates), 1.0, 0.0)
        rewards[np.isnan(rates[:, 0])] = np.nan
        payload = [
            tuple(f"{task}-{len(self.rolled)}-{g}" for g in range(group_size))
            for task in task_ids.tolist()
        ]
        self._batches.append(RolloutBatch(task_ids, rewards, tuple(payload)))
        return self._batches[-1]

    def step(
        self,
        collector: AbstractCollector,
        batch_size: int,
        group_size: int,
        held: RolloutBatch | None = None,
        absent: Sequence[int] = (),
    ) -> tuple[RolloutBatch | None, RolloutBatch | None]:
        """What one step trains on, as the loop would join it, and what it holds."""
        self._batches = []
        gone = np.array(absent, dtype=np.int64)
        gathering = Gathering(self.select, self.rollout, batch_size, group_size, gone, held)
        collected = collector.collect(gathering)
        before = [] if held is None else [held]
        at_hand = RolloutBatch.concatenate([*before, *self._batches])
        trained = at_hand.take(collected.train) if collected.train.size else None
        if trained is not None and collected.joined:
            trained = trained.joined()
        return trained, at_hand.take(collected.hold) if collected.hold.size else None


def tasks(batch: RolloutBatch | None) -> list[int]:
    """The tasks of a batch; none of no batch."""
    return [] if batch is None else batch.task_ids_B.tolist()

"""A backend that comes and goes as a test wants."""

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from backends import AbstractBackend
from bots import Feedback, Pool, RolloutBatch


class FakeBackend(AbstractBackend):
    """Rewards are coin flips, and nothing is learnt.

    Args:
        num_tasks: size of the pool.
        away: from the number of steps taken to the positions that are absent.
        releases: from it to how many of the waiting feedbacks are delivered.
    """

    def __init__(
        self,
        num_tasks: int,
        away: Callable[[int], list[int]] = lambda step: [],
        releases: Callable[[int], int] = lambda step: 1,
    ) -> None:
        self._pool, self._rng = Pool.numbered(num_tasks), np.random.default_rng(0)
        self._away, self._releases = away, releases
        self._steps, self._waiting = 0, deque[Feedback]()
        self._held: RolloutBatch | None = None
        self.charged: list[int] = []

    @property
    def pool(self) -> Pool:
        return self._pool

    def absent(self) -> np.ndarray:
        return np.array(self._away(self._steps), dtype=np.int64)

    def rollout(self, task_ids_B: np.ndarray, group_size: int) -> RolloutBatch:
        rewards_BG = self._rng.integers(0, 2, (len(task_ids_B), group_size))
        return RolloutBatch(task_ids_B, rewards_BG)

    def train(self, batch: RolloutBatch) -> dict[str, float]:
        return {}

    def skip(self) -> dict[str, float]:
        return {}

    def deliver(self, batch: RolloutBatch) -> tuple[Feedback, ...]:
        self._waiting.append(batch.feedback())
        count = self._releases(self._steps)
        self._steps += 1
        return tuple(self._waiting.popleft() for _ in range(count))

    def hold(self, batch: RolloutBatch | None) -> None:
        self._held = batch

    def held(self) -> RolloutBatch | None:
        return self._held

    def charge(self, forward_passes: int) -> None:
        self.charged.append(forward_passes)

    def evaluate(self) -> float:
        return 0.5

    def state_dict(self) -> dict[str, Any]:
        raise NotImplementedError

    def load_state_dict(self, state: dict[str, Any]) -> None:
        raise NotImplementedError

    def close(self) -> None:
        pass

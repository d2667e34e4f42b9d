"""How a training batch is gathered: what is rolled out, and which groups are kept."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from bots._types import Ints
from bots.rollouts import RolloutBatch

Select = Callable[[int], Ints]
Rollout = Callable[[Ints, int], RolloutBatch]


class AbstractCollector(ABC):
    """Gathers the groups that one training step trains on.

    It is handed two functions, never the backend: `select(batch_size)` and
    `rollout(task_ids, group_size)`. It answers with places, not with rollouts, so it can train on
    nothing but what was generated for it, and every rollout it asked for is charged. Every group
    that was rolled out reaches the selector as feedback, whether or not it is kept.
    """

    @abstractmethod
    def collect(self, select: Select, rollout: Rollout, batch_size: int, group_size: int) -> Ints:
        """Which groups to train on: their places among all rolled out in this call, in order.

        Distinct, at most `batch_size` of them, and none when no group is worth training on.
        """


class OneRound(AbstractCollector):
    """One group for each selected task, all of them kept: what trainers do by default."""

    def collect(self, select: Select, rollout: Rollout, batch_size: int, group_size: int) -> Ints:
        """All groups."""
        return np.arange(rollout(select(batch_size), group_size).num_groups)

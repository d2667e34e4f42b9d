"""How a training batch is gathered: what is rolled out, and which groups are kept."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from bots._types import Ints
from bots.rollouts import RolloutBatch

Select = Callable[[int], Ints]
Rollout = Callable[[Ints, int], RolloutBatch]


class AbstractCollector(ABC):
    """Gathers the groups that one training step trains on.

    It is handed two functions, never the backend, so it can see nothing but rollouts, and every
    rollout it asks for is charged: `select(batch_size)` and `rollout(task_ids, group_size)`. Every
    group that was rolled out reaches the selector as feedback, whether or not it is kept.
    """

    @abstractmethod
    def collect(
        self, select: Select, rollout: Rollout, batch_size: int, group_size: int
    ) -> RolloutBatch | None:
        """The batch to train on, at most `batch_size` groups; None when no group is kept."""


class OneRound(AbstractCollector):
    """One group for each selected task, all of them kept: what trainers do by default."""

    def collect(
        self, select: Select, rollout: Rollout, batch_size: int, group_size: int
    ) -> RolloutBatch:
        """One group per selected task."""
        return rollout(select(batch_size), group_size)

"""How a training batch is gathered: what is rolled out, and which groups are kept."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from bots._types import Ints
from bots.rollouts import RolloutBatch


def _nothing() -> Ints:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Gathering:
    """What a collector has to work with in one training step.

    Attributes:
        select: `select(count)` asks the selector for tasks; none twice in a step while there are
            others.
        rollout: `rollout(task_ids, group_size)` generates groups; every rollout is charged.
        batch_size: B, the most groups that can be trained on.
        group_size: G, rollouts per task.
        absent: tasks that cannot be rolled out now.
        held: groups that were held in earlier steps, in the order given then; None: there are none.
    """

    select: Callable[[int], Ints]
    rollout: Callable[[Ints, int], RolloutBatch]
    batch_size: int
    group_size: int
    absent: Ints = field(default_factory=_nothing)
    held: RolloutBatch | None = None

    @property
    def num_held(self) -> int:
        """The place of the first group that is rolled out in this step."""
        return 0 if self.held is None else self.held.num_groups


@dataclass(frozen=True, slots=True, eq=False)
class Collected:
    """What a collector answers: places among the groups held, followed by those rolled out since.

    Attributes:
        train: groups to train on now, distinct.
        hold: groups to keep for later steps, distinct; all others are gone after this step.
        joined: whether groups of one task among `train` are one group to the trainer.
    """

    train: Ints
    hold: Ints = field(default_factory=_nothing)
    joined: bool = False


class AbstractCollector(ABC):
    """Gathers the groups that one training step trains on.

    It is handed functions, never the backend. It answers with places, not with rollouts, so it can
    train on nothing but what was generated for it, and every rollout it asked for is charged. Every
    group that was rolled out reaches the selector as feedback, whether or not it is kept. What must
    outlast a step is held as groups, or kept by the selector, whose state is saved.
    """

    @abstractmethod
    def collect(self, step: Gathering) -> Collected:
        """What to train on, at most `step.batch_size` groups; none when nothing is worth it."""


class OneRound(AbstractCollector):
    """One group for each selected task, all of them kept: what trainers do by default."""

    def collect(self, step: Gathering) -> Collected:
        """All groups."""
        batch = step.rollout(step.select(step.batch_size), step.group_size)
        return Collected(np.arange(batch.num_groups))

"""The rounds of DOTS: anchors, then the batch, part of which may be replayed."""

import numpy as np

from bots import checks
from bots._types import Ints
from bots.baselines.predictors.dots import DOTSSelector
from bots.collector import AbstractCollector, Collected, Gathering
from bots.feedback import Feedback
from bots.rollouts import RolloutBatch


class AnchoredRounds(AbstractCollector):
    """Rolls out the selector's anchors when they are due, then one group for each selected task.

    Anchors are charged and not trained on. With `fresh` below 1 there is rollout replay: after the
    first period only `fresh` x B groups of a batch are rolled out, and the others are random ones
    of those held from earlier steps. Held are the last `capacity` groups whose rewards are not all
    equal, at most one per task, the newest. While too few are held, more tasks are rolled out
    instead, so that the batch is full.

    Source: arXiv 2506.05316 and its released code. Cost: `anchor_rollouts` per anchor; replay saves
    (1 - `fresh`) B groups a step. Defaults: 8 rollouts per anchor; for replay, `fresh` 0.5 and 512
    groups. Differences: the released code trains on a smaller batch while it holds too few groups.
    What the trainer does about replayed groups being off-policy is the backend's affair. Anchors
    teach the selector at once, even where feedback about a batch is late: the step waits for them.

    Args:
        selector: chooses anchors, tasks and what is replayed; it keeps all that outlasts a step.
        anchor_rollouts: at least 1.
        fresh: sigma, the share of a batch that is rolled out, in (0, 1].
        capacity: the most groups that are held, at least 1.
    """

    def __init__(
        self,
        selector: DOTSSelector,
        anchor_rollouts: int = 8,
        fresh: float = 1.0,
        capacity: int = 512,
    ) -> None:
        self._selector = selector
        self._anchor_rollouts = checks.integer("anchor_rollouts", anchor_rollouts, 1)
        self._fresh = checks.number("fresh", fresh, np.nextafter(0.0, 1.0), 1)
        self._capacity = checks.integer("capacity", capacity, 1)

    def collect(self, step: Gathering) -> Collected:
        """The selected tasks' groups and what is replayed; holds groups only if it replays."""
        first = step.num_held + self._roll_out_anchors(step)
        fresh = max(round(self._fresh * step.batch_size), 1)
        replayed = self._selector.replayed(step.num_held, step.batch_size - fresh)
        batch = step.rollout(step.select(step.batch_size - replayed.size), step.group_size)
        train = np.concatenate([replayed, first + np.arange(batch.num_groups)])
        if self._fresh == 1:
            return Collected(train)
        older = _outlasting(step.held, batch)
        hold = np.concatenate([older, first + np.flatnonzero(batch.informative_B)])
        return Collected(train, hold[-self._capacity :])

    def _roll_out_anchors(self, step: Gathering) -> int:
        """How many there are."""
        anchors = self._selector.begin_step(step.absent)
        if anchors.size:
            batch = step.rollout(anchors, self._anchor_rollouts)
            shares_BG = np.clip(batch.rewards_BG, 0, 1)
            self._selector.learn_anchors(
                Feedback.from_rewards(batch.task_ids_B, shares_BG, threshold="fractional")
            )
        return anchors.size


def _outlasting(held: RolloutBatch | None, batch: RolloutBatch) -> Ints:
    """Places of the held groups whose tasks are not in `batch`."""
    if held is None:
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(~np.isin(held.task_ids_B, batch.task_ids_B))

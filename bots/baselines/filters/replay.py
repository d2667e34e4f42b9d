"""Rollout replay: part of every batch is trained on again instead of being generated."""

import numpy as np

from bots import checks
from bots.collector import AbstractCollector, Collected, Gathering


class ReplayedRounds(AbstractCollector):
    """Rolls out `fresh` x B selected tasks, and fills the batch with the newest informative groups.

    Groups whose rewards are not all equal are held after their step; the next steps train on the
    newest of them, at most one per task. While too few are held, more tasks are rolled out instead.

    It chooses no tasks: it is a switch (`NAME+replay`) that makes any selector cheaper, at the
    price of older and used rollouts. It is the control that a method with replay of its own must be
    compared with.

    Source: the rollout replay of arXiv 2506.05316, apart from its selection. Cost: saves
    (1 - `fresh`) B groups a step. Defaults: half of a batch, as published. Differences: the newest
    groups are taken, not random ones of the last 512, so that nothing is drawn and a group is used
    1 + 1 / P times at half a batch, with P the share of informative groups.

    Args:
        fresh: sigma, the share of a batch that is rolled out, in (0, 1].
    """

    def __init__(self, fresh: float = 0.5) -> None:
        self._fresh = checks.number("fresh", fresh, np.nextafter(0.0, 1.0), 1)

    def collect(self, step: Gathering) -> Collected:
        """The newest groups that are held, and new ones."""
        new = max(round(self._fresh * step.batch_size), 1)
        replayed = np.arange(step.num_held)[: step.batch_size - new]
        batch = step.rollout(step.select(step.batch_size - replayed.size), step.group_size)
        places = step.num_held + np.arange(batch.num_groups)
        hold = places[batch.informative_B]
        if step.held is not None:
            again = np.isin(step.held.task_ids_B, batch.task_ids_B)
            hold = np.concatenate([hold, np.flatnonzero(~again)])
        return Collected(np.concatenate([replayed, places]), hold[: step.batch_size])

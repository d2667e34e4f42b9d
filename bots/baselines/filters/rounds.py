"""What filters share: measured solve rates, and rounds of rollouts until a batch is full."""

from collections.abc import Callable

import numpy as np

from bots._types import Bools, Floats, Ints
from bots.collector import Gathering
from bots.rollouts import RolloutBatch


def measured_rates(batch: RolloutBatch) -> Floats:
    """Mean reward of each group, shape (B,); NaN for a group that was lost whole.

    Example:
        >>> batch = RolloutBatch([5, 9, 2], [[1, np.nan], [0.5, 1], [np.nan, np.nan]])
        >>> measured_rates(batch).tolist()
        [1.0, 0.75, nan]
    """
    trials_B = (~np.isnan(batch.rewards_BG)).sum(axis=1)
    sums_B = np.nansum(batch.rewards_BG, axis=1)
    return np.where(trials_B > 0, sums_B / np.maximum(trials_B, 1), np.nan)


def fill(
    step: Gathering,
    keeps: Callable[[RolloutBatch], Bools],
    size: int,
    max_rounds: int,
    refill: bool,
) -> Ints:
    """Places of the first B groups that pass, of rounds that end at B of them or run out.

    Args:
        step: what to gather with.
        keeps: which groups of a round pass, shape (`size`,).
        size: tasks of a round.
        max_rounds: at least 1.
        refill: after the first round, roll out only as many tasks as are still missing.
    """
    kept: list[Ints] = []
    seen, missing = 0, step.batch_size
    for _ in range(max_rounds):
        batch = step.rollout(step.select(size), step.group_size)
        places = np.flatnonzero(keeps(batch))[:missing]
        kept.append(seen + places)
        seen, missing = seen + batch.num_groups, missing - places.size
        if missing == 0:
            break
        size = missing if refill else size
    return np.concatenate(kept)

"""PODS: policy optimisation with down-sampled rollouts."""

import numpy as np

from bots import checks
from bots.rollouts import RolloutBatch


def thinned(batch: RolloutBatch, share: float = 0.25) -> RolloutBatch:
    """The batch with only the rollouts of each group whose rewards vary most; NaN for the others.

    Of n rollouts of a group, m = max(round(share n), 2) are kept: the i with the highest and the
    m - i with the lowest rewards, with the i whose subset has the largest variance. That is the
    subset of size m of largest variance (arXiv 2504.13818, theorem 1), and found by sorting.

    It chooses no tasks and saves no rollouts, only training on them. Lost rollouts stay lost.

    Args:
        batch: B groups.
        share: m / n, in (0, 1]; published: 16 of 64.

    Example:
        >>> batch = RolloutBatch([7], [[0, 0, 0, 1, 0, 0, 1, 1]])
        >>> thinned(batch, share=0.5).rewards_BG[0].tolist()
        [0.0, 0.0, nan, nan, nan, nan, 1.0, 1.0]
    """
    checks.number("share", share, np.nextafter(0.0, 1.0), 1)
    rewards_BG = batch.rewards_BG.copy()
    for row in rewards_BG:
        there = np.flatnonzero(~np.isnan(row))
        kept = max(round(share * there.size), 2)
        if kept < there.size:
            order = there[np.argsort(row[there], kind="stable")]
            row[order[_dropped(row[order], kept)]] = np.nan
    return RolloutBatch(batch.task_ids_B, rewards_BG, batch.payload_B)


def _dropped(ascending: np.ndarray, kept: int) -> slice:
    """Which of these rewards are left out: a run of them in the middle."""
    lowest = range(kept + 1)
    size = ascending.size
    variances = [
        np.concatenate([ascending[:low], ascending[size - kept + low :]]).var() for low in lowest
    ]
    low = int(np.argmax(variances))
    return slice(low, size - kept + low)

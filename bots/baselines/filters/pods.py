"""PODS: policy optimisation with down-sampled rollouts."""

import numpy as np

from bots import checks
from bots._types import Floats
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
    sizes_B = (~np.isnan(rewards_BG)).sum(axis=1)
    for size in np.unique(sizes_B):
        kept = max(round(share * size), 2)
        if kept < size:
            groups = np.flatnonzero(sizes_B == size)
            rewards_BG[groups] = _most_varied(rewards_BG[groups], size, kept)
    return RolloutBatch(batch.task_ids_B, rewards_BG, batch.payload_B)


def _most_varied(rewards_KG: Floats, size: int, kept: int) -> Floats:
    """Groups of `size` rollouts with NaN in place of all but `kept`: a run in the middle is out."""
    order_KG = np.argsort(rewards_KG, axis=1, kind="stable")  # NaN last
    ascending_KG = np.take_along_axis(rewards_KG, order_KG, axis=1)[:, :size]
    means_KL, squares_KL = (
        _means(values_KG, kept) for values_KG in (ascending_KG, ascending_KG**2)
    )
    lowest_K = np.argmax(squares_KL - means_KL**2, axis=1)[:, None]
    places_G = np.arange(rewards_KG.shape[1])
    left_out_KG = (places_G >= lowest_K) & (places_G < size - kept + lowest_K)
    thinned_KG = rewards_KG.copy()
    rows_K1 = np.arange(len(rewards_KG))[:, None]
    thinned_KG[np.broadcast_to(rows_K1, order_KG.shape)[left_out_KG], order_KG[left_out_KG]] = (
        np.nan
    )
    return thinned_KG


def _means(ascending_KG: Floats, kept: int) -> Floats:
    """Mean of the lowest l and the highest `kept` - l values, for l = 0 to `kept`."""
    sums_KG = np.cumsum(np.pad(ascending_KG, ((0, 0), (1, 0))), axis=1)
    low_L = np.arange(kept + 1)
    size = ascending_KG.shape[1]
    return (sums_KG[:, low_L] + sums_KG[:, [size]] - sums_KG[:, size - kept + low_L]) / kept

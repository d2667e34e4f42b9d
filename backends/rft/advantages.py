"""Advantages: how much better a rollout did than its group.

Every function takes `rewards_BG`, shape (B, G), NaN where a rollout was lost, and returns
advantages of the same shape, 0.0 at the lost places. r is a reward, m and s the mean and the
standard deviation (ddof 1) of the n rollouts of its group that were graded. A group with fewer than
two of them, or whose rewards are all equal, teaches nothing: its advantages are exactly 0.0,
whatever the rounding of m.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bots._types import Bools, Floats, Ints

STD_EPSILON = 1e-6
LOSS_LEVELS = ("token", "sequence", "constant")  # how `loss.policy_loss` sums tokens


def grpo(rewards_BG: Floats, *, std_epsilon: float | None = STD_EPSILON) -> Floats:
    """(r - m) / (s + std_epsilon): group-relative advantages (arXiv 2402.03300, section 4.1.2).

    Args:
        rewards_BG: shape (B, G), NaN for a lost rollout.
        std_epsilon: >= 0, keeps the quotient bounded when rewards hardly differ; None: no division.

    Example:
        >>> grpo(np.array([[1.0, 0.0], [1.0, np.nan]]), std_epsilon=0.0).round(4).tolist()
        [[0.7071, -0.7071], [0.0, 0.0]]
    """
    return _scaled(_centred(rewards_BG), rewards_BG, std_epsilon)


def dr_grpo(rewards_BG: Floats, *, std_epsilon: float | None = None) -> Floats:
    """(r - m), without the division that weighs very easy and very hard tasks up (2503.20783).

    Args:
        rewards_BG: shape (B, G), NaN for a lost rollout.
        std_epsilon: a number brings the division by s + std_epsilon back, for ablations.
    """
    return _scaled(_centred(rewards_BG), rewards_BG, std_epsilon)


def rloo(rewards_BG: Floats, *, std_epsilon: float | None = None) -> Floats:
    """(r - m) * n / (n - 1): r minus the mean of the others (arXiv 2402.14740, eq. 6).

    Args:
        rewards_BG: shape (B, G), NaN for a lost rollout.
        std_epsilon: a number divides by s + std_epsilon in addition, for ablations.

    Example:
        >>> rloo(np.array([[1.0, 0.0, 0.0]])).tolist()
        [[1.0, -0.5, -0.5]]
    """
    counts_B1 = _counts(rewards_BG)
    left_out_BG = _centred(rewards_BG) * (counts_B1 / np.maximum(counts_B1 - 1, 1))
    return _scaled(left_out_BG, rewards_BG, std_epsilon)


def dapo(rewards_BG: Floats, *, std_epsilon: float | None = STD_EPSILON) -> Floats:
    """(r - m) / (s + std_epsilon), as in GRPO (arXiv 2503.14476, eq. 9).

    DAPO differs elsewhere: its loss is a mean over tokens, its clip range reaches further up than
    down, and its dynamic sampling replaces groups that teach nothing, which is a collector's work.
    """
    return grpo(rewards_BG, std_epsilon=std_epsilon)


def maxrl(rewards_BG: Floats) -> Floats:
    """(r - m) / m, and 0 where m is 0: maximum-likelihood RL (arXiv 2602.02710).

    For rewards of 0 and 1 this averages the scores of the successes, which makes harder tasks count
    more.

    Raises:
        ValueError: for a negative reward, whose division by m could turn the signs around.

    Example:
        >>> maxrl(np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])).tolist()
        [[3.0, -1.0, -1.0, -1.0], [0.0, 0.0, 0.0, 0.0]]
    """
    if np.nanmin(rewards_BG, initial=0.0) < 0:
        raise ValueError(
            f"maxrl got the reward {np.nanmin(rewards_BG)}; it divides by the mean, so rewards "
            "must be at least 0: shift them or choose another algorithm"
        )
    means_B1 = _means(rewards_BG)
    return _centred(rewards_BG) / np.where(means_B1 == 0, 1.0, means_B1)


@dataclass(frozen=True, slots=True)
class Algorithm:
    """What sets one policy-gradient algorithm apart from the next.

    Attributes:
        name: as in `ALGORITHMS`.
        advantages: the function above.
        loss_level: `token`, `sequence` or `constant`, see `loss.policy_loss`.
        clip_low: by how much the probability ratio may fall below 1 before the gradient stops.
        clip_high: by how much it may rise above 1.
        normalise_std: whether it divides by the standard deviation; None when that has no meaning.
    """

    name: str
    advantages: Callable[..., Floats]
    loss_level: str
    clip_low: float
    clip_high: float
    normalise_std: bool | None

    def of(
        self,
        rewards_BG: Floats,
        normalise_std: bool | None = None,
        std_epsilon: float = STD_EPSILON,
    ) -> Floats:
        """The advantages of these rewards; `normalise_std` overrides the algorithm's own habit."""
        if self.normalise_std is None:
            return self.advantages(rewards_BG)
        divide = self.normalise_std if normalise_std is None else normalise_std
        return self.advantages(rewards_BG, std_epsilon=std_epsilon if divide else None)


# 0.2 is PPO's clip range (arXiv 1707.06347), 0.28 DAPO's upper one. GRPO, Dr. GRPO and DAPO
# aggregate as their papers do; RLOO's paper has one action per completion, MaxRL's leaves the level
# open.
ALGORITHMS = {
    algorithm.name: algorithm
    for algorithm in (
        Algorithm("grpo", grpo, "sequence", 0.2, 0.2, True),
        Algorithm("drgrpo", dr_grpo, "constant", 0.2, 0.2, False),
        Algorithm("rloo", rloo, "sequence", 0.2, 0.2, False),
        Algorithm("dapo", dapo, "token", 0.2, 0.28, True),
        Algorithm("maxrl", maxrl, "token", 0.2, 0.2, None),
    )
}

SPELLINGS = {"dr-grpo": "drgrpo", "dr_grpo": "drgrpo"}
"""Other spellings of algorithms that are accepted."""


def informative(rewards_BG: Floats) -> Bools:
    """Which groups hold at least two different rewards, shape (B, 1)."""
    highest_B1 = np.where(np.isnan(rewards_BG), -np.inf, rewards_BG).max(
        axis=1, keepdims=True, initial=-np.inf
    )
    lowest_B1 = np.where(np.isnan(rewards_BG), np.inf, rewards_BG).min(
        axis=1, keepdims=True, initial=np.inf
    )
    return highest_B1 > lowest_B1


def _counts(rewards_BG: Floats) -> Ints:
    return (~np.isnan(rewards_BG)).sum(axis=1, keepdims=True)


def _means(rewards_BG: Floats) -> Floats:
    return np.nansum(rewards_BG, axis=1, keepdims=True) / np.maximum(_counts(rewards_BG), 1)


def _centred(rewards_BG: Floats) -> Floats:
    teaches_BG = informative(rewards_BG) & ~np.isnan(rewards_BG)
    return np.where(teaches_BG, rewards_BG - _means(rewards_BG), 0.0)


def _scaled(advantages_BG: Floats, rewards_BG: Floats, std_epsilon: float | None) -> Floats:
    if std_epsilon is None:
        return advantages_BG
    variances_B1 = (_centred(rewards_BG) ** 2).sum(axis=1, keepdims=True)
    stds_B1 = np.sqrt(variances_B1 / np.maximum(_counts(rewards_BG) - 1, 1))
    return advantages_BG / np.where(stds_B1 == 0, 1.0, stds_B1 + std_epsilon)

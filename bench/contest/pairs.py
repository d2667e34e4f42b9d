"""Every strategy against every other: chance of winning, tests, and groups that cannot be told."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench import stats
from bench.contest.aggregate import Sample
from bench.metrics import Floats

LEVEL = 0.05

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """K strategies pair by pair.

    Attributes:
        wins_KK: chance that the first scores above the second with the same seed, ties half; mean
            over scenarios.
        adjusted_KK: p of the test that their mean scores are the same, after Holm; NaN on the
            diagonal and where there are too few seeds.
    """

    wins_KK: Floats
    adjusted_KK: Floats

    @property
    def significant_KK(self) -> Bools:
        """Which pairs differ at the level of 5 % for all pairs together."""
        return self.adjusted_KK < LEVEL


def compare(sample: Sample) -> Pairs:
    """All pairs of a sample."""
    return Pairs(wins(sample), holm(p_values(seed_means(sample))))


def wins(sample: Sample) -> Floats:
    """Chances of winning, shape (K, K); they and their transpose add up to 1."""
    chances = [
        ((np.sign(block[:, None] - block[None]) + 1) / 2).mean(axis=-1) for block in sample.blocks
    ]
    return np.mean(chances, axis=0)


def seed_means(sample: Sample) -> Floats:
    """Mean score over scenarios by seed, shape (K, S); on as many seeds as every scenario has."""
    least = min(block.shape[1] for block in sample.blocks)
    return np.mean([block[:, :least] for block in sample.blocks], axis=0)


def p_values(means_KS: Floats) -> Floats:
    """Two-sided paired t-tests of the difference in mean score, shape (K, K).

    For a pair, the S differences of `seed_means` are independent draws from one distribution: seeds
    are independent, also where variants of one scenario share theirs. The test takes them for
    normal, which means over scenarios come close to. It says nothing about other scenarios. (Sign
    flips need no normality, but the 1,700 pairs of 60 strategies ask for p below 3e-5, which
    10,000 sampled flips cannot resolve.)

    Returns:
        NaN on the diagonal, and everywhere with fewer than `LEAST_SEEDS` seeds; 1 for strategies
        whose scores are the same.
    """
    from scipy.special import stdtr

    num_strategies, seeds = means_KS.shape
    if seeds < stats.LEAST_SEEDS:
        return np.full((num_strategies, num_strategies), np.nan)
    differences = means_KS[:, None] - means_KS[None]
    centre, spread = np.abs(differences.mean(axis=-1)), differences.std(axis=-1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        p_KK = 2 * stdtr(seeds - 1, -centre / (spread / np.sqrt(seeds)))
    p_KK[(centre == 0) & (spread == 0)] = 1.0
    np.fill_diagonal(p_KK, np.nan)
    return p_KK


def holm(p_KK: Floats) -> Floats:
    """P-values of all pairs adjusted after Holm (1979), symmetric.

    With m pairs in order of p, the i-th becomes the largest of (m - j + 1) p_j over j <= i, at
    most 1. Calling those below 0.05 different is wrong anywhere with chance 5 % at most.
    """
    rows, columns = np.triu_indices(len(p_KK), 1)
    p = p_KK[rows, columns]
    order = np.argsort(p, kind="stable")
    factors = np.arange(p.size, 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(factors * p[order]), 1.0)
    adjusted_KK = np.full_like(p_KK, np.nan)
    adjusted_KK[rows, columns] = adjusted_KK[columns, rows] = adjusted
    return adjusted_KK


def groups(order: Sequence[int], significant_KK: Bools) -> list[tuple[int, int]]:
    """Maximal runs of strategies, first and last place in `order`, without a significant pair.

    As in diagrams of critical differences, strategies in one group cannot be told apart. Two
    without a group in common may be too alike all the same, where one between them differs.

    Args:
        order: of the strategies, by what was tested: the mean score.
        significant_KK: see `Pairs`.
    """
    found: list[tuple[int, int]] = []
    first = 0
    for last in range(len(order)):
        while significant_KK[np.ix_(order[first : last + 1], order[first : last + 1])].any():
            first += 1
        if found and found[-1][0] == first:
            found[-1] = first, last
        else:
            found.append((first, last))
    return found

"""The share of informative groups among tasks that were not chosen, from those that were."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.replay.chances import Chances
from bench.replay.log import Log
from bench.stats import Estimate
from bots._types import Floats, Ints

RESAMPLES = 2_000
LEAST_COVERAGE = 0.1
LEAST_EFFECTIVE = 20.0
_Z = 1.96


@dataclass(frozen=True, slots=True)
class OffPolicy:
    """What a log says of choices that were not made.

    Attributes:
        share: Hájek's estimate of the share of informative groups.
        horvitz_thompson: the same with the known size of the choices below the line.
        coverage: share of the choices that had a chance to be logged; the estimates are of these.
        groups: logged groups that coincide with a choice.
        effective: how many groups of equal weight would be worth as much, (sum w)^2 / sum w^2.
    """

    share: Estimate
    horvitz_thompson: float
    coverage: float
    groups: int
    effective: float


def off_policy(
    log: Log, chances_T: Sequence[Chances], asked_TB: Sequence[Ints] | Ints, seed: int = 0
) -> OffPolicy:
    """Estimates the share of informative groups among `asked_TB`.

    Of the tasks C_t asked for at step t, some, L_t, happen to be in the logged batch. With pi_k the
    chance that task k had to be in it, given the history, and I_k whether its group was
    informative::

        Hájek               sum_t sum_(k in C_t & L_t) I_k / pi_k  /  sum_t sum_(...) 1 / pi_k
        Horvitz-Thompson    the same above  /  sum_t |C_t, those with pi_k > 0|

    The latter is unbiased for the share among the covered part of the choices, at the policy that
    the log had; the former is a ratio, biased by O(1 / groups), and steadier. C_t may depend on
    everything before step t, and on nothing of it. The variance of the former is that of the
    sum of all (I_k - share) / pi_k, over resampled blocks of T^(1/3) consecutive steps. Its
    interval of 95 % is Wilson's for so many groups as that variance is worth, and no more than
    `effective`: shares near 1 rest on a handful of failures, and a normal interval would be too
    narrow there.

    Raises:
        ValueError: when choices and log have too little in common.
    """
    size = len(chances_T)
    solid_T, above_T, below_T = np.zeros(size), np.zeros(size), np.zeros(size)
    squares, groups, asked = 0.0, 0, 0
    for t, rows_B in enumerate(log.batches()):
        hit_B = np.isin(log.trace.task_R[rows_B], asked_TB[t])
        weight_B = 1 / chances_T[t].logged_B[hit_B]
        above_T[t] = weight_B @ log.informative_R[rows_B[hit_B]]
        below_T[t], squares = weight_B.sum(), squares + float(weight_B @ weight_B)
        solid_T[t] = chances_T[t].reached_N[asked_TB[t]].sum()
        groups, asked = groups + int(hit_B.sum()), asked + len(asked_TB[t])
    coverage = float(solid_T.sum()) / asked
    effective = float(below_T.sum()) ** 2 / squares if squares else 0.0
    if coverage < LEAST_COVERAGE or effective < LEAST_EFFECTIVE:
        raise ValueError(
            f"of the tasks asked for {coverage:.0%} had a chance to be logged, and those that were "
            f"are worth {effective:.0f} groups; at least {LEAST_COVERAGE:.0%} and "
            f"{LEAST_EFFECTIVE:.0f} are needed: take a longer log, larger batches, or one with "
            "more chance in its choices"
        )
    share = _with_interval(above_T, below_T, effective, seed)
    return OffPolicy(share, float(above_T.sum() / solid_T.sum()), coverage, groups, effective)


def _with_interval(above_T: Floats, below_T: Floats, effective: float, seed: int) -> Estimate:
    """The ratio of the sums, and Wilson's interval for as many groups as its error is worth."""
    share = float(above_T.sum() / below_T.sum())
    variance = _variance((above_T - share * below_T) / below_T.sum(), seed)
    size = effective if variance == 0 else min(share * (1 - share) / variance, effective)
    weight = _Z**2 / size
    centre = (share + weight / 2) / (1 + weight)
    half = _Z * np.sqrt(share * (1 - share) / size + weight / (4 * size)) / (1 + weight)
    return Estimate(share, max(centre - half, 0.0), min(centre + half, 1.0))


def _variance(deviation_T: Floats, seed: int) -> float:
    """Of their sum, by a circular block bootstrap."""
    size = deviation_T.size
    length = max(round(size ** (1 / 3)), 1)
    blocks = np.array([np.roll(deviation_T, -i)[:length].sum() for i in range(size)])
    count = max(size // length, 1)
    drawn = np.random.default_rng(seed).choice(blocks, (RESAMPLES, count)).sum(axis=1)
    return float(drawn.var()) * size / (count * length)

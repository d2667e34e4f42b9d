"""Gain laws: how far a group of rollouts pushes its task's log-odds, given its rewards.

For rewards r_i of a group with mean m and a policy whose log-odds of success are l, the gradient of
an advantage-weighted objective is the mean of A_i d log pi(i) / d theta, and that is
w * d logit p / d theta with a weight w that depends on the advantage A_i:

====================  ==============================  =====================================
law                   advantage                       weight of a binary group
====================  ==============================  =====================================
`grpo`                (r_i - m) / std                 sqrt(m (1 - m))
`drgrpo`              r_i - m                         m (1 - m)
`rloo`                r_i - mean of the others        m (1 - m) n / (n - 1)
`maxrl`               (r_i - m) / m                   1 - m, and 0 at m = 0
`transfer`            none: every informative group teaches alike, tasks differ by transfer value
`hard`                none: rare successes teach most, (1 - m)^2
====================  ==============================  =====================================

The first four are exact for binary rewards, whatever the model. `drgrpo`, `rloo` and `hard` are
doubled, so that every law gives a half-solved group a weight of 1/2 (`rloo` in the limit of large
groups) and a learning rate means the same under each. Sources: GRPO arXiv 2402.03300, Dr. GRPO
2503.20783, RLOO 2402.14740, MaxRL 2602.02710; the last two laws are stress tests.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_GRID = 401
_GROUPS = 4_000
_SEED = 0

Weight = Callable[[Floats, Floats, Floats], Floats]


def _grpo(mean: Floats, variance: Floats, size: Floats) -> Floats:
    return np.sqrt(variance)


def _drgrpo(mean: Floats, variance: Floats, size: Floats) -> Floats:
    return 2 * variance


def _rloo(mean: Floats, variance: Floats, size: Floats) -> Floats:
    return 2 * variance * size / np.maximum(size - 1, 1)


def _maxrl(mean: Floats, variance: Floats, size: Floats) -> Floats:
    return variance / np.where(mean > 0, mean, 1)


def _transfer(mean: Floats, variance: Floats, size: Floats) -> Floats:
    return np.where(variance > 0, 0.5, 0.0)


def _hard(mean: Floats, variance: Floats, size: Floats) -> Floats:
    return 2 * variance * (1 - mean) / np.where(mean > 0, mean, 1)


GAIN_LAWS: dict[str, Weight] = {
    "grpo": _grpo,
    "drgrpo": _drgrpo,
    "rloo": _rloo,
    "maxrl": _maxrl,
    "transfer": _transfer,
    "hard": _hard,
}


def score_slope(sub_tests: int, correlation: float) -> float:
    """How steeply a rollout's score function rises with its reward: J / (1 + (J - 1) r).

    The gradient of a group correlates rewards with the score d log pi / d logit p. For binary
    rewards the score is r_i - p. For the mean of J tests of correlation r we take the linear
    regression of the score on the reward, whose slope is d E[reward] / d logit p = p (1 - p) over
    the reward's variance p (1 - p) (1 + (J - 1) r) / J. It is exact for one test and for
    independent ones.

    Example:
        >>> score_slope(1, 0.0), score_slope(10, 0.0), round(score_slope(10, 0.3), 3)
        (1.0, 10.0, 2.703)
    """
    return sub_tests / (1 + (sub_tests - 1) * correlation)


def expected_weights(
    gain: str, rates_N: Floats, group_size: int, sub_tests: int = 1, correlation: float = 0.0
) -> Floats:
    """E[w] of a group of `group_size` rollouts at each of these solve rates, shape (N,).

    Exact for binary rewards up to linear interpolation in the rate; for tests in parts, the mean
    over 4,000 simulated groups per rate of a grid.

    Example:
        >>> expected_weights("drgrpo", np.array([0.0, 0.5, 1.0]), 8).round(4).tolist()
        [0.0, 0.4375, 0.0]
    """
    table = _expectation(gain, group_size, sub_tests, correlation)
    return np.interp(rates_N, np.linspace(0.0, 1.0, table.size), table)


@lru_cache(maxsize=64)
def _expectation(gain: str, group_size: int, sub_tests: int, correlation: float) -> Floats:
    if sub_tests == 1:
        return _binary_expectation(GAIN_LAWS[gain], group_size)
    rng, grid = np.random.default_rng(_SEED), np.linspace(0.0, 1.0, _GRID)
    chance = grid[:, None, None]
    if correlation > 0:
        spread = (1 - correlation) / correlation
        inner = np.clip(grid, 1e-9, 1 - 1e-9)[:, None, None] * spread
        chance = rng.beta(inner, spread - inner, (_GRID, _GROUPS, group_size))
    rewards = rng.binomial(sub_tests, chance, (_GRID, _GROUPS, group_size)) / sub_tests
    weights = GAIN_LAWS[gain](
        rewards.mean(axis=2), rewards.var(axis=2), np.full((_GRID, _GROUPS), float(group_size))
    )
    table = score_slope(sub_tests, correlation) * weights.mean(axis=1)
    table[[0, -1]] = 0.0
    return table


def _binary_expectation(weight: Weight, group_size: int) -> Floats:
    grid = np.linspace(0.0, 1.0, 5 * _GRID - 4)
    table = np.zeros(grid.size)
    for successes in range(1, group_size):
        mean = np.array(successes / group_size)
        chance = math.comb(group_size, successes) * grid**successes
        chance *= (1 - grid) ** (group_size - successes)
        table += chance * weight(mean, mean * (1 - mean), np.array(float(group_size)))
    return table

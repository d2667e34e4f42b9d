"""How much a task is worth: its expected utility under a Beta belief about its solve rate.

Every function takes pseudo-counts alpha, beta > 0 of any shapes that broadcast and returns values
in [0, 1], accurate to 1e-9 of themselves for counts from 1e-3 to 1e7. `score` and `scores` are
compiled and compute the same.
"""

from typing import Any

import numpy as np
from numba import njit, prange
from numba.extending import register_jitable

from bots._types import Floats

CLOSENESS, INFORMATIVE, VARIANCE, DEVIATION = range(4)
CODES = {
    "closeness": CLOSENESS,
    "informative": INFORMATIVE,
    "variance": VARIANCE,
    "deviation": DEVIATION,
}
"""The utilities by name. The parameter of `score` is p* for closeness and n for informative."""

# From 16 on, the series of `_correction` is exact to 1e-12.
_SHIFTS = 16
_WORTH_THREADS = 1 << 16  # tasks, below which one thread is faster

_Count = Any  # one number: the functions of arrays are compiled for numbers


@register_jitable
def closeness_mean(alpha: Floats, beta: Floats, target: float) -> Floats:
    """How near the mean solve rate is to the target, 1 - |mean - p*| / max(p*, 1 - p*).

    It ranks tasks as the paper's -|p - p*| does (arXiv 2510.26374, without the Thompson draw); the
    scale makes 0 the worst there is and 1 the best.

    Args:
        alpha: pseudo-counts of success, > 0.
        beta: pseudo-counts of failure, > 0.
        target: p* in [0, 1].

    Example:
        >>> closeness_mean(np.array([1.0, 1.0, 9.0]), np.array([9.0, 1.0, 1.0]), 0.5).round(2)
        array([0.2, 1. , 0.2])
    """
    return 1.0 - abs(alpha / (alpha + beta) - target) / max(target, 1.0 - target)


@register_jitable
def variance(alpha: Floats, beta: Floats) -> Floats:
    """Expected variance of a rollout's reward, relative to the largest there is: 4 E[p (1 - p)].

    In closed form 4 alpha beta / (s (s + 1)) with s = alpha + beta. It is the expected weight of
    the task's policy gradient when advantages are centred but not scaled.

    Args:
        alpha: pseudo-counts of success, > 0.
        beta: pseudo-counts of failure, > 0.

    Example:
        >>> variance(np.array([1.0, 8.0]), np.array([1.0, 2.0])).round(3)
        array([0.667, 0.582])
    """
    total = alpha + beta
    return 4.0 * (alpha / total) * (beta / (total + 1.0))


@register_jitable
def deviation(alpha: Floats, beta: Floats) -> Floats:
    """Expected standard deviation of a reward, relative to the largest: 2 E[sqrt(p (1 - p))].

    In closed form 2 B(alpha + 1/2, beta + 1/2) / B(alpha, beta), which is
    2 g(alpha) g(beta) / (alpha + beta) with g(x) = Gamma(x + 1/2) / Gamma(x). It is the expected
    gradient weight under GRPO (arXiv 2402.03300), which divides the advantages of a group by their
    standard deviation: p (1 - p) becomes sqrt(p (1 - p)).

    Args:
        alpha: pseudo-counts of success, > 0.
        beta: pseudo-counts of failure, > 0.

    Example:
        >>> deviation(np.array([1.0, 8.0]), np.array([1.0, 2.0])).round(3)
        array([0.785, 0.74 ])
    """
    return np.minimum(2.0 * _half_step(alpha) * _half_step(beta) / (alpha + beta), 1.0)


@register_jitable
def informative(alpha: Floats, beta: Floats, group_size: float) -> Floats:
    """Chance that a group of n rollouts holds both successes and failures.

    That is 1 - E[p^n] - E[(1 - p)^n]: a group without contrast carries no gradient. It is 0 for
    n <= 1. Taken literally, the difference loses all digits for a task that is nearly certain, so
    it is summed from its increments, all of them positive::

        f(n + 1) - f(n) = E[p^n (1 - p)] + E[(1 - p)^n p]
        E[p^(n + 1)]    = E[p^n] (alpha + n) / (alpha + beta + n)

    The start is f(1) = 0, or f(1 + r) = E[p (1 - p^r)] + E[q (1 - q^r)], q = 1 - p, when n has a
    fractional part r.

    Args:
        alpha: pseudo-counts of success, > 0.
        beta: pseudo-counts of failure, > 0.
        group_size: n > 0, a mean of group sizes perhaps. Costs n steps.

    Example:
        >>> informative(np.array([1.0, 8.0]), np.array([1.0, 2.0]), 8).round(3)
        array([0.778, 0.735])
    """
    total = alpha + beta
    solved, failed = alpha / total, beta / total
    utility = 0.0 * total
    if group_size <= 1:
        return utility
    power = group_size - int(group_size) + 1.0
    if power > 1.0:
        lost, gained = _shortfall(alpha, beta, power - 1.0), _shortfall(beta, alpha, power - 1.0)
        utility = solved * lost + failed * gained
        solved, failed = solved * (1.0 - lost), failed * (1.0 - gained)
    for _ in range(int(group_size) - 1):
        share = 1.0 / (total + power)
        utility = utility + (solved * beta + failed * alpha) * share
        solved, failed = solved * ((alpha + power) * share), failed * ((beta + power) * share)
        power = power + 1.0
    return np.minimum(utility, 1.0)


@njit(cache=True)
def score(code: int, alpha: _Count, beta: _Count, parameter: float) -> _Count:
    """The utility that `code` names, of one task; `parameter` is p*, n or unused."""
    alpha, beta = np.float64(alpha), np.float64(beta)
    if code == CLOSENESS:
        return closeness_mean(alpha, beta, parameter)
    if code == INFORMATIVE:
        return informative(alpha, beta, parameter)
    if code == VARIANCE:
        return variance(alpha, beta)
    return deviation(alpha, beta)


def scores(code: int, alpha_X: Floats, beta_X: Floats, parameter: float = 0.0) -> Floats:
    """The utility that `code` names, shape (X,), on all of Numba's threads.

    Every entry is computed on its own, so the bits do not depend on the number of threads. Where
    Numba finds neither OpenMP nor TBB, two Python threads must not call this at the same time.

    Raises:
        ValueError: for an unknown code.

    Example:
        >>> scores(CODES["variance"], np.array([1.0, 8.0]), np.array([1.0, 2.0])).round(3)
        array([0.667, 0.582])
    """
    if code not in CODES.values():
        raise ValueError(f"code is {code!r}; it must be one of {CODES}")
    run = _scores if alpha_X.size < _WORTH_THREADS else _scores_in_parallel
    return run(code, alpha_X, beta_X, float(parameter))


@njit(cache=True)
def _scores(code: int, alpha_X: Floats, beta_X: Floats, parameter: float) -> Floats:
    utility_X = np.empty(alpha_X.size)
    for x in range(alpha_X.size):
        utility_X[x] = score(code, alpha_X[x], beta_X[x], parameter)
    return utility_X


@njit(cache=True, parallel=True)
def _scores_in_parallel(code: int, alpha_X: Floats, beta_X: Floats, parameter: float) -> Floats:
    utility_X = np.empty(alpha_X.size)
    for x in prange(alpha_X.size):
        utility_X[x] = score(code, alpha_X[x], beta_X[x], parameter)
    return utility_X


@register_jitable
def _half_step(x: Floats) -> Floats:
    """Gamma(x + 1/2) / Gamma(x), where a difference of log-gammas would lose the digits of x."""
    lower, upper = 1.0 * x, x + 0.5
    for j in range(1, _SHIFTS):
        lower, upper = lower * (x + j), upper * (x + j + 0.5)
    middle = x + (_SHIFTS - 0.25)
    return lower / upper * np.sqrt(middle) * np.exp(_correction(0.25, middle))


@register_jitable
def _shortfall(alpha: Floats, beta: Floats, r: float) -> Floats:
    """E[p (1 - p^r)] / E[p], which is 1 - E[p^r] under Beta(alpha + 1, beta), for 0 < r < 1."""
    middle = alpha + (_SHIFTS + 0.5 + 0.5 * r)
    curved = _correction(0.5 * r, middle + beta) - _correction(0.5 * r, middle)
    missing = -np.expm1(-(r * np.log1p(beta / middle) + curved))
    for j in range(1, _SHIFTS + 1):
        step = r * (beta / (alpha + beta + j)) / (alpha + (j + r))
        missing = missing + step * (1.0 - missing)
    return missing


@register_jitable
def _correction(half: float, middle: Floats) -> Floats:
    """log(Gamma(w + 1/2 + h) / Gamma(w + 1/2 - h)) - 2 h log w, for w >= 15.

    The terms are -2 B_m(1/2 + h) / (m (m - 1) w^(m - 1)) for m = 3, 5, 7, with Bernoulli's
    polynomials B_m. Source: NIST Handbook of Mathematical Functions, 5.11.8.
    """
    h2 = half * half
    third = half * (h2 - 1 / 4)
    fifth = half * (h2 * (h2 - 5 / 6) + 7 / 48)
    seventh = half * (h2 * (h2 * (h2 - 7 / 4) + 49 / 48) - 31 / 192)
    z = 1.0 / (middle * middle)
    return -z * (third / 3 + z * (fifth / 10 + z * seventh / 21))

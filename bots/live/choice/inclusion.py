"""With which probability a task was chosen, seen from its own draw."""

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaincc, betaln

from bots import checks
from bots._types import Bools, Floats

# The integrand of a smooth window is at most exp(8 u - 4 u^2) on [-1, 1], apart from singularities
# at 4 times that distance: 24 nodes leave an error below 1e-15.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_STEEPNESS, _CLEARANCE = 8.0, 4.0


def window_probability(
    alpha: npt.ArrayLike, beta: npt.ArrayLike, target: float, half: npt.ArrayLike
) -> Floats:
    """Chance that a draw falls near the target, P(|p - p*| < half) for p ~ Beta(alpha, beta).

    It is to be divided by, so even the tiniest value is accurate relative to itself: to 1e-8 for
    counts in [0.5, 1e5]. A window that is short for the density is integrated by a Gauss-Legendre
    rule. Across any other window the distribution function changes so much that the difference of
    its ends loses no digits, provided that it counts from the nearer end of [0, 1]. Values under
    1e-308 become 0.

    Args:
        alpha: pseudo-counts of success, > 0, of any shape that broadcasts with the others.
        beta: pseudo-counts of failure, > 0.
        target: p* in [0, 1].
        half: half the window's width; the window is clipped to [0, 1]. 0 or less is no window.

    Returns:
        Probabilities in [0, 1]; exactly 0 without a window, exactly 1 for all of [0, 1].

    Example:
        >>> window_probability([1.0, 1.0, 30.0], [1.0, 1.0, 9.0], 0.5, [0.1, 1.0, 0.1]).round(3)
        array([0.2  , 1.   , 0.011])
    """
    if target > 0.5:  # near 0 a window's ends keep their digits, near 1 they are rounded
        return window_probability(beta, alpha, 1.0 - target, half)
    alpha, beta, half = np.broadcast_arrays(
        *(np.asarray(values, dtype=np.float64) for values in (alpha, beta, half))
    )
    half = np.clip(half, 0.0, 1.0)
    low, high = np.maximum(target - half, 0.0), np.minimum(target + half, 1.0)
    below, above = betainc(alpha, beta, high), betaincc(alpha, beta, low)
    chance = np.where(
        below < above,
        below - betainc(alpha, beta, low),
        above - betaincc(alpha, beta, high),
    )
    smooth = _is_smooth(alpha, beta, target, half)
    if smooth.any():
        chance[smooth] = _quadrature(alpha[smooth], beta[smooth], target, half[smooth])
    chance[half == 0] = 0.0
    return np.clip(chance, 0.0, 1.0)


def _is_smooth(alpha: Floats, beta: Floats, target: float, half: Floats) -> Bools:
    """Where the log density is nearly a parabola across the window, and not a steep one."""
    if target == 0:
        return np.zeros(half.shape, dtype=np.bool_)
    left, right = np.minimum(half, target) / target, half / (1 - target)
    slope = (alpha - 1) * left - (beta - 1) * right
    bend = np.abs(alpha - 1) * left**2 + np.abs(beta - 1) * right**2
    return (_CLEARANCE * left <= 1) & (np.abs(slope) <= _STEEPNESS) & (bend <= _STEEPNESS)


def _quadrature(alpha: Floats, beta: Floats, target: float, half: Floats) -> Floats:
    steps = half[:, None] * _NODES
    at_target = (alpha - 1) * np.log(target) + (beta - 1) * np.log1p(-target) - betaln(alpha, beta)
    log_ratio = (alpha[:, None] - 1) * np.log1p(steps / target)
    log_ratio += (beta[:, None] - 1) * np.log1p(-steps / (1 - target))
    return half * (np.exp(at_target[:, None] + log_ratio) @ _WEIGHTS)


def inclusion_probabilities(
    chance_B: npt.ArrayLike,
    by_rank_B: npt.ArrayLike,
    num_uniform: int,
    num_available: int,
    num_by_rank: int,
) -> Floats:
    """Exact probability with which each chosen task was chosen, given the other tasks' draws.

    Of A available tasks the B1 of smallest rank are taken, and U more uniformly from the rest::

        pi_k = F_k(tau_k) + (1 - F_k(tau_k)) U / (A - B1)

    where F_k is the distribution function of the task's rank and tau_k the B1-th smallest rank
    among the *other* tasks: the (B1 + 1)-th of all for a task taken by rank, the B1-th of all for
    one taken uniformly. Dividing by these conditional probabilities gives unbiased estimates just
    as the marginal ones would, which nobody can compute.

    Source: rank conditioning, Cohen & Kaplan, "Summarizing data using bottom-k sketches" (PODC
    2007); Duffield, Lund & Thorup, "Priority sampling for estimation of arbitrary subset sums" (J.
    ACM 2007). Difference: the uniform part is ours.

    Args:
        chance_B: F_k(tau_k), shape (B,), in [0, 1], each at the task's own tau.
        by_rank_B: which tasks were taken by rank, shape (B,).
        num_uniform: U, >= 0.
        num_available: A.
        num_by_rank: B1, >= 0.

    Returns:
        pi, shape (B,), in [0, 1].

    Raises:
        ValueError: when the numbers contradict one another.

    Example:
        >>> inclusion_probabilities([0.5, 0.02], [True, False], 1, 11, 1)
        array([0.55 , 0.118])
    """
    chance_B = checks.shares("chance", chance_B)
    by_rank_B = np.asarray(by_rank_B)
    taken = num_by_rank + num_uniform
    if by_rank_B.dtype != np.bool_ or by_rank_B.shape != chance_B.shape:
        raise ValueError(
            f"by_rank has dtype {by_rank_B.dtype} and shape {by_rank_B.shape}; it must hold a bool "
            f"for each of the {chance_B.size} chances"
        )
    if by_rank_B.sum() != num_by_rank or chance_B.size != taken or num_available < taken:
        raise ValueError(
            f"{by_rank_B.sum()} of {chance_B.size} tasks were taken by rank, but num_by_rank is "
            f"{num_by_rank}, num_uniform {num_uniform} and num_available {num_available}; pass "
            "all tasks of one selection, and the numbers it was made with"
        )
    share = num_uniform / (num_available - num_by_rank) if num_uniform else 0.0
    return chance_B + (1 - chance_B) * share

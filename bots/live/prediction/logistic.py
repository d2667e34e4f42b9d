"""Logistic regression on overdispersed counts, with a normal belief that goes from batch to batch.

`_P` are parameters.
"""

from dataclasses import dataclass

import numpy as np

from bots._types import Floats

_NEWTON_STEPS = 4
_LONGEST_MOVE = 2.0  # logits that a prediction may move in a Newton step
_FARTHEST = 30.0  # logits beyond which a rate is 0 or 1 in any case


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """What was measured on U tasks.

    Attributes:
        x_UP: shape (U, P), the tasks' features; a task's logit is eta = x . parameters.
        rates_U: shape (U,), measured solve rates, in [0, 1].
        trials_U: shape (U,), n > 0.
    """

    x_UP: Floats
    rates_U: Floats
    trials_U: Floats


def sigmoid(logits: Floats) -> Floats:
    """1 / (1 + exp(-x)), strictly between 0 and 1 for every finite x."""
    return 1 / (1 + np.exp(-np.clip(logits, -_FARTHEST, _FARTHEST)))


def shrinkage(variance: float | Floats) -> Floats:
    """The factor a for which E[sigmoid(h + e)] is about sigmoid(a h) when e ~ N(0, v).

    It is 1 / sqrt(1 + pi v / 8).

    Source: MacKay, Neural Computation 4 (1992), 720.
    """
    return 1 / np.sqrt(1 + np.pi / 8 * np.asarray(variance))


def fitted(
    mean_P: Floats, covariance_PP: Floats, counts: Counts, variance: float
) -> tuple[Floats, Floats]:
    """The normal approximation at the mode, given N(mean, covariance) before and the counts.

    With m = sigmoid(a eta), the mean over a residual of variance tau^2, a task of n trials has
    information about eta of::

        a^2 n m (1 - m) / (1 + tau^2 a^2 (n - 1) m (1 - m))

    Newton steps (Fisher scoring) are cut so that no task's logit moves by more than 2 in one of
    them, without which a belief that was far off would be thrown beyond the data. The mode may then
    take several batches to reach. Cost: O(U P^2 + P^3).

    Args:
        mean_P: shape (P,).
        covariance_PP: shape (P, P), positive definite; it is never inverted.
        counts: of at least one task.
        variance: tau^2 of the tasks' residuals, at least 0.

    Returns:
        The mean and the covariance after.

    Example:
        >>> counts = Counts(np.ones((1, 1)), np.array([0.75]), np.array([4000.0]))
        >>> mean_P, covariance_PP = fitted(np.zeros(1), np.eye(1), counts, 0.0)
        >>> mean_P.round(2).tolist()  # log 3
        [1.1]
    """
    shift_P, identity_PP = np.zeros(mean_P.size), np.eye(mean_P.size)
    gain_PP = identity_PP
    for _ in range(_NEWTON_STEPS):
        score_U, information_U = _score(mean_P + shift_P, counts, variance)
        information_PP = counts.x_UP.T @ (information_U[:, None] * counts.x_UP)
        # (Sigma^-1 + A)^-1 = (1 + Sigma A)^-1 Sigma
        gain_PP = np.linalg.solve(identity_PP + covariance_PP @ information_PP, covariance_PP)
        step_P = gain_PP @ (counts.x_UP.T @ score_U + information_PP @ shift_P) - shift_P
        longest = np.abs(counts.x_UP @ step_P).max()
        shift_P += step_P * (1 if longest <= _LONGEST_MOVE else _LONGEST_MOVE / longest)
    return mean_P + shift_P, (gain_PP + gain_PP.T) / 2


def _score(parameters_P: Floats, counts: Counts, variance: float) -> tuple[Floats, Floats]:
    """Derivative of the quasi-likelihood with respect to every eta, and its information."""
    a, trials_U = shrinkage(variance), counts.trials_U
    mean_U = sigmoid(a * (counts.x_UP @ parameters_P))
    slope_U = a**2 * mean_U * (1 - mean_U)
    damping_U = 1 + variance * slope_U * np.maximum(trials_U - 1, 0)
    return a * trials_U * (counts.rates_U - mean_U) / damping_U, trials_U * slope_U / damping_U


def excess(mean_P: Floats, covariance_PP: Floats, counts: Counts, variance: float) -> Floats:
    """Two sums over tasks whose ratio estimates tau^2, given a fit to the counts.

    They are the squared residuals less the binomial's variance, and what tau^2 = 1 would add to
    them, (a m (1 - m))^2 (1 - 1 / n). A fit takes up slope^2 x' Sigma x of its residuals' variance,
    which is given back. The first sum may be negative; single trials enter neither.
    """
    a, trials_U = shrinkage(variance), counts.trials_U
    mean_U = sigmoid(a * (counts.x_UP @ mean_P))
    binomial_U = mean_U * (1 - mean_U)
    slope_U = (a * binomial_U) ** 2
    taken_U = slope_U * ((counts.x_UP @ covariance_PP) * counts.x_UP).sum(axis=1)
    excess_U = (counts.rates_U - mean_U) ** 2 - binomial_U / trials_U + taken_U
    heard_U = np.maximum(1 - 1 / trials_U, 0)
    return np.array([(excess_U * heard_U).sum(), (slope_U * heard_U**2).sum()])

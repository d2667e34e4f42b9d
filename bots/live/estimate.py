"""The mean solve rate of a whole pool, from batches that were chosen by what was believed."""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from bots import checks

_ENTRIES = ("steps", "variances", "weight", "weighted", "spread")
_LEAST_VARIANCE = 1e-12  # of a batch that held every task, or no surprise at all


@dataclass(frozen=True, slots=True)
class Estimate:
    """An unbiased estimate of a mean rate; it may lie outside [0, 1].

    Attributes:
        mean: the estimate.
        standard_error: the square root of its estimated variance, >= 0.

    Example:
        >>> low, high = Estimate(0.5, 0.1).interval()
        >>> round(low, 3), round(high, 3)
        (0.304, 0.696)
    """

    mean: float
    standard_error: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The normal confidence interval of a level in (0, 1)."""
        checks.number("level", level, np.nextafter(0.0, 1.0), np.nextafter(1.0, 0.0))
        reach = NormalDist().inv_cdf((1 + level) / 2) * self.standard_error
        return self.mean - reach, self.mean + reach


def pool_mean(
    rates_B: npt.ArrayLike,
    predicted_B: npt.ArrayLike,
    inclusion_B: npt.ArrayLike,
    predicted_mean: float,
    num_tasks: int,
) -> Estimate:
    """What the mean rate of all A available tasks is, whatever rule chose the batch.

    The belief predicts the whole pool; each measured residual corrects it, weighted by how many
    tasks it stands for::

        mean = (1/A) sum_k p^_k + (1/A) sum_(k in B) (y_k - p^_k) / pi_k
        var  = (1/A^2) sum_(k in B) (1 - pi_k) (y_k - p^_k)^2 / pi_k^2

    It is unbiased however wrong the belief is, provided that no task has pi_k = 0 for ever; a good
    belief only makes it precise. Without a coverage floor a task believed to be far from the target
    has a tiny pi_k: the estimate stays unbiased, but batches without such a task understate its
    error. A share c of uniform choices keeps every pi_k above about c B / A.

    Estimates of different tasks by rank conditioning are uncorrelated, so the variance has no cross
    terms. The uniform choices have slightly negative ones, which are left out: the error is
    overstated when most residuals have one sign. That rollouts are random counts too, up to a share
    pi_k of their variance: the interval is for the mean that rolling out all A tasks would show.

    Source: difference estimator, Särndal, Swensson & Wretman, "Model Assisted Survey Sampling"
    (1992), ch. 6; no covariance: Cohen & Kaplan (PODC 2007), Duffield, Lund & Thorup (J. ACM 2007).

    Args:
        rates_B: y, measured rates in [0, 1], shape (B,). Leave out a group that was lost whole: it
            is then taken to have gone as predicted, which biases the estimate if groups are lost
            because of how hard their tasks are.
        predicted_B: p^, the same tasks' rates as believed before the batch was drawn, in [0, 1].
        inclusion_B: pi, from `inclusion_probabilities`, in (0, 1].
        predicted_mean: mean of p^ over all A available tasks, of the same belief.
        num_tasks: A; tasks that could not be chosen may be among them, and count as predicted.

    Raises:
        ValueError: for lengths that differ, no group at all, a rate outside [0, 1] or a pi of 0.

    Example:
        >>> estimate = pool_mean([0.5, 1.0], [0.5, 0.75], [0.5, 0.25], 0.6, 10)
        >>> round(estimate.mean, 3), round(estimate.standard_error, 3)
        (0.7, 0.087)
    """
    rates_B, predicted_B = checks.shares("rates", rates_B), checks.shares("predicted", predicted_B)
    inclusion_B = checks.shares("inclusion", inclusion_B)
    if not rates_B.size == predicted_B.size == inclusion_B.size or rates_B.size == 0:
        raise ValueError(
            f"{rates_B.size} rates, {predicted_B.size} predictions, {inclusion_B.size} inclusion "
            "probabilities; give one of each per group, and skip the call when there is none"
        )
    if inclusion_B.min() == 0:
        raise ValueError(
            f"inclusion[{inclusion_B.argmin()}] is 0; a chosen task had a chance to be: raise the "
            "coverage floor"
        )
    num_tasks = checks.integer("num_tasks", num_tasks, rates_B.size)
    predicted_mean = checks.number("predicted_mean", predicted_mean, 0, 1)
    correction_B = (rates_B - predicted_B) / inclusion_B / num_tasks
    variance = ((1 - inclusion_B) * correction_B**2).sum()
    return Estimate(predicted_mean + float(correction_B.sum()), float(np.sqrt(variance)))


class Smoothed:
    """A reward curve that can be read: estimates of successive steps, averaged with forgetting.

    Each estimate weighs the inverse of the variance to be expected of it, and gamma times less with
    every later one. That expected variance is the weighted mean of the *earlier* estimates'
    variances. An estimate's own would bias the curve badly: a batch that happens to hold no
    surprise has both a wrong mean and a small error, and would weigh most.

    The standard error is that of the weighted mean, not of the latest step: the curve lags behind
    by about gamma / (1 - gamma) steps.

    Args:
        momentum: gamma in [0, 1); 0 keeps the latest estimate alone.

    Example:
        >>> curve = Smoothed(0.5)
        >>> for mean in (0.2, 0.5, 0.5):
        ...     print(round(curve.observe(Estimate(mean, 0.1)).mean, 3))
        0.2
        0.4
        0.457
    """

    def __init__(self, momentum: float = 0.9) -> None:
        self._momentum = checks.number("momentum", momentum, 0.0, np.nextafter(1.0, 0.0))
        self._state: dict[str, float] = dict.fromkeys(_ENTRIES, 0.0)

    def observe(self, estimate: Estimate) -> Estimate:
        """Takes in one step's estimate; the curve's value after it."""
        mean = checks.number("mean", estimate.mean, -np.inf)
        variance = checks.number("standard_error", estimate.standard_error, 0) ** 2
        sums = self._state
        expected = sums["variances"] / sums["steps"] if sums["steps"] else variance
        weight = 1 / max(expected, _LEAST_VARIANCE)
        for name, term, decay in (
            ("steps", 1.0, self._momentum),
            ("variances", variance, self._momentum),
            ("weight", weight, self._momentum),
            ("weighted", weight * mean, self._momentum),
            ("spread", weight**2 * variance, self._momentum**2),
        ):
            sums[name] = decay * sums[name] + term
        return self._value()

    def _value(self) -> Estimate:
        weight = self._state["weight"]
        return Estimate(self._state["weighted"] / weight, self._state["spread"] ** 0.5 / weight)

    def metrics(self) -> dict[str, float]:
        """`pool/mean` and `pool/standard_error`, NaN before the first estimate."""
        value = self._value() if self._state["steps"] else Estimate(np.nan, np.nan)
        return {"pool/mean": value.mean, "pool/standard_error": value.standard_error}

    def state_dict(self) -> dict[str, Any]:
        """The weighted sums."""
        return dict(self._state)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts them back.

        Raises:
            ValueError: for other entries, or values that no estimates lead to.
        """
        if not isinstance(state, dict) or set(state) != set(_ENTRIES):
            raise ValueError(
                f"the smoothed estimate's state is {state!r}; it needs exactly the entries "
                f"{_ENTRIES}: go back to an earlier checkpoint"
            )
        sums = {
            name: checks.number(name, state[name], -np.inf if name == "weighted" else 0)
            for name in _ENTRIES
        }
        if (sums["steps"] == 0) != (sums["weight"] == 0) or (
            sums["steps"] == 0 and any(sums.values())
        ):
            raise ValueError(
                f"the smoothed estimate's state {state!r} has weight without steps or steps "
                "without weight: it is damaged; go back to an earlier checkpoint"
            )
        self._state = sums

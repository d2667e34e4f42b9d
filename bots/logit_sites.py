"""Counts as normal measurements of logits."""

from dataclasses import dataclass

import numpy as np
from scipy.special import log_expit

from bots._types import Floats

_GRID = np.linspace(-6.0, 6.0, 61)  # standard deviations
_LEAST_VARIANCE, _MOST_SHARE = 1e-6, 0.999  # of a posterior; the latter of the prior's variance


@dataclass(frozen=True, slots=True, eq=False)
class Sites:
    """Normal measurements of U logits.

    Attributes:
        value_U: shape (U,), what was measured.
        variance_U: shape (U,), > 0, of the measurement.
    """

    value_U: Floats
    variance_U: Floats


def sites(successes_U: Floats, failures_U: Floats, mean_U: Floats, variance_U: Floats) -> Sites:
    """What counts say of each logit, given what was believed: the posterior over the prior.

    The posterior of a logit under N(mean, variance) and binomial counts has moments m and v, found
    on 61 points out to six standard deviations. The normal measurement that leads there is::

        R = 1 / (1 / v - 1 / variance),   y = R (m / v - mean / variance)

    The points lie a fifth of the prior's standard deviation apart: close enough up to some 30
    trials. Beyond, as for many tests in parts, the posterior is narrower than that and R is rough.

    Args:
        successes_U: shape (U,), >= 0.
        failures_U: shape (U,), >= 0; fractions are taken as well.
        mean_U: shape (U,), of the prior.
        variance_U: shape (U,), > 0, of the prior.
    """
    logit_UQ = mean_U[:, None] + np.sqrt(variance_U)[:, None] * _GRID
    log_UQ = successes_U[:, None] * log_expit(logit_UQ)
    log_UQ += failures_U[:, None] * log_expit(-logit_UQ) - _GRID**2 / 2
    weight_UQ = np.exp(log_UQ - log_UQ.max(axis=1, keepdims=True))
    weight_UQ /= weight_UQ.sum(axis=1, keepdims=True)
    after_U = (weight_UQ * logit_UQ).sum(axis=1)
    spread_U = (weight_UQ * (logit_UQ - after_U[:, None]) ** 2).sum(axis=1)
    spread_U = np.clip(spread_U, _LEAST_VARIANCE, _MOST_SHARE * variance_U)
    noise_U = 1 / (1 / spread_U - 1 / variance_U)
    return Sites(noise_U * (after_U / spread_U - mean_U / variance_U), noise_U)

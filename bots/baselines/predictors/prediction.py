"""What the predictors share: features of one scale, and the logistic function."""

import numpy as np

from bots._types import Floats, Floats32
from bots.pool import Pool


def standardised(pool: Pool, name: str) -> Floats32:
    """The pool's features with mean 0 and standard deviation 1, divided by sqrt(D); shape (N, D).

    The squared length of a row is 1 on average, whatever D, so that learning rates, prior widths
    and length scales mean the same for every embedding. A feature that is constant becomes 0.

    Raises:
        ValueError: when the pool has no features; `name` is who asks for them.

    Example:
        >>> pool = Pool(["a", "b"], features_ND=np.array([[3.0, 7.0], [5.0, 7.0]]))
        >>> (standardised(pool, "x") ** 2).sum(axis=1).round(3).tolist()
        [0.5, 0.5]
    """
    if pool.features_ND is None:
        raise ValueError(
            f"{name} predicts solve rates from features of the tasks and the pool has none: "
            "embed the tasks and pass Pool(features_ND=...)"
        )
    mean_D = pool.features_ND.mean(axis=0, dtype=np.float64)
    features_ND = pool.features_ND - mean_D.astype(np.float32)
    sd_D = np.sqrt(np.square(features_ND).mean(axis=0, dtype=np.float64))
    constant_D = sd_D <= 1e-6 * np.abs(mean_D)  # the rounding of float32, not a feature
    sd_D[constant_D] = 1
    features_ND[:, constant_D] = 0
    features_ND /= (sd_D * np.sqrt(sd_D.size)).astype(np.float32)
    return features_ND


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), for any finite x."""
    return np.tanh(x * 0.5) * 0.5 + 0.5

"""Batches drawn in proportion to weights."""

import numpy as np

from bots._types import Floats, Ints
from bots.acquisition import softmax_b
from bots.baselines.base import barred

_LEAST = np.finfo(np.float64).tiny  # its logarithm lies below that of any weight in use by hundreds


def weighted_b(
    weights_N: Floats, batch_size: int, excluded: Ints, rng: np.random.Generator
) -> Ints:
    """Distinct tasks drawn one after another, each in proportion to the weights of those left.

    A task of weight 0 is drawn only when no other is left, all such tasks being equally likely; an
    excluded task never is.

    Args:
        weights_N: shape (N,), 0 or well above 1e-300.
        batch_size: B, at most the number of tasks that are not excluded.
        excluded: positions.
        rng: draws.

    Example:
        >>> weights, rng = np.array([0.0, 2.0, 0.0, 1.0]), np.random.default_rng(0)
        >>> sorted(weighted_b(weights, 2, np.empty(0, np.int64), rng).tolist())
        [1, 3]
    """
    utility_N = barred(np.log(np.maximum(weights_N, _LEAST)), excluded)
    return softmax_b(utility_N, batch_size, 1.0, rng)

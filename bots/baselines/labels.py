"""Labels measured beforehand: the weak reference's solve rates."""

import numpy as np

from bots._types import Floats
from bots.pool import Pool


def weak_rates(strategy: str, pool: Pool) -> Floats:
    """The weak reference's solve rates, shape (N,), NaN where a task was not measured.

    Args:
        strategy: who asks, for the message.
        pool: the tasks.

    Raises:
        ValueError: when the pool has none, or none was measured.

    Example:
        >>> weak_rates("adarft", Pool.numbered(3, {"weak": [0.5, 0.0, 1.0]})).tolist()
        [0.5, 0.0, 1.0]
    """
    if "weak" not in pool.references:
        raise ValueError(
            f"{strategy} needs a difficulty label for each task and the pool has none: add the "
            "solve rates of one model as Pool(references={'weak': ...})"
        )
    rates_N = pool.references["weak"]
    if np.isnan(rates_N).all():
        raise ValueError(
            f"{strategy} needs difficulty labels and all {rates_N.size} rates of the reference "
            "'weak' are NaN: measure at least one task"
        )
    return rates_N

"""How much a group of rollouts teaches: the mean absolute advantage."""

import numpy as np

from bots._types import Floats


def mean_absolute_advantage(successes_U: Floats, trials_U: Floats) -> Floats:
    """The mean of |A| over the rollouts of each group, shape (U,), in [0, 1).

    GRPO's advantage of a rollout is A = (reward - mean) / sd within its group. With rewards of 0
    and 1, n trials, a solve rate p and the sample standard deviation, which divides by n - 1::

        mean |A| = 2 p (1 - p) / sqrt(n / (n - 1) p (1 - p)) = 2 sqrt(p (1 - p) (n - 1) / n)

    That is the convention of verl and TRL; the other, dividing by n, has no factor (n - 1) / n. It
    is 0 for groups without successes, without failures, and of a single rollout.

    Args:
        successes_U: shape (U,), in [0, trials].
        trials_U: shape (U,), > 0.

    Example:
        >>> mean_absolute_advantage(np.array([0.0, 2.0, 1.0]), np.array([4.0, 4.0, 1.0])).round(3)
        array([0.   , 0.866, 0.   ])
    """
    rates_U = successes_U / trials_U
    shrinkage_U = np.maximum(1 - 1 / trials_U, 0.0)
    return 2 * np.sqrt(rates_U * (1 - rates_U) * shrinkage_U)

"""Counts of successes and trials per measured task: what beliefs are updated with."""

from dataclasses import dataclass

import numpy as np

from bots._types import Floats, Ints

MOST_INFORMATION = 16.0
"""The most trials that one fractional reward is taken to be worth.

A guess: where rewards hardly vary, a batch is too short to tell how much more they are worth.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """The counts of one feedback, merged to one entry per measured task.

    Attributes:
        task_ids_U: shape (U,), distinct, ascending.
        successes_U: shape (U,), in [0, trials].
        trials_U: shape (U,), > 0.
        group_size: mean trials of the groups that these counts came from; 0 when U = 0.
        squares_U: shape (U,), sums of squared rewards; the successes when rewards are 0 and 1.
        tokens_U: shape (U,), tokens that the rollouts took in total; None: not known.
    """

    task_ids_U: Ints
    successes_U: Floats
    trials_U: Floats
    group_size: float
    squares_U: Floats
    tokens_U: Floats | None = None

    @property
    def solve_rates_U(self) -> Floats:
        """Measured solve rates, shape (U,), in [0, 1]."""
        return self.successes_U / self.trials_U

    @property
    def variance_sums(self) -> tuple[float, float]:
        """Numerator and denominator of `information`, for smoothing both over feedbacks.

        Sums over the tasks with n >= 2 trials, s and q being successes and squares::

            sum_u a - (a - d) / n   and   sum_u d,   with a = s (1 - s/n),  d = q - s^2/n

        d is n - 1 times an unbiased estimate of the rewards' variance V. a is n m (1 - m) at the
        measured mean m, which falls short of the true n p (1 - p) by V on average; corrected by
        (a - d) / n it is n - 1 times an unbiased estimate of p (1 - p). Both sums are equal, bit
        for bit, for rewards of 0 and 1.
        """
        repeated_U = self.trials_U >= 2
        successes_U, trials_U = self.successes_U[repeated_U], self.trials_U[repeated_U]
        of_mean_U = successes_U * (successes_U / trials_U)
        bernoulli_U = successes_U - of_mean_U
        observed_U = np.maximum(self.squares_U[repeated_U] - of_mean_U, 0)
        bernoulli_U -= (bernoulli_U - observed_U) / trials_U
        return float(bernoulli_U.sum()), float(observed_U.sum())

    @property
    def information(self) -> float:
        """How many trials of 0 or 1 one of these rewards is worth, in [1, 16].

        A Beta posterior takes n rewards of sum s for n Bernoulli trials, whose mean has variance
        p (1 - p) / n. Fractional rewards of variance V <= p (1 - p) have a mean of variance V / n,
        as that of kappa n trials has with::

            kappa = p (1 - p) / V

        so counts of kappa s successes and kappa (n - s) failures give the posterior the width that
        the rewards warrant. kappa is estimated over the whole feedback, since one group says little
        about V: the ratio of `variance_sums`. The mean of J independent tests has kappa = J.

        Example:
            >>> from bots import Feedback
            >>> Feedback([3, 8], [1, 2], [4, 4]).evidence().information
            1.0
            >>> Feedback([3], [2.0], [4], squares_B=[1.25]).evidence().information
            3.25
        """
        return information(*self.variance_sums)


def information(bernoulli: float, observed: float) -> float:
    """Trials that one reward is worth: the ratio of two `Evidence.variance_sums`, in [1, 16].

    Args:
        bernoulli: variance that rewards of 0 and 1 of the same means would have, >= 0.
        observed: variance that the rewards have, >= 0, in the same unit.

    Returns:
        1 when there is no variance to compare.

    Example:
        >>> information(6.0, 2.0), information(0.0, 0.0), information(1.0, 0.0)
        (3.0, 1.0, 16.0)
    """
    if bernoulli <= observed:
        return 1.0
    if bernoulli >= MOST_INFORMATION * observed:
        return MOST_INFORMATION
    return bernoulli / observed

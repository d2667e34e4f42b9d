"""How fast residuals go stale, learned from how wrong they are when they are seen again."""

from dataclasses import dataclass

import numpy as np

from bots._types import Floats

FIRST_FADING, MOST_FADING = 0.01, 0.5  # per update
_FIRST_WEIGHT = 25_600.0  # that of 16 tasks with tau = 2 seen again after 20 updates
_MEMORY = 0.97  # per update
_SURPRISE = 9.0  # variances beyond which a squared surprise tells no more


@dataclass(frozen=True, slots=True)
class Fading:
    """phi, the share of a residual that is lost per update.

    A residual of mean b and variance V that is not measured for D updates becomes::

        b e^(-phi D)   and   V e^(-2 phi D) + tau^2 (1 - e^(-2 phi D))

    which is what an Ornstein-Uhlenbeck process of variance tau^2 does.

    Attributes:
        rate: phi.
        weight: what it rests on, the sum of the squared slopes of `learned` over their variances.
    """

    rate: float = FIRST_FADING
    weight: float = _FIRST_WEIGHT

    def faded(
        self, residual: Floats, variance: Floats, spread: float, age: Floats
    ) -> tuple[Floats, Floats]:
        """Mean and variance after `age` updates without a measurement; `spread` is tau^2.

        Example:
            >>> mean, variance = Fading(0.1).faded(np.ones(1), np.ones(1), 4.0, np.array([5.0]))
            >>> mean.round(3).tolist(), variance.round(3).tolist()
            ([0.607], [2.896])
        """
        kept = np.exp(-self.rate * age)
        return residual * kept, variance * kept**2 + spread * (1 - kept**2)

    def learned(
        self,
        surprise_U: Floats,
        before_U: Floats,
        faded_U: Floats,
        noise_U: Floats,
        age_U: Floats,
        spread: float,
    ) -> "Fading":
        """The rate after tasks were seen again.

        Without fading, a squared surprise has the expectation V + noise. To first order fading adds
        h phi to it, with the slope h = 2 D (tau^2 - V), so phi is the regression of the excess on
        h, each weighed by the inverse square of its whole variance, over the last 30 updates or so.
        Where phi D is not small it comes out too low: .015 for .03 with visits 10 updates apart;
        likewise for tasks near 0 or 1, where the cap cuts rare surprises. It takes every change of
        a residual for fading, be it forgetting or progress that the shared ability does not have.

        Args:
            surprise_U: measured minus expected logit.
            before_U: V, the residual's variance after the last measurement.
            faded_U: its variance now.
            noise_U: all other variance of the surprise.
            age_U: D, updates since the last measurement.
            spread: tau^2.
        """
        whole_U = faded_U + noise_U
        excess_U = np.minimum(surprise_U**2, _SURPRISE * whole_U) - before_U - noise_U
        slope_U = 2 * age_U * np.maximum(spread - before_U, 0.0)
        old = _MEMORY * self.weight
        total = old * self.rate + float((slope_U * excess_U / whole_U**2).sum())
        weight = old + float((slope_U**2 / whole_U**2).sum())
        return Fading(float(np.clip(total / weight, 0.0, MOST_FADING)), max(weight, 1.0))

"""How much a prediction is worth, learned from how far it was off."""

from typing import Any

import numpy as np

from bots import checks
from bots._types import Floats

_ROUNDING = 1e-9  # relative error of the sums


class LearnedWeight:
    """Adapts rho, the weight of implicit evidence, to the errors of the predictions, both ways.

    Suppose the true rates of tasks with prediction p~ are Beta(nu p~, nu (1 - p~)): a prediction is
    then worth nu rollouts. The measured rate y of a group of n has::

        E (y - p~)^2 = p~ (1 - p~) [1 / n + (1 - 1 / n) / (nu + 1)]

    so that, with moving averages of three sums over the measured tasks, ::

        S1 = sum (y - p~)^2,   S2 = sum p~ (1 - p~),   S3 = sum p~ (1 - p~) / n
        1 / (nu + 1) = clip((S1 - S3) / (S2 - S3), 0, 1)

    In the steady state implicit evidence of weight rho is worth rho n / lambda rollouts
    (`BetaPosterior.update`), hence rho = nu lambda / n, kept between `lowest` and 1.

    Differences. The paper holds rho fixed, and the published code's adaptive rho only ever falls.
    Here a predictor that has become good is trusted again.

    Selectors measure the tasks that they chose; what is learned is the reliability on those.

    Args:
        initial: rho as long as nothing was learned, in [0, 1].
        momentum: of the moving averages, one step per call of `observe`, in [0, 1).
        lowest: smallest rho, in [0, 1]; above 0 a bad predictor still says a little.

    Example:
        >>> learned = LearnedWeight(initial=0.1)
        >>> learned.observe(np.array([0.5, 0.5]), np.array([2.0, 7.0]), np.array([8.0, 8.0]))
        >>> round(learned.weight(forgetting=0.1, group_size=8), 3)
        0.026
    """

    def __init__(self, initial: float, momentum: float = 0.95, lowest: float = 0.001) -> None:
        self._initial = checks.number("initial", initial, 0.0, 1.0)
        self._momentum = checks.number("momentum", momentum, 0.0, np.nextafter(1.0, 0.0))
        self._lowest = checks.number("lowest", lowest, 0.0, 1.0)
        self._sums = np.zeros(3)

    def observe(self, predicted_U: Floats, successes_U: Floats, trials_U: Floats) -> None:
        """Compares predictions made before a measurement with the measurement.

        Args:
            predicted_U: shape (U,), p~ in [0, 1], or NaN where nothing was predicted.
            successes_U: shape (U,), in [0, trials].
            trials_U: shape (U,), n > 0.
        """
        known_U = ~np.isnan(predicted_U)
        if not known_U.any():
            return
        predicted_U, trials_U = predicted_U[known_U], trials_U[known_U]
        errors_U = successes_U[known_U] / trials_U - predicted_U
        spread_U = predicted_U * (1 - predicted_U)
        sums = (errors_U @ errors_U, spread_U.sum(), (spread_U / trials_U).sum())
        self._sums = self._momentum * self._sums + (1 - self._momentum) * np.array(sums)

    def effective_sample_size(self) -> float:
        """The learned nu, at least 0; infinity for a prediction without error, NaN when unknown.

        It is unknown before the first measurement, and while groups have one rollout each, whose
        spread is the same whatever nu is.
        """
        errors, spread, binomial = self._sums
        beyond, possible = errors - binomial, spread - binomial
        if spread <= 0:  # every prediction was 0 or 1
            return 0.0 if errors > 0 else np.nan
        if possible <= _ROUNDING * spread:
            return np.nan
        return np.inf if beyond <= 0 else max(possible / beyond - 1, 0.0)

    def weight(self, forgetting: float, group_size: float) -> float:
        """The learned weight, rho = clip(nu lambda / n, lowest, 1).

        Without forgetting implicit evidence piles up without end, so no rho makes it worth nu:
        `initial` is returned, as it is while nu is unknown and when nothing was measured (n = 0).

        Args:
            forgetting: lambda in [0, 1].
            group_size: n, the mean group size of the update, at least 0.
        """
        forgetting = checks.number("forgetting", forgetting, 0.0, 1.0)
        group_size = checks.number("group_size", group_size, 0.0)
        worth = self.effective_sample_size()
        if forgetting == 0 or group_size == 0 or np.isnan(worth):
            return self._initial
        return float(np.clip(worth * forgetting / group_size, self._lowest, 1.0))

    def metrics(self) -> dict[str, float]:
        """`implicit/worth`: nu, in rollouts, NaN when unknown."""
        return {"implicit/worth": self.effective_sample_size()}

    def state_dict(self) -> dict[str, Any]:
        """The three averages."""
        return {"sums": self._sums.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts them back."""
        if not isinstance(state, dict) or set(state) != {"sums"}:
            raise ValueError(f"the weight's state is {state!r}; it needs exactly an entry `sums`")
        sums = checks.vector("sums", state["sums"])
        if sums.size != 3 or sums.min() < 0:
            raise ValueError(f"sums is {sums}; it must hold three numbers of at least 0")
        self._sums = sums

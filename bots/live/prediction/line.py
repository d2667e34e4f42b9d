"""Prediction on the line from a weak to a strong reference model, class by class."""

from typing import Any

import numpy as np

from bots import checks
from bots._types import Floats, Ints
from bots.live.belief.classes import TaskClasses
from bots.live.prediction.predictor import AbstractPredictor


class LinePrediction(AbstractPredictor):
    """The paper's interpolation: `InterpolationEvidence` for classes instead of tasks.

    With w and s the classes' rates under the references `weak` and `strong`, and r the measured
    rates of the tasks of one call::

        mu  = (mean r - mean w) / (mean s - mean w)
        mu~ = gamma mu~ + (1 - gamma) mu                     the first call sets it
        p~  = clip(mu~ s + (1 - mu~) w, 0, 1)

    The means are over measured tasks, not classes, so that on equal counts and unrounded rates the
    predictions are those of `InterpolationEvidence`, whose guard against batches on which the
    references agree is kept too. A class that lacks either rate gets NaN and does not enter the
    means.

    Source: arXiv 2510.26374, the interpolation-based implicit evidence. As there, mu~ is smoothed
    over calls and not over policy versions.

    Args:
        momentum: gamma in [0, 1).
        min_gap: smallest |mean s - mean w| of a call that is trusted, in (0, 1].

    Example:
        >>> rates = np.array([[0.5, 0.0], [0.8, 0.2], [1.0, 0.4]])
        >>> classes = TaskClasses(rates, ("strong", "weak"), np.zeros(3, dtype=int), ("",))
        >>> line = LinePrediction()
        >>> line.observe(classes, np.array([0]), np.array([1.0]), np.array([4.0]), versions=1)
        >>> line.predict(classes).tolist()
        [0.25, 0.5, 0.7]
    """

    def __init__(self, momentum: float = 0.9, min_gap: float = 0.02) -> None:
        self._momentum = checks.number("momentum", momentum, 0.0, np.nextafter(1.0, 0.0))
        self._min_gap = checks.number("min_gap", min_gap, np.nextafter(0.0, 1.0), 1.0)
        self._capability: float | None = None

    def observe(
        self,
        classes: TaskClasses,
        class_U: Ints,
        successes_U: Floats,
        trials_U: Floats,
        versions: float,
    ) -> None:
        """Moves the capability; ValueError without the references `weak` and `strong`."""
        weak_C, strong_C = classes.reference("weak"), classes.reference("strong")
        known_U = (trials_U > 0) & ~np.isnan(strong_C[class_U] - weak_C[class_U])
        if not known_U.any():
            return
        weak_U, strong_U = weak_C[class_U[known_U]], strong_C[class_U[known_U]]
        rates_U = successes_U[known_U] / trials_U[known_U]
        gap = float((strong_U - weak_U).mean())
        if abs(gap) >= self._min_gap:
            self._capability = self._smoothed(float((rates_U - weak_U).mean()) / gap)

    def predict(self, classes: TaskClasses) -> Floats | None:
        """Rates on the line, None before the first trusted call."""
        if self._capability is None:
            return None
        weak_C, strong_C = classes.reference("weak"), classes.reference("strong")
        return np.clip((strong_C - weak_C) * self._capability + weak_C, 0.0, 1.0)

    def _smoothed(self, capability: float) -> float:
        if self._capability is None:
            return capability
        return self._momentum * self._capability + (1 - self._momentum) * capability

    def metrics(self) -> dict[str, float]:
        """`predictor/capability`: mu~, NaN before the first trusted call."""
        return {"predictor/capability": np.nan if self._capability is None else self._capability}

    def state_dict(self) -> dict[str, Any]:
        """The capability."""
        return {"capability": self._capability}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts the capability back."""
        if not isinstance(state, dict) or set(state) != {"capability"}:
            raise ValueError(
                f"the predictor's state is {state!r}; the line needs exactly an entry "
                "`capability`: build the selector with the predictor that the state was saved with"
            )
        value = state["capability"]
        self._capability = (
            None if value is None else checks.number("capability", value, -np.inf, np.inf)
        )

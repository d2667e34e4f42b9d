"""Implicit evidence by interpolating between a weak and a strong reference model."""

from typing import Any

import numpy as np
import numpy.typing as npt

from bots import checks
from bots._types import Floats
from bots.feedback import Evidence
from bots.implicit import AbstractImplicitEvidence


class InterpolationEvidence(AbstractImplicitEvidence):
    """Places the learner on the line from a weak to a strong reference model.

    With w and s the reference solve rates and r the measured ones, averaged over the tasks that
    were measured in a step::

        mu  = (mean r - mean w) / (mean s - mean w)          the step's capability
        mu~ = gamma mu~ + (1 - gamma) mu                     smoothed; the first step sets it
        p~  = clip(mu~ s + (1 - mu~) w, 0, 1)                for every task

    mu~ itself is not clipped: below 0 the learner is weaker than the weak reference and above 1
    stronger than the strong one, and the line is extended.

    Source: arXiv 2510.26374, the interpolation-based implicit evidence.

    Differences. The reference code adds 1e-6 to the denominator, so one batch on which the two
    references happen to agree can throw mu~ to 1e5 and pin every belief for some 90 steps. Here a
    batch on which they differ by less than `min_gap` on average leaves mu~ as it is. A task without
    both rates gets no prediction and does not enter the means; the reference code lets its NaN
    spread to every belief.

    What the guard does not cure: a selector narrows the gap by its own choice. With mu~ below 0 the
    tasks that seem half solved are those on which the references nearly agree, so each batch makes
    mu~ more extreme until the guard stops it. `docs/log.md` has the figures.

    Args:
        weak_N: w, shape (N,), in [0, 1], NaN where not measured.
        strong_N: s, likewise.
        momentum: gamma in [0, 1).
        min_gap: smallest |mean s - mean w| of a batch that is trusted, in (0, 1]. The default is
            about the sampling error of that mean for 128 tasks and 16 rollouts per rate.

    Example:
        >>> from bots import Feedback
        >>> implicit = InterpolationEvidence([0.0, 0.2, 0.4], [0.5, 0.8, 1.0])
        >>> implicit.observe(Feedback([0], [1], [4]).evidence()).tolist()
        [0.25, 0.5, 0.7]
    """

    def __init__(
        self,
        weak_N: npt.ArrayLike,
        strong_N: npt.ArrayLike,
        momentum: float = 0.9,
        min_gap: float = 0.02,
    ) -> None:
        weak_N, strong_N = (np.array(rates, dtype=np.float64) for rates in (weak_N, strong_N))
        if weak_N.ndim != 1 or weak_N.shape != strong_N.shape:
            raise ValueError(
                f"weak has shape {weak_N.shape} and strong {strong_N.shape}; both must be (N,)"
            )
        self._known_N = ~(np.isnan(weak_N) | np.isnan(strong_N))
        checks.shares("weak", weak_N[self._known_N])
        checks.shares("strong", strong_N[self._known_N])
        self._weak_N = np.where(self._known_N, weak_N, np.nan)
        self._gap_N = np.where(self._known_N, strong_N - weak_N, np.nan)
        self._momentum = checks.number("momentum", momentum, 0.0, np.nextafter(1.0, 0.0))
        self._min_gap = checks.number("min_gap", min_gap, np.nextafter(0.0, 1.0), 1.0)
        self._capability: float | None = None
        self._rates_N = np.empty(weak_N.size)

    def observe(self, evidence: Evidence) -> Floats | None:
        """Moves the capability; solve rates on the line, None before the first trusted batch."""
        known_U = self._known_N[evidence.task_ids_U]
        tasks_U = evidence.task_ids_U[known_U]
        if tasks_U.size:
            gap = float(self._gap_N[tasks_U].mean())
            lead = float((evidence.solve_rates_U[known_U] - self._weak_N[tasks_U]).mean())
            if abs(gap) >= self._min_gap:
                self._capability = self._smoothed(lead / gap)
        return None if self._capability is None else self._line(self._capability)

    def _smoothed(self, capability: float) -> float:
        if self._capability is None:
            return capability
        return self._momentum * self._capability + (1 - self._momentum) * capability

    def _line(self, capability: float) -> Floats:
        np.multiply(self._gap_N, capability, out=self._rates_N)
        self._rates_N += self._weak_N
        return np.clip(self._rates_N, 0.0, 1.0, out=self._rates_N)

    def metrics(self) -> dict[str, float]:
        """`implicit/capability`: mu~, NaN before the first trusted batch."""
        return {"implicit/capability": np.nan if self._capability is None else self._capability}

    def state_dict(self) -> dict[str, Any]:
        """The capability."""
        return {"capability": self._capability}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts the capability back."""
        if not isinstance(state, dict) or set(state) != {"capability"}:
            raise ValueError(
                f"the implicit evidence's state is {state!r}; interpolation needs exactly an "
                "entry `capability`"
            )
        value = state["capability"]
        self._capability = (
            None if value is None else checks.number("capability", value, -np.inf, np.inf)
        )

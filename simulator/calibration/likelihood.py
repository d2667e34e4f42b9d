"""Maximum likelihood for the state-space model: estimates, their errors, tests between models."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from simulator.calibration.backward import Floats
from simulator.calibration.parameters import Layout
from simulator.calibration.state_space import (
    Accuracy,
    Dynamics,
    Initial,
    Messages,
    Observations,
    messages,
    mixed,
)

_SEARCH_STEP, _ERROR_STEP = 1e-5, 1e-3  # of finite differences, forward and central
_FLAT = 0.1  # slope of the log-likelihood, per unit of any parameter, at which the search ends
_ITERATIONS = 100


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A maximum of the likelihood.

    Attributes:
        observations: the data.
        layout: the parameters.
        vector: their estimates, unconstrained.
        log_likelihood: at the estimates, without binomial coefficients.
        covariance: of the estimates, or None if it was not asked for.
    """

    observations: Observations
    layout: Layout
    vector: Floats
    log_likelihood: float
    covariance: Floats | None = None

    @property
    def initial(self) -> Initial:
        """The initial law."""
        return self.layout.model(self.vector)[0]

    @property
    def dynamics(self) -> Dynamics:
        """How logits move."""
        return self.layout.model(self.vector)[1]

    @property
    def bic(self) -> float:
        """Bayesian information criterion, with the tasks as independent units; lower is better."""
        tasks = self.observations.solved_K.size
        return self.layout.size * np.log(tasks) - 2 * self.log_likelihood

    def derive(
        self, function: Callable[[Initial, Dynamics], Sequence[float]]
    ) -> tuple[Floats, Floats]:
        """A function of the model and its standard errors, by the delta method."""
        assert self.covariance is not None

        def at(vector: Floats) -> Floats:
            return np.array(function(*self.layout.model(vector)), dtype=np.float64)

        steps = _ERROR_STEP * np.eye(self.layout.size)
        jacobian = np.array(
            [(at(self.vector + step) - at(self.vector - step)) / (2 * _ERROR_STEP) for step in steps]
        )
        variance = np.einsum("pi,pq,qi->i", jacobian, self.covariance, jacobian)
        return at(self.vector), np.sqrt(np.maximum(variance, 0.0))


def maximise(
    observations: Observations, layout: Layout, start: Floats, accuracy: Accuracy
) -> Fit:
    """The parameters of largest likelihood, searched from `start`.

    A trust-region Newton method; the sum over tasks of the outer products of their scores stands
    for the second derivatives, as it does in expectation (Berndt, Hall, Hall, Hausman 1974).
    """
    from scipy.optimize import minimize

    surface = _Surface(observations, layout, accuracy)
    done = minimize(
        surface.value,
        start,
        method="trust-exact",
        jac=surface.slope,
        hess=surface.curvature,
        options={"gtol": _FLAT, "maxiter": _ITERATIONS},
    )
    return Fit(observations, layout, done.x, -float(done.fun))


def with_errors(fit: Fit, accuracy: Accuracy) -> Fit:
    """The fit with the covariance of its estimates.

    The sandwich H^-1 J H^-1, where H holds the second derivatives of the log-likelihood and J is
    the sum over tasks of the outer products of their scores: valid for independent tasks even where
    the model is only an approximation (White 1982). It knows nothing of what all tasks share, such
    as the luck of this one run. What the data do not inform about gets no error.
    """
    surface = _Surface(fit.observations, fit.layout, accuracy)
    scores_PK = surface.scores(fit.vector)
    steps = _ERROR_STEP * np.eye(fit.layout.size)
    second = [
        surface.scores(fit.vector + step).sum(axis=1)
        - surface.scores(fit.vector - step).sum(axis=1)
        for step in steps
    ]
    hessian = np.array(second) / (2 * _ERROR_STEP)
    inverse = np.linalg.pinv((hessian + hessian.T) / 2, rcond=1e-8)
    covariance = inverse @ (scores_PK @ scores_PK.T) @ inverse
    return Fit(fit.observations, fit.layout, fit.vector, fit.log_likelihood, covariance)


class _Surface:
    """Minus the log-likelihood, and its derivatives, of a vector; the last one is remembered."""

    def __init__(self, observations: Observations, layout: Layout, accuracy: Accuracy) -> None:
        self._observations, self._layout, self._accuracy = observations, layout, accuracy
        self._vector, self._scores_PK = np.empty(0), np.empty((0, 0))

    def value(self, vector: Floats) -> float:
        return -float(self._each(vector).sum())

    def slope(self, vector: Floats) -> Floats:
        return -self._forward(vector).sum(axis=1)

    def curvature(self, vector: Floats) -> Floats:
        scores_PK = self._forward(vector)
        return scores_PK @ scores_PK.T + 1e-6 * np.eye(len(scores_PK))

    def scores(self, vector: Floats) -> Floats:
        """Derivatives of each task's log-likelihood, shape (P, K), by central differences."""
        up, down = (self._differences(vector, step) for step in (_ERROR_STEP, -_ERROR_STEP))
        return (up + down) / 2

    def _forward(self, vector: Floats) -> Floats:
        if not np.array_equal(vector, self._vector):
            self._vector = vector.copy()
            self._scores_PK = self._differences(vector, _SEARCH_STEP)
        return self._scores_PK

    def _differences(self, vector: Floats, step: float) -> Floats:
        """(f(vector + step e_p) - f(vector)) / step for each parameter p and task."""
        parts = self._messages(vector)
        base_K = self._mixed(parts, vector)
        rows = []
        for p in range(vector.size):
            moved = vector.copy()
            moved[p] += step
            known = parts if p < self._layout.num_initial else self._messages(moved)
            rows.append((self._mixed(known, moved) - base_K) / step)
        return np.array(rows)

    def _each(self, vector: Floats) -> Floats:
        return self._mixed(self._messages(vector), vector)

    def _messages(self, vector: Floats) -> Messages:
        return messages(self._observations, self._layout.model(vector)[1], self._accuracy)

    def _mixed(self, parts: Messages, vector: Floats) -> Floats:
        initial = self._layout.model(vector)[0]
        return mixed(self._observations, parts, initial, self._accuracy)

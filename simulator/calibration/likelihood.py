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

_SCORE_STEP, _CURVATURE_STEP, _DELTA_STEP = 1e-5, 3e-3, 1e-3  # of finite differences
_FLAT = 0.03  # slope of the log-likelihood, per standard error, at which the search ends
_RIDGE = 1.0  # keeps the first step short along what the data do not inform about
_ITERATIONS = 100
_COARSE = Accuracy(0.5, 6)
_SPREADS = (0.03, 0.5), (0.01, 0.8)  # walk_sd and slope_sd


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

        steps = _DELTA_STEP * np.eye(self.layout.size)
        jacobian = np.array(
            [
                (at(self.vector + step) - at(self.vector - step)) / (2 * _DELTA_STEP)
                for step in steps
            ]
        )
        variance = np.einsum("pi,pq,qi->i", jacobian, self.covariance, jacobian)
        return at(self.vector), np.sqrt(np.maximum(variance, 0.0))


def search(observations: Observations, layout: Layout, accuracy: Accuracy) -> Fit:
    """The parameters of largest likelihood, searched from several starts.

    Random walks and unequal slopes both make tasks part, so that the likelihood can have a maximum
    with much of the one and little of the other, and another one the other way round.
    """
    first = maximise(observations, layout, layout.start(), _COARSE)
    others = [
        maximise(observations, layout, layout.spread(first.vector, *sds), _COARSE)
        for sds in _SPREADS
    ]
    best = max([first, *others], key=lambda fit: fit.log_likelihood)
    return maximise(observations, layout, best.vector, accuracy)


def maximise(observations: Observations, layout: Layout, start: Floats, accuracy: Accuracy) -> Fit:
    """The parameters of largest likelihood, searched from `start`.

    BFGS, in coordinates in which the information at the start is the identity: the sum over tasks
    of the outer products of their scores stands for it (Berndt, Hall, Hall, Hausman 1974).
    """
    from scipy.optimize import minimize

    surface = _Surface(observations, layout, accuracy)
    scores_PK = surface.scores(start)
    root = np.linalg.cholesky(scores_PK @ scores_PK.T + _RIDGE * np.eye(layout.size))
    unit = np.linalg.inv(root).T  # a step of 1 in any coordinate is about one standard error
    done = minimize(
        lambda place: -surface.value(start + unit @ place),
        np.zeros(layout.size),
        method="BFGS",
        jac=lambda place: -unit.T @ surface.scores(start + unit @ place).sum(axis=1),
        options={"gtol": _FLAT, "maxiter": _ITERATIONS},
    )
    return Fit(observations, layout, start + unit @ done.x, -float(done.fun))


def with_errors(fit: Fit, accuracy: Accuracy) -> Fit:
    """The fit with the covariance of its estimates.

    The sandwich H^-1 J H^-1, where H holds the second derivatives of the log-likelihood and J is
    the sum over tasks of the outer products of their scores: valid for independent tasks even where
    the model is only an approximation (White 1982). It knows nothing of what all tasks share, such
    as the luck of this one run. What the data do not inform about gets no error.
    """
    surface = _Surface(fit.observations, fit.layout, accuracy)
    scores_PK = surface.scores(fit.vector)
    inverse = np.linalg.pinv(surface.curvature(fit.vector), rcond=1e-8, hermitian=True)
    covariance = inverse @ (scores_PK @ scores_PK.T) @ inverse
    return Fit(fit.observations, fit.layout, fit.vector, fit.log_likelihood, covariance)


class _Surface:
    """The log-likelihood of a vector, and its derivatives."""

    def __init__(self, observations: Observations, layout: Layout, accuracy: Accuracy) -> None:
        self._observations, self._layout, self._accuracy = observations, layout, accuracy
        self._last: tuple[bytes, Messages] | None = None

    def value(self, vector: Floats) -> float:
        return float(self._each(vector).sum())

    def scores(self, vector: Floats) -> Floats:
        """Derivatives of each task's log-likelihood, shape (P, K), by forward differences."""
        base_K = self._each(vector)
        steps = _SCORE_STEP * np.eye(vector.size)
        return np.array([(self._each(vector + step) - base_K) / _SCORE_STEP for step in steps])

    def curvature(self, vector: Floats) -> Floats:
        """Second derivatives of the log-likelihood, shape (P, P).

        (f(+i+j) + f(-i-j) - f(+i) - f(-i) - f(+j) - f(-j) + 2 f(0)) / (2 h^2), where +i stands for
        a step of h in parameter i.
        """
        size, unit = vector.size, _CURVATURE_STEP * np.eye(vector.size)
        both, single = np.zeros((size, size)), np.zeros(size)
        for sign in (1, -1):
            for j in range(size):
                single[j] += self.value(vector + sign * unit[j])
                for i in range(j + 1):
                    both[j, i] += self.value(vector + sign * (unit[i] + unit[j]))
        both = np.tril(both) + np.tril(both, -1).T
        total = both - single[:, None] - single[None, :] + 2 * self.value(vector)
        return total / (2 * _CURVATURE_STEP**2)

    def _each(self, vector: Floats) -> Floats:
        initial, dynamics = self._layout.model(vector)
        parts = self._messages(vector[self._layout.num_initial :].tobytes(), dynamics)
        return mixed(self._observations, parts, initial, self._accuracy)

    def _messages(self, key: bytes, dynamics: Dynamics) -> Messages:
        """Remembers the last: most steps in the initial law's parameters come in a row."""
        if self._last is None or self._last[0] != key:
            self._last = key, messages(self._observations, dynamics, self._accuracy)
        return self._last[1]

"""Gaussian-process regression of solve rates on features and time."""

from typing import ClassVar

import numpy as np

from bots import checks
from bots._types import Floats, Floats32, Ints
from bots.acquisition import closeness
from bots.baselines.base import COUNT, POSITIVE, AbstractBaseline, Within, available
from bots.baselines.predictors.diversity import diverse_b
from bots.baselines.predictors.prediction import sigmoid, standardised
from bots.feedback import Evidence
from bots.pool import Pool

_BLOCK = 4096  # tasks that are predicted at a time


class GaussianProcessSelector(AbstractBaseline):
    """Picks, among random candidates, those to which recent groups of like tasks give the target.

    A group of s successes in n trials at time t shows a logit and its variance::

        y = log((s + 1/2) / (n - s + 1/2)),    v = 1 / (s + 1/2) + 1 / (n - s + 1/2)

    A Gaussian process is fitted to the last `window` groups, with covariance::

        k = amplitude^2 exp(-r^2 / 2),    r^2 = |x - x'|^2 / length^2 + (t - t')^2 / horizon^2

    where x are features and t counts feedbacks, so that old groups fade and unlike tasks say
    little. With noise v + `task_sd`^2, in which `task_sd` is what sets tasks of equal features
    apart, and the mean c of the y weighted by 1 / (v + `task_sd`^2), the logit that is expected of
    a task now is c + k' (K + diag(v + task_sd^2))^-1 (y - c).

    Each step draws `candidate_ratio` x B tasks at random, takes u_k = -|sigmoid(logit) - target|
    and picks one task after another by u_k - `diversity` times its largest cosine with a task
    already picked (`diverse_b`). It uses the expected logit, not a draw: the random candidates are
    what explores.

    Source: a stand-in for GPS, arXiv 2602.01970; see `LogisticSelector`. Cost: no rollouts; a
    forward pass per task for the embedding. A step solves a system of `window` equations.
    Defaults: ours. Differences: those of `LogisticSelector`; against that one, rates need not be
    linear in features, and forgetting is by age. When fewer than `candidate_ratio` x B tasks are
    not excluded, all of them are candidates. Of a feedback of more groups than the window holds, a
    random part is kept.

    Args:
        pool: the tasks; their features are used, standardised and of mean squared length 1.
        rng: the selector's own random numbers.
        target: in [0, 1].
        candidate_ratio: candidates per task of the batch, at least 1.
        window: M, groups that are remembered, at least 1.
        length: of the features' covariance; two tasks are sqrt(2) apart on average; positive.
        horizon: of the covariance over time, in feedbacks, positive.
        amplitude: sd of what features and time explain of the logit, positive.
        task_sd: sd of what they do not explain, at least 0.
        diversity: at least 0.

    Raises:
        ValueError: when the pool has no features.
    """

    NAME = "gaussian-process"
    STATE: ClassVar = {
        "inputs_ME": Within(),
        "logits_M": Within(),
        "variances_M": POSITIVE,
        "seen": COUNT,
        "time": COUNT,
    }

    def __init__(
        self,
        pool: Pool,
        rng: np.random.Generator,
        target: float = 0.5,
        candidate_ratio: int = 8,
        window: int = 256,
        length: float = 1.0,
        horizon: float = 20.0,
        amplitude: float = 1.5,
        task_sd: float = 1.5,
        diversity: float = 0.05,
    ) -> None:
        positive = 1e-6
        self._target = checks.number("target", target, 0, 1)
        self._candidate_ratio = checks.integer("candidate_ratio", candidate_ratio, 1)
        self._window = checks.integer("window", window, 1)
        self._length = checks.number("length", length, positive)
        self._horizon = checks.number("horizon", horizon, positive)
        self._amplitude = checks.number("amplitude", amplitude, positive)
        self._task_sd = checks.number("task_sd", task_sd, 0)
        self._diversity = checks.number("diversity", diversity, 0)
        super().__init__(
            pool,
            rng,
            target=target,
            candidate_ratio=candidate_ratio,
            window=window,
            length=length,
            horizon=horizon,
            amplitude=amplitude,
            task_sd=task_sd,
            diversity=diversity,
        )
        self._features_ND = standardised(pool, "gaussian-process")
        self._inputs_ME = np.zeros((window, self._features_ND.shape[1] + 1))
        self._logits_M = np.zeros(window)
        self._variances_M = np.ones(window)
        self._seen = 0  # groups; the next takes the place of the oldest
        self._time = 0

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        possible = available(self._pool.num_tasks, excluded)
        count = min(self._candidate_ratio * batch_size, possible.size)
        candidates = self._rng.choice(possible, count, replace=False)
        features_KD = self._features_ND[candidates]
        utility_K = closeness(self._rates(features_KD, *self._fitted()), self._target)
        chosen = diverse_b(utility_K, features_KD, batch_size, self._diversity, self._rng)
        return candidates[chosen]

    def _learn(self, evidence: Evidence) -> None:
        groups = np.arange(evidence.task_ids_U.size)
        if groups.size > self._window:
            groups = self._rng.choice(groups, self._window, replace=False)
        self._time += 1
        successes = evidence.successes_U[groups] + 0.5
        failures = evidence.trials_U[groups] - evidence.successes_U[groups] + 0.5
        places = (self._seen + np.arange(groups.size)) % self._window
        self._inputs_ME[places] = self._inputs(self._features_ND[evidence.task_ids_U[groups]])
        self._logits_M[places] = np.log(successes / failures)
        self._variances_M[places] = 1 / successes + 1 / failures
        self._seen += groups.size

    def _inputs(self, features_KD: Floats32) -> Floats:
        """Features and the present time, in units of their lengths."""
        time_K = np.full(len(features_KD), self._time / self._horizon)
        return np.column_stack([features_KD / self._length, time_K])

    def _fitted(self) -> tuple[float, Floats, Floats]:
        """Mean c, inputs of the window, and the weight of each."""
        filled = min(self._seen, self._window)
        inputs_ME = self._inputs_ME[:filled]
        noise_M = self._variances_M[:filled] + self._task_sd**2
        if filled == 0:
            return 0.0, inputs_ME, noise_M
        mean = float(np.average(self._logits_M[:filled], weights=1 / noise_M))
        covariance_MM = self._covariance(inputs_ME, inputs_ME)
        covariance_MM[np.diag_indices(filled)] += noise_M
        weights_M = np.linalg.solve(covariance_MM, self._logits_M[:filled] - mean)
        return mean, inputs_ME, np.asarray(weights_M, dtype=np.float64)

    def _covariance(self, inputs_KE: Floats, inputs_ME: Floats) -> Floats:
        distance_KM = inputs_KE @ (-2 * inputs_ME.T)
        distance_KM += np.square(inputs_KE).sum(axis=1)[:, None] + np.square(inputs_ME).sum(axis=1)
        distance_KM *= -0.5
        np.exp(np.minimum(distance_KM, 0, out=distance_KM), out=distance_KM)
        distance_KM *= self._amplitude**2
        return distance_KM

    def _rates(
        self, features_KD: Floats32, mean: float, inputs_ME: Floats, weights_M: Floats
    ) -> Floats:
        covariance_KM = self._covariance(self._inputs(features_KD), inputs_ME)
        return sigmoid(mean + covariance_KM @ weights_M)

    def solve_rates(self) -> Floats:
        """At the expected logit, now."""
        fitted = self._fitted()
        return np.concatenate(
            [
                self._rates(self._features_ND[first : first + _BLOCK], *fitted)
                for first in range(0, self._pool.num_tasks, _BLOCK)
            ]
        )

    def forward_passes(self) -> int:
        """One per task."""
        return self._pool.num_tasks

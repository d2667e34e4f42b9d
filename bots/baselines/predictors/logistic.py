"""Bayesian logistic regression of solve rates on features."""

from typing import ClassVar

import numpy as np

from bots import checks
from bots._types import Floats, Ints
from bots.acquisition import closeness
from bots.baselines.base import AbstractBaseline, Within, barred
from bots.baselines.predictors.diversity import diverse_b
from bots.baselines.predictors.prediction import sigmoid, standardised
from bots.feedback import Evidence
from bots.pool import Pool

_ITERATIONS = 30  # Newton's method needs about 4
_HALVINGS = 20
_TOLERANCE = 1e-10


class LogisticSelector(AbstractBaseline):
    """Thompson sampling near a target with one belief about all tasks: a regression on features.

    The logit of task k is w . x_k, where x_k are its features and a constant 1. The belief about w
    is normal with mean m and precision P; at first m = 0 and P = P_0 = I / `prior_sd`^2. Feedback
    first fades what was known towards that prior, as BOTS fades counts::

        P <- (1 - forgetting) P + forgetting P_0,    P m <- (1 - forgetting) P m

    then takes in s_k successes in n_k trials. m moves to the maximum over w of::

        -(w - m)' P (w - m) / 2 + sum_k c_k [s_k log p_k + (n_k - s_k) log(1 - p_k)]

    where p_k = sigmoid(w . x_k), found by Newton's method, and P <- P + sum_k c_k n_k p_k (1 - p_k)
    x_k x_k' (Laplace). Tasks with equal features differ, so rollouts of one task are not
    independent witnesses: c_k = 1 / (1 + (n_k - 1) `correlation`) counts a group as 1 /
    `correlation` rollouts at most, the design effect of clustered samples.

    Each step draws one w, takes u_k = -|sigmoid(w . x_k) - target| as utilities, and picks one task
    after another by u_k - `diversity` times its largest cosine with a task already picked
    (`diverse_b`).

    Source: a stand-in for GPS, arXiv 2602.01970, which predicts solve rates of all tasks from
    embeddings and the history of training, and selects by closeness to 1/2 and diversity. Cost: no
    rollouts; a forward pass per task for the embedding. Defaults: ours, as GPS has nothing that
    corresponds. Differences: GPS trains a small latent variable model with a variational bound and
    measures diversity against its history as well; here the belief has a closed form, in which
    every number can be checked, and diversity is within the batch. The cubic cost in D makes it one
    for embeddings of up to a few hundred dimensions: project longer ones beforehand.

    Args:
        pool: the tasks; their features are used, standardised and of mean squared length 1.
        rng: the selector's own random numbers.
        target: in [0, 1].
        forgetting: in [0, 1], per feedback; 0 never forgets.
        prior_sd: of the intercept, and of what the features add to the logit of a task; positive.
        correlation: between rollouts of one task given its features, in [0, 1].
        diversity: at least 0.
        thompson: whether to draw w, or to take its mean.

    Raises:
        ValueError: when the pool has no features.
    """

    NAME = "logistic"
    STATE: ClassVar = {"mean_E": Within(), "precision_EE": Within()}

    def __init__(
        self,
        pool: Pool,
        rng: np.random.Generator,
        target: float = 0.5,
        forgetting: float = 0.1,
        prior_sd: float = 2.0,
        correlation: float = 0.25,
        diversity: float = 0.05,
        thompson: bool = True,
    ) -> None:
        self._target = checks.number("target", target, 0, 1)
        self._forgetting = checks.number("forgetting", forgetting, 0, 1)
        self._prior_precision = 1 / checks.number("prior_sd", prior_sd, 1e-6) ** 2
        self._correlation = checks.number("correlation", correlation, 0, 1)
        self._diversity = checks.number("diversity", diversity, 0)
        self._thompson = thompson
        super().__init__(
            pool,
            rng,
            target=target,
            forgetting=forgetting,
            prior_sd=prior_sd,
            correlation=correlation,
            diversity=diversity,
            thompson=thompson,
        )
        self._features_ND = standardised(pool, "logistic")
        size = self._features_ND.shape[1] + 1
        self._mean_E = np.zeros(size)
        self._precision_EE = self._prior_precision * np.eye(size)

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        rates_N = sigmoid(self._logits(self._drawn() if self._thompson else self._mean_E))
        utility_N = barred(closeness(rates_N, self._target), excluded)
        return diverse_b(utility_N, self._features_ND, batch_size, self._diversity, self._rng)

    def _learn(self, evidence: Evidence) -> None:
        kept, prior = 1 - self._forgetting, self._forgetting * self._prior_precision
        natural_E = kept * (self._precision_EE @ self._mean_E)
        precision_EE = kept * self._precision_EE + prior * np.eye(natural_E.size)
        features_UD = self._features_ND[evidence.task_ids_U].astype(np.float64)
        inputs_UE = np.column_stack([features_UD, np.ones(len(features_UD))])
        weight_U = 1 / (1 + np.maximum(evidence.trials_U - 1, 0) * self._correlation)
        self._mean_E, self._precision_EE = laplace(
            np.asarray(np.linalg.solve(precision_EE, natural_E), dtype=np.float64),
            precision_EE,
            inputs_UE,
            weight_U * evidence.successes_U,
            weight_U * evidence.trials_U,
        )

    def _drawn(self) -> Floats:
        """Weights drawn from the belief."""
        root_EE = np.linalg.cholesky(self._precision_EE)
        noise_E = self._rng.standard_normal(self._mean_E.size)
        return self._mean_E + np.linalg.solve(root_EE.T, noise_E)

    def _logits(self, weights_E: Floats) -> Floats:
        logits_N = self._features_ND @ weights_E[:-1].astype(np.float32)
        return logits_N.astype(np.float64) + weights_E[-1]

    def solve_rates(self) -> Floats:
        """At the mean of the logit."""
        return sigmoid(self._logits(self._mean_E))

    def forward_passes(self) -> int:
        """One per task."""
        return self._pool.num_tasks

    def metrics(self) -> dict[str, float]:
        """`posterior/sd`: of the logit, for features of mean length."""
        covariance_EE = np.linalg.inv(self._precision_EE)
        size = self._mean_E.size - 1
        variance = np.trace(covariance_EE[:-1, :-1]) / size + covariance_EE[-1, -1]
        return {"posterior/sd": float(np.sqrt(variance))}


def laplace(
    mean_E: Floats, precision_EE: Floats, inputs_UE: Floats, successes_U: Floats, trials_U: Floats
) -> tuple[Floats, Floats]:
    """Mean and precision of the normal belief after counts, in Laplace's approximation.

    Newton's method climbs from `mean_E`; a step that would lead downhill is halved.

    Example:
        >>> mean, precision = laplace(
        ...     np.zeros(1), np.eye(1), np.ones((1, 1)), np.array([3.0]), np.array([4.0])
        ... )
        >>> round(float(mean[0]), 3), round(float(precision[0, 0]), 3)  # m = 3 - 4 sigmoid(m)
        (0.505, 1.939)
    """
    weights_E = mean_E
    height = _log_posterior(weights_E, mean_E, precision_EE, inputs_UE, successes_U, trials_U)
    for _ in range(_ITERATIONS):
        rates_U = sigmoid(inputs_UE @ weights_E)
        slope_E = inputs_UE.T @ (successes_U - trials_U * rates_U)
        slope_E -= precision_EE @ (weights_E - mean_E)
        step_E = np.linalg.solve(_curvature(precision_EE, inputs_UE, trials_U, rates_U), slope_E)
        if slope_E @ step_E < _TOLERANCE:
            break
        for _ in range(_HALVINGS):
            moved_E = weights_E + step_E
            now = _log_posterior(moved_E, mean_E, precision_EE, inputs_UE, successes_U, trials_U)
            if now >= height:
                weights_E, height = moved_E, now
                break
            step_E = step_E / 2
    rates_U = sigmoid(inputs_UE @ weights_E)
    return weights_E, _curvature(precision_EE, inputs_UE, trials_U, rates_U)


def _log_posterior(
    weights_E: Floats,
    mean_E: Floats,
    precision_EE: Floats,
    inputs_UE: Floats,
    successes_U: Floats,
    trials_U: Floats,
) -> float:
    """Up to a constant."""
    logits_U, off_E = inputs_UE @ weights_E, weights_E - mean_E
    likelihood = successes_U @ logits_U - trials_U @ np.logaddexp(0, logits_U)
    return float(likelihood - off_E @ precision_EE @ off_E / 2)


def _curvature(
    precision_EE: Floats, inputs_UE: Floats, trials_U: Floats, rates_U: Floats
) -> Floats:
    """Minus the second derivative of the log posterior."""
    weight_U = trials_U * rates_U * (1 - rates_U)
    return precision_EE + (inputs_UE.T * weight_U) @ inputs_UE

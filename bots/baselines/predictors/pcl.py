"""PCL: prompt curriculum learning with a value model."""

from typing import ClassVar

import numpy as np

from bots import checks
from bots._types import Floats, Floats32, Ints
from bots.acquisition import closeness, top_b
from bots.baselines.base import COUNT, AbstractBaseline, Within, available
from bots.baselines.predictors.prediction import sigmoid, standardised
from bots.feedback import Evidence
from bots.pool import Pool


class PCLSelector(AbstractBaseline):
    """Keeps those of some random candidates to which a value model gives a rate near the target.

    Each step: draw `candidate_ratio` x B tasks at random, and keep the B with the smallest
    |V(x) - target|. Afterwards one step of gradient descent, with rate `learning_rate`, on the mean
    over the measured tasks of::

        (V(x_k) - s_k / n_k)^2,    V(x) = sigmoid(w . x + b)

    with s_k successes in n_k trials. w and b start at 0, so the first batch is random. Tasks that
    were never tried are judged by those that resemble them, and nothing is kept of a task itself.

    Source: arXiv 2510.01135. Cost: no rollouts; a forward pass of the value model per candidate and
    step. The embedding of all N tasks is charged as well. That is too much by what the source would
    spend, whose value model reads nothing but candidates; it covers `solve_rates`, which judges all
    tasks. The backward passes of its training are not charged. Defaults: 4 candidates per choice
    and target 0.5 are taken for the paper's, whose text we could not check; the learning rate is
    ours, for a head that the paper does not have. Differences: the paper's value model is a
    language model of its own, trained as a whole on the prompts; here it is the linear head alone,
    with a logistic output, on a frozen embedding: D + 1 parameters, about what B groups a step can
    teach. It regresses on solve rates, which are mean rewards where those are 0 or 1. When fewer
    than `candidate_ratio` x B tasks are not excluded, all of them are candidates.

    Args:
        pool: the tasks; their features are used, standardised and of mean squared length 1.
        rng: the selector's own random numbers.
        target: tau, in [0, 1].
        candidate_ratio: k, candidates per task of the batch, at least 1.
        learning_rate: positive.

    Raises:
        ValueError: when the pool has no features.
    """

    NAME = "pcl"
    STATE: ClassVar = {"weights_D": Within(), "bias": Within(), "judged": COUNT}

    def __init__(
        self,
        pool: Pool,
        rng: np.random.Generator,
        target: float = 0.5,
        candidate_ratio: int = 4,
        learning_rate: float = 8.0,
    ) -> None:
        self._target = checks.number("target", target, 0, 1)
        self._candidate_ratio = checks.integer("candidate_ratio", candidate_ratio, 1)
        positive = np.nextafter(0.0, 1.0)
        self._learning_rate = checks.number("learning_rate", learning_rate, positive)
        super().__init__(
            pool,
            rng,
            target=target,
            candidate_ratio=candidate_ratio,
            learning_rate=learning_rate,
        )
        self._features_ND = standardised(pool, "pcl")
        self._weights_D = np.zeros(self._features_ND.shape[1])
        self._bias = 0.0
        self._judged = 0

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        possible = available(self._pool.num_tasks, excluded)
        count = min(self._candidate_ratio * batch_size, possible.size)
        candidates = self._rng.choice(possible, count, replace=False)
        self._judged += count
        values = self._values(self._features_ND[candidates])
        return candidates[top_b(closeness(values, self._target), batch_size, self._rng)]

    def _learn(self, evidence: Evidence) -> None:
        features_UD = self._features_ND[evidence.task_ids_U]
        values_U = self._values(features_UD)
        slope_U = 2 * (values_U - evidence.solve_rates_U) * values_U * (1 - values_U)
        rate = self._learning_rate / slope_U.size
        self._weights_D -= rate * (slope_U @ features_UD)
        self._bias -= rate * float(slope_U.sum())

    def _values(self, features_KD: Floats32) -> Floats:
        logits_K = features_KD @ self._weights_D.astype(np.float32)
        return sigmoid(logits_K.astype(np.float64) + self._bias)

    def solve_rates(self) -> Floats:
        """V of every task."""
        return self._values(self._features_ND)

    def forward_passes(self) -> int:
        """One per task, and one per candidate of every batch."""
        return self._pool.num_tasks + self._judged

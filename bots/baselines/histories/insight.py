"""InSight: weighted mutual information between a task's success rate and its next group."""

from typing import ClassVar

import numpy as np

from bots import checks
from bots._types import Floats, Ints
from bots.acquisition import top_b
from bots.baselines.base import POSITIVE, AbstractBaseline, Within
from bots.baselines.schedules.shuffle import EpochOrder
from bots.feedback import Evidence
from bots.pool import Pool

_SERIES_FROM = 8  # from here on the series below is exact to about 1e-13
_SERIES = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760)  # B_2k / 2k


class InSightSelector(AbstractBaseline):
    """Chooses tasks of a useful difficulty of which little is known yet.

    The solve rate of task k is believed to be Beta(a_k, b_k) with mean m_k = a_k / (a_k + b_k).
    Each step: take the next `candidate_ratio` x B tasks of an epoch shuffle, and keep the B with
    the highest score, ties at random::

        score_k = m_k (1 - m_k) exp(-sharpness (m_k - target)^2) I(K; a_k, b_k)

    The first factor prefers varied outcomes, the second difficulty near `target`, and the third is
    the mutual information between the solve rate and the successes of a group of K rollouts
    (`information`), which falls as about 1 / (a + b) with evidence. The score depends on the mean,
    no rate is drawn. Afterwards, for the measured tasks alone::

        a <- decay a + (1 - decay) + s
        b <- decay b + (1 - decay) + f

    Candidates are all tasks that are not excluded when these are fewer than `candidate_ratio` x B.

    With decay 1 evidence only grows, and the information shrinks like 1 / (a + b): late in a run,
    tasks never solved but seen once overtake middling tasks that were seen often, although their
    groups are likely to teach nothing; with 16 rollouts per group after about 9 groups. A decay
    below 1 keeps a + b at or below 2 + K / (1 - decay).

    Source: arXiv 2603.01907, equations 6, 13 and 15 to 17. Cost: none beyond the rollouts trained
    on. Defaults: the paper's: decay 1, 16 candidates per choice, sharpness (eta) 3, target (mu) 0.3
    as in its table 5, the best it tried; its appendix D.2 has mu = 3.0, which as a difficulty in
    [0, 1] must be a slip. Differences: K is not set but the largest mean group size that feedback
    has shown so far, 1 before the first, when all tasks tie anyway; candidates come in epoch order,
    as in MoPPS, where the paper draws them anew at every step.

    Args:
        pool: the tasks; only their number is used.
        rng: the selector's own random numbers.
        target: in [0, 1].
        sharpness: at least 0; 0 leaves m (1 - m) alone.
        decay: in [0, 1]; 1 never forgets.
        candidate_ratio: candidates per task of the batch, at least 1.
    """

    NAME = "insight"
    STATE: ClassVar = {
        "alpha_N": POSITIVE,
        "beta_N": POSITIVE,
        "score_N": Within(),
        "group_size": Within(1),
    }
    PARTS = ("epoch",)

    def __init__(
        self,
        pool: Pool,
        rng: np.random.Generator,
        target: float = 0.3,
        sharpness: float = 3.0,
        decay: float = 1.0,
        candidate_ratio: int = 16,
    ) -> None:
        self._target = checks.number("target", target, 0, 1)
        self._sharpness = checks.number("sharpness", sharpness, 0)
        self._decay = checks.number("decay", decay, 0, 1)
        self._candidate_ratio = checks.integer("candidate_ratio", candidate_ratio, 1)
        super().__init__(
            pool,
            rng,
            target=target,
            sharpness=sharpness,
            decay=decay,
            candidate_ratio=candidate_ratio,
        )
        self._epoch = EpochOrder(pool.num_tasks)
        self._alpha_N = np.ones(pool.num_tasks)
        self._beta_N = np.ones(pool.num_tasks)
        self._group_size = 1
        self._score_N = self._scores(self._alpha_N, self._beta_N)

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        count = min(self._candidate_ratio * batch_size, self._pool.num_tasks - excluded.size)
        candidates = self._epoch.take(count, self._rng, excluded)
        return candidates[top_b(self._score_N[candidates], batch_size, self._rng)]

    def _learn(self, evidence: Evidence) -> None:
        tasks_U = evidence.task_ids_U
        failures_U = evidence.trials_U - evidence.successes_U
        kept = 1 - self._decay
        self._alpha_N[tasks_U] = self._decay * self._alpha_N[tasks_U] + kept + evidence.successes_U
        self._beta_N[tasks_U] = self._decay * self._beta_N[tasks_U] + kept + failures_U
        larger = round(evidence.group_size) > self._group_size
        self._group_size = max(round(evidence.group_size), self._group_size)
        changed = np.arange(self._alpha_N.size) if larger else tasks_U
        self._score_N[changed] = self._scores(self._alpha_N[changed], self._beta_N[changed])

    def _scores(self, alpha_M: Floats, beta_M: Floats) -> Floats:
        mean_M = alpha_M / (alpha_M + beta_M)
        bias_M = np.exp(-self._sharpness * (mean_M - self._target) ** 2)
        return mean_M * (1 - mean_M) * bias_M * information(alpha_M, beta_M, self._group_size)

    def solve_rates(self) -> Floats:
        """Posterior means; 1/2 for a task never visited."""
        return self._alpha_N / (self._alpha_N + self._beta_N)

    def metrics(self) -> dict[str, float]:
        """Mean belief and mean effective sample size."""
        return {
            "posterior/mean": float(self.solve_rates().mean()),
            "posterior/effective_sample_size": float((self._alpha_N + self._beta_N).mean()),
        }


def information(alpha_M: Floats, beta_M: Floats, group_size: int) -> Floats:
    """Mutual information, in nats, of a Beta(a, b) rate and its successes in K rollouts.

    The mean, over the successes s of a group, of the divergence of the posterior from the prior::

        sum_s P(s) [(s psi(a + s) + (K - s) psi(b + K - s) - ln r(s)] - K psi(a + b + K)
        P(s) = C(K, s) r(s),   r(s) = B(a + s, b + K - s) / B(a, b)

    which is equation 13 of arXiv 2603.01907. Ratios of beta functions and differences of digamma
    functions psi are products and sums over at most K terms.

    Args:
        alpha_M: a, shape (M,), positive.
        beta_M: b, likewise.
        group_size: K, at least 1.

    Example:
        >>> information(np.array([1.0, 10.0]), np.array([1.0, 10.0]), 1).round(4).tolist()
        [0.1931, 0.0244]
    """
    successes_S = np.arange(group_size + 1.0)
    failures_S = successes_S[::-1]
    rising_a_MS, psi_a_MS = _rising(alpha_M, group_size)
    rising_b_MS, psi_b_MS = _rising(beta_M, group_size)
    rising_n_MS, psi_n_MS = _rising(alpha_M + beta_M, group_size)
    log_ratio_MS = rising_a_MS + rising_b_MS[:, ::-1] - rising_n_MS[:, -1:]
    factorial_S = np.concatenate([[0.0], np.cumsum(np.log(successes_S[1:]))])
    choose_S = factorial_S[-1] - factorial_S - factorial_S[::-1]
    gain_MS = successes_S * psi_a_MS + failures_S * psi_b_MS[:, ::-1] - log_ratio_MS
    return (np.exp(choose_S + log_ratio_MS) * gain_MS).sum(1) - group_size * psi_n_MS[:, -1]


def _rising(x_M: Floats, count: int) -> tuple[Floats, Floats]:
    """Logarithms of x (x + 1) ... (x + i - 1), and psi(x + i), for i from 0 to `count`."""
    terms_MS = x_M[:, None] + np.arange(count)
    logs_MS, psi_MS = np.zeros((2, x_M.size, count + 1))
    np.cumsum(np.log(terms_MS), axis=1, out=logs_MS[:, 1:])
    np.cumsum(1 / terms_MS, axis=1, out=psi_MS[:, 1:])
    return logs_MS, psi_MS + digamma(x_M)[:, None]


def digamma(x: Floats) -> Floats:
    """The digamma function psi of positive numbers, to about 1e-12.

    psi(x) = psi(x + 1) - 1 / x until x is at least 8, then the asymptotic series.

    Example:
        >>> digamma(np.array([1.0, 100.0])).round(6).tolist()
        [-0.577216, 4.600162]
    """
    x, shift = x.copy(), np.zeros_like(x)
    for _ in range(_SERIES_FROM):
        low = x < _SERIES_FROM
        shift[low] += 1 / x[low]
        x[low] += 1
    powers = (1 / x**2)[..., None] ** np.arange(1, len(_SERIES) + 1)
    return np.log(x) - 1 / (2 * x) - powers @ np.array(_SERIES) - shift

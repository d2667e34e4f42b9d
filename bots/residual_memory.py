"""A belief in logits that remembers what each task showed, and a price for coming back."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit, log_expit, logit

from bots import checks
from bots._types import Floats, Ints
from bots.acquisition import top_b
from bots.baselines.base import COUNT, POSITIVE, AbstractBaseline, Within, barred
from bots.feedback import Evidence
from bots.pool import Pool

_EDGE = 0.03  # reference rates of 0 and 1 have finite logits
_BELL = 1.6  # sd of the normal curve that stands for p (1 - p) as a function of the logit
_ABILITY_SD, _WEIGHT_SD = 2.0, 0.3  # prior
_ABILITY_DRIFT, _WEIGHT_DRIFT = 0.03, 0.003  # sd per update
_FIRST_SPREAD, _SPREADS = 2.0, (0.3, 4.0)  # sd of residuals in logits
_SPREAD_WEIGHT, _SPREAD_MEMORY = 20.0, 0.985  # tasks that the first value counts for; per update
_GRID = np.linspace(-6.0, 6.0, 61)  # standard deviations


class ResidualMemorySelector(AbstractBaseline):
    """Chooses by the expected p (1 - p) under beliefs in logits, less for tasks visited often.

    A task's logit is what its reference rates r_j say, shifted by a shared ability that is tracked,
    plus a residual of its own, which is remembered::

        logit p_k = w . x_k + b_k,   x_k = (1, L(r_1k), ..., L(r_Kk)),   L(r) = logit(.03 + .94 r)
        w ~ N(mean, covariance), a random walk;   b_k ~ N(mean_k, V_k), at first N(0, tau^2)

    Each step takes the B tasks of highest utility, with mu_k and V_k of the logit::

        u_k = exp(-(mu_k - logit p*)^2 / (2 (c^2 + V_k))) / sqrt(1 + V_k / c^2) / (1 + v_k / nu)

    The first two factors are E[p (1 - p)] up to a constant, with a normal curve of width c = 1.6 in
    place of the logistic one; the last is the price of repetition, with v_k the selections so far.

    A measurement of s successes in n rollouts becomes a normal site (y, R) that has the moments of
    the binomial posterior, found on a grid. Then, with V = V_k::

        covariance^-1 += sum x x' / (V + R),   mean += covariance sum x (y - mu) / (V + R)
        b += V / (V + R) (y - w . x - b),      V <- V R / (V + R)

    Residuals are not forgotten: ability moves through w, so that what a task showed stays valid,
    while BOTS lets a measurement fade within a few steps. tau^2 is learned from b^2 + V at first
    visits. Any number of references will do, none too; a missing rate counts as 1/2.

    Source: ours. Cost: O(B (61 + K^2)) per update and O(N K) per choice; 3 numbers per task.

    Args:
        pool: all its references are used.
        rng: breaks ties.
        target: p* in (0, 1).
        repetition: nu > 0, the visits after which a task is worth half; large: repetition is free.
    """

    NAME = "residual-memory"
    STATE: ClassVar = {
        "mean_P": Within(),
        "covariance_PP": Within(),
        "residual_N": Within(),
        "variance_N": Within(0, missing=True),
        "visits_N": COUNT,
        "spread": POSITIVE,
        "spread_weight": POSITIVE,
    }

    def __init__(
        self,
        pool: Pool,
        rng: np.random.Generator,
        target: float = 0.5,
        repetition: float = 16.0,
    ) -> None:
        self._target = checks.number("target", target, 1e-3, 1 - 1e-3)
        self._repetition = checks.number("repetition", repetition, np.nextafter(0.0, 1.0))
        super().__init__(pool, rng, target=target, repetition=repetition)
        self._x_NP = _predictors(pool)
        num_references = self._x_NP.shape[1] - 1
        weight = 0.7 / max(num_references, 1)
        self._mean_P = np.array([0.0, *[weight] * num_references])
        self._covariance_PP = np.diag([_ABILITY_SD**2, *[_WEIGHT_SD**2] * num_references])
        self._residual_N = np.zeros(pool.num_tasks)
        self._variance_N = np.full(pool.num_tasks, np.nan)  # until the first visit
        self._visits_N = np.zeros(pool.num_tasks)
        self._spread = _FIRST_SPREAD**2
        self._spread_weight = _SPREAD_WEIGHT

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        mean_N, variance_N = self._beliefs()
        width_N = _BELL**2 + variance_N
        utility_N = np.exp(-((mean_N - logit(self._target)) ** 2) / (2 * width_N))
        utility_N *= _BELL / np.sqrt(width_N) / (1 + self._visits_N / self._repetition)
        chosen = top_b(barred(utility_N, excluded), batch_size, self._rng)
        self._visits_N[chosen] += 1
        return chosen

    def _learn(self, evidence: Evidence) -> None:
        tasks_U = evidence.task_ids_U
        x_UP, first_U = self._x_NP[tasks_U], np.isnan(self._variance_N[tasks_U])
        variance_U = np.where(first_U, self._spread, self._variance_N[tasks_U])
        drift = [_ABILITY_DRIFT**2, *[_WEIGHT_DRIFT**2] * (self._mean_P.size - 1)]
        self._covariance_PP = self._covariance_PP + np.diag(drift)
        mean_U = x_UP @ self._mean_P + self._residual_N[tasks_U]
        shared_U = np.einsum("up,pq,uq->u", x_UP, self._covariance_PP, x_UP)
        site = _site(evidence, mean_U, variance_U + shared_U)
        self._learn_ability(x_UP, site.value_U - mean_U, variance_U + site.variance_U)
        gain_U = variance_U / (variance_U + site.variance_U)
        surprise_U = site.value_U - x_UP @ self._mean_P - self._residual_N[tasks_U]
        self._residual_N[tasks_U] += gain_U * surprise_U
        self._variance_N[tasks_U] = gain_U * site.variance_U
        self._learn_spread(tasks_U[first_U])

    def _learn_ability(self, x_UP: Floats, surprise_U: Floats, variance_U: Floats) -> None:
        """A Kalman update by all measured tasks together."""
        weighed_UP = x_UP / variance_U[:, None]
        precision_PP = np.linalg.inv(self._covariance_PP) + weighed_UP.T @ x_UP
        covariance_PP = np.linalg.inv(precision_PP)
        self._covariance_PP = (covariance_PP + covariance_PP.T) / 2
        self._mean_P = self._mean_P + self._covariance_PP @ (weighed_UP.T @ surprise_U)

    def _learn_spread(self, tasks: Ints) -> None:
        """tau^2, from tasks that were measured for the first time."""
        squares = self._residual_N[tasks] ** 2 + self._variance_N[tasks]
        old = _SPREAD_MEMORY * self._spread_weight
        total = old * self._spread + float(squares.sum())
        self._spread_weight = max(old + tasks.size, 1.0)
        low, high = _SPREADS
        self._spread = float(np.clip(total / (old + tasks.size), low**2, high**2))

    def _beliefs(self) -> tuple[Floats, Floats]:
        """Means and variances of all logits, the ability taken as known."""
        variance_N = np.where(np.isnan(self._variance_N), self._spread, self._variance_N)
        return self._x_NP @ self._mean_P + self._residual_N, variance_N

    def solve_rates(self) -> Floats:
        """Expected solve rates, by the usual approximation of a logistic-normal mean."""
        mean_N, variance_N = self._beliefs()
        return expit(mean_N / np.sqrt(1 + np.pi * variance_N / 8))

    def metrics(self) -> dict[str, float]:
        """The shared ability, and the spread of residuals."""
        return {"belief/ability": float(self._mean_P[0]), "belief/spread": self._spread**0.5}


@dataclass(frozen=True, slots=True, eq=False)
class _Site:
    """Normal measurements of logits."""

    value_U: Floats
    variance_U: Floats


def _site(evidence: Evidence, mean_U: Floats, variance_U: Floats) -> _Site:
    """What the counts say of each logit, given what was believed: the posterior over the prior."""
    logit_UQ = mean_U[:, None] + np.sqrt(variance_U)[:, None] * _GRID
    failures_U = evidence.trials_U - evidence.successes_U
    log_UQ = evidence.successes_U[:, None] * log_expit(logit_UQ)
    log_UQ += failures_U[:, None] * log_expit(-logit_UQ) - _GRID**2 / 2
    weight_UQ = np.exp(log_UQ - log_UQ.max(axis=1, keepdims=True))
    weight_UQ /= weight_UQ.sum(axis=1, keepdims=True)
    after_U = (weight_UQ * logit_UQ).sum(axis=1)
    spread_U = (weight_UQ * (logit_UQ - after_U[:, None]) ** 2).sum(axis=1)
    spread_U = np.clip(spread_U, 1e-6, 0.999 * variance_U)
    noise_U = 1 / (1 / spread_U - 1 / variance_U)
    return _Site(noise_U * (after_U / spread_U - mean_U / variance_U), noise_U)


def _predictors(pool: Pool) -> Floats:
    """x, shape (N, 1 + K)."""
    columns = [np.ones(pool.num_tasks)]
    for name in sorted(pool.references):
        rates_N = np.nan_to_num(pool.references[name], nan=0.5)
        columns.append(logit(_EDGE + (1 - 2 * _EDGE) * rates_N))
    return np.stack(columns, axis=1)

"""Beliefs in logits that remember each task, and draws in proportion to what they promise."""

from typing import ClassVar

import numpy as np
from scipy.special import expit, logit

from bots import checks
from bots._types import Floats, Ints
from bots.acquisition import top_b
from bots.baselines.base import COUNT, POSITIVE, AbstractBaseline, Within, barred
from bots.evidence import Evidence, information
from bots.logit_ability import LogitAbility
from bots.logit_sites import Sites, sites
from bots.pool import Pool
from bots.residual_fading import MOST_FADING, Fading

_BELL = 1.6  # sd of the normal curve that stands for p (1 - p) as a function of the logit
_FIRST_SPREAD, _SPREADS = 2.0, (0.3, 4.0)  # sd of residuals in logits
_SPREAD_WEIGHT, _SPREAD_MEMORY = 20.0, 0.985  # tasks that the first value counts for; per update
_SHARPEST, _SHARPENING = 8.0, 0.005  # sigma = .005 / phi, from 1 to 8
_SMOOTHING = 0.95  # of the variances that tell what a fractional reward is worth, per update


class ResidualMemorySelector(AbstractBaseline):
    """Draws tasks by expected p (1 - p) under beliefs in logits, the sharper the less is forgotten.

    A task's logit is what its reference rates r_j say, shifted by an ability and by that of its
    domain, which are tracked, plus a residual of its own, which is remembered::

        logit p_k = w . x_k + b_k,   w ~ N(mean, covariance), a random walk (`LogitAbility`)
        b_k ~ N(mean_k, V_k), at first N(0, tau^2); without a visit it fades (`Fading`)

    The batch is drawn without replacement in proportion to u_k^sigma: the B largest of
    sigma log u_k + Gumbel noise. With mu_k the mean of the logit, S_k = V_k plus the marginal
    variance of the domain's ability, and v_k the selections so far::

        u_k = exp(-(mu_k - logit p*)^2 / (2 (c^2 + S_k))) / sqrt(1 + S_k / c^2) / (1 + v_k / nu)
        sigma = .005 / phi, not below 1 or above 8

    The first two factors of u are E[p (1 - p)] up to a constant, with a normal curve of width
    c = 1.6 in place of the logistic one; the last is the price of repetition.

    A measurement of s successes in n rollouts becomes a normal site (y, R) that has the moments of
    the binomial posterior (`bots.logit_sites`). Then, with V = V_k and d the drift::

        covariance^-1 += sum x x' / (V + R),   mean += covariance sum x (y - mu) / (V + R)
        b += V / (V + R) (y - w . x - b),      V <- V R / (V + R) + d^2

    What is not known is learned: tau^2 from b^2 + V at first visits, phi, the rate of fading, from
    surprises at later ones. A learner that keeps what it learnt has phi near 0, and the choice
    comes close to the B tasks of highest utility. One that forgets what it is not trained on has
    phi near .01: then tasks that are believed solved or hopeless must be tried now and then, both
    to notice and to repair, and the draw becomes plainly proportional. On a real model, the B
    highest alone brought held-out solve rates down below where they started
    (docs/research/successor.md).

    Fractional rewards count as kappa trials each, as many as their variance warrants
    (`Evidence.information`, both sums smoothed). Any number of references will do, none too.

    Source: ours. Cost: O(B (61 + P^2) + P^3) per update, with P the length of x, and O(N K) per
    choice; 4 numbers per task.

    Args:
        pool: all its references and its domains are used.
        rng: of the draws.
        target: p* in (0, 1).
        repetition: nu > 0, the visits after which a task is worth half; large: repetition is free.
        drift: d >= 0, sd in logits by which a visit moves a task's residual.
        sharpness: sigma >= 0; very large: the B tasks of highest utility. None: by phi.
        forgetting: phi in [0, .5]. None: learned.
        domains: whether labels are used.
        references: whether reference rates are used.
        learned: whether w is; otherwise it stays at ability 0 and equal weights with sum .7.
        fractional: whether rewards between 0 and 1 count as more than one trial each.
        thompson: whether a draw of each logit takes the place of the expectation.
    """

    NAME = "residual-memory"
    VERSION = 3
    MIGRATIONS: ClassVar = {2: lambda state: state | {"batch_size": 0, "group_size": 0.0}}
    STATE: ClassVar = {
        "residual_N": Within(),
        "variance_N": Within(0, missing=True),
        "visits_N": COUNT,
        "updated_N": COUNT,
        "updates": COUNT,
        "spread": POSITIVE,
        "spread_weight": POSITIVE,
        "fading": Within(0, MOST_FADING),
        "fading_weight": POSITIVE,
        "bernoulli": COUNT,
        "observed": COUNT,
        "batch_size": COUNT,
        "group_size": COUNT,
    }

    PARTS = ("ability",)

    def __init__(
        self,
        pool: Pool,
        rng: np.random.Generator,
        target: float = 0.5,
        repetition: float = 16.0,
        drift: float = 0.15,
        sharpness: float | None = None,
        forgetting: float | None = None,
        domains: bool = True,
        references: bool = True,
        learned: bool = True,
        fractional: bool = True,
        thompson: bool = False,
    ) -> None:
        self._target = checks.number("target", target, 1e-3, 1 - 1e-3)
        self._repetition = checks.number("repetition", repetition, np.nextafter(0.0, 1.0))
        self._drift = checks.number("drift", drift, 0.0)
        if sharpness is not None:
            checks.number("sharpness", sharpness, 0.0)
        self._sharpness = sharpness
        if forgetting is not None:
            checks.number("forgetting", forgetting, 0.0, MOST_FADING)
        self._fades = forgetting is None
        self._learned = checks.flag("learned", learned)
        self._fractional, self._thompson = (
            checks.flag("fractional", fractional),
            checks.flag("thompson", thompson),
        )
        super().__init__(
            pool,
            rng,
            target=target,
            repetition=repetition,
            drift=drift,
            sharpness=sharpness,
            forgetting=forgetting,
            domains=domains,
            references=references,
            learned=learned,
            fractional=fractional,
            thompson=thompson,
        )
        self._ability = LogitAbility(
            pool,
            checks.flag("references", references),
            checks.flag("domains", domains),
            self._learned,
        )
        self._residual_N = np.zeros(pool.num_tasks)
        self._variance_N = np.full(pool.num_tasks, np.nan)  # until the first visit
        self._visits_N = np.zeros(pool.num_tasks)
        self._updated_N = np.zeros(pool.num_tasks)  # the update of the last visit
        self._updates = 0
        self._spread, self._spread_weight = _FIRST_SPREAD**2, _SPREAD_WEIGHT
        self._fading = Fading().rate if forgetting is None else float(forgetting)
        self._fading_weight = Fading().weight
        self._bernoulli = self._observed = 0.0
        self._batch_size, self._group_size = 0, 0.0  # of the last batch; 0: there was none

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        mean_N, variance_N = self._beliefs()
        if self._thompson:
            mean_N = self._rng.normal(mean_N, np.sqrt(variance_N))
            variance_N = np.zeros(mean_N.size)
        width_N = _BELL**2 + variance_N
        key_N = -((mean_N - logit(self._target)) ** 2) / (2 * width_N) - np.log(width_N) / 2
        key_N -= np.log1p(self._visits_N / self._repetition)
        key_N = self._sharpness_now() * key_N + self._rng.gumbel(size=key_N.size)
        chosen = top_b(barred(key_N, excluded), batch_size, self._rng)
        self._visits_N[chosen] += 1
        self._batch_size = batch_size
        return chosen

    def _sharpness_now(self) -> float:
        if self._sharpness is not None:
            return self._sharpness
        return float(np.clip(_SHARPENING / max(self._fading, 1e-9), 1.0, _SHARPEST))

    def _learn(self, evidence: Evidence) -> None:
        self._updates += 1
        self._group_size = evidence.group_size
        tasks_U = evidence.task_ids_U
        first_U = np.isnan(self._variance_N[tasks_U])
        residual_U, variance_U = self._faded(tasks_U)
        x_UP = self._ability.predictors(tasks_U)
        mean_U = x_UP @ self._ability.mean_P + residual_U
        self._ability.walk()
        shared_U = self._ability.shared(x_UP)
        found = self._measured(evidence, mean_U, variance_U + shared_U)
        if self._fades:
            noise_U = shared_U + found.variance_U
            self._learn_fading(tasks_U, found.value_U - mean_U, variance_U, noise_U)
        self._ability.learn(x_UP, found.value_U - mean_U, variance_U + found.variance_U)
        gain_U = variance_U / (variance_U + found.variance_U)
        surprise_U = found.value_U - x_UP @ self._ability.mean_P - residual_U
        self._residual_N[tasks_U] = residual_U + gain_U * surprise_U
        self._variance_N[tasks_U] = gain_U * found.variance_U
        self._learn_spread(tasks_U[first_U])
        self._variance_N[tasks_U] += self._drift**2
        self._updated_N[tasks_U] = self._updates

    def _measured(self, evidence: Evidence, mean_U: Floats, variance_U: Floats) -> Sites:
        """The counts as normal measurements, each reward worth as many trials as it is."""
        worth = 1.0
        if self._fractional:
            bernoulli, observed = evidence.variance_sums
            self._bernoulli = _SMOOTHING * self._bernoulli + max(bernoulli, 0.0)
            self._observed = _SMOOTHING * self._observed + observed
            worth = information(self._bernoulli, self._observed)
        failures_U = evidence.trials_U - evidence.successes_U
        return sites(worth * evidence.successes_U, worth * failures_U, mean_U, variance_U)

    def _learn_spread(self, tasks: Ints) -> None:
        """tau^2, from tasks that were measured for the first time."""
        squares = self._residual_N[tasks] ** 2 + self._variance_N[tasks]
        old = _SPREAD_MEMORY * self._spread_weight
        total = old * self._spread + float(squares.sum())
        self._spread_weight = max(old + tasks.size, 1.0)
        low, high = _SPREADS
        self._spread = float(np.clip(total / (old + tasks.size), low**2, high**2))

    def _learn_fading(
        self, tasks_U: Ints, surprise_U: Floats, variance_U: Floats, noise_U: Floats
    ) -> None:
        """phi, from tasks that were measured before."""
        seen_U = ~np.isnan(self._variance_N[tasks_U])
        tasks = tasks_U[seen_U]
        fading = Fading(self._fading, self._fading_weight).learned(
            surprise_U[seen_U],
            self._variance_N[tasks],
            variance_U[seen_U],
            noise_U[seen_U],
            self._updates - self._updated_N[tasks],
            self._spread,
        )
        self._fading, self._fading_weight = fading.rate, fading.weight

    def _faded(self, tasks: Ints | slice) -> tuple[Floats, Floats]:
        """Means and variances of residuals as they are now."""
        variance = self._variance_N[tasks]
        age = self._updates - self._updated_N[tasks]
        mean, faded = Fading(self._fading).faded(
            self._residual_N[tasks], variance, self._spread, age
        )
        return mean, np.where(np.isnan(variance), self._spread, faded)

    def _beliefs(self) -> tuple[Floats, Floats]:
        """Means and variances of all logits, ability and weights taken as known."""
        residual_N, variance_N = self._faded(slice(None))
        expected_N, of_domains_N = self._ability.expected()
        return residual_N + expected_N, variance_N + of_domains_N

    def solve_rates(self) -> Floats:
        """Expected solve rates, by the usual approximation of a logistic-normal mean."""
        mean_N, variance_N = self._beliefs()
        return expit(mean_N / np.sqrt(1 + np.pi * variance_N / 8))

    def metrics(self) -> dict[str, float]:
        """The shared ability, the spread of residuals, their fading, and the sharpness."""
        return {
            "belief/ability": float(self._ability.mean_P[0]),
            "belief/spread": self._spread**0.5,
            "belief/fading": self._fading,
            "choice/sharpness": self._sharpness_now(),
        }

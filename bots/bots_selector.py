"""BOTS: Bayesian online task selection."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bots import checks
from bots import state as states
from bots._types import Floats, Ints
from bots.acquisition import closeness, softmax_b, top_b
from bots.feedback import Feedback
from bots.implicit import AbstractImplicitEvidence, NoImplicitEvidence
from bots.interpolation import InterpolationEvidence
from bots.pool import Pool
from bots.posterior import BetaPosterior
from bots.selector import AbstractSelector

NAME, VERSION = "bots", 2
MIGRATIONS: dict[int, Callable[[states.State], states.State]] = {
    1: lambda state: state | {"batch_size": 0, "group_size": 0.0}
}
"""By version of older states, what makes the next version of it."""
ENTRIES = ("alpha", "beta", "implicit", "updates", "batch_size", "group_size")


@dataclass(frozen=True, slots=True)
class BOTSConfig:
    """The settings of BOTS; the defaults are the paper's.

    The reference code's class defaults are not the paper's (target 1, temperature 1, no draw,
    lambda = rho = 0.2); its example configuration is.
    """

    forgetting: float = 0.1  # lambda in [0, 1]
    implicit_weight: float = 0.1  # rho in [0, 1]
    target: float = 0.5  # p* in [0, 1]
    thompson: bool = True  # draw from the posterior; False takes its mean
    temperature: float = 0.0  # 0 takes the best B; above, softmax over utility / temperature

    def __post_init__(self) -> None:
        checks.number("forgetting", self.forgetting, 0, 1)
        checks.number("implicit_weight", self.implicit_weight, 0, 1)
        checks.number("target", self.target, 0, 1)
        checks.number("temperature", self.temperature, 0)
        checks.flag("thompson", self.thompson)


BOTS_VARIANTS = {
    "bots": BOTSConfig(),
    "bots-explicit": BOTSConfig(implicit_weight=0.0),
    "bots-mopps": BOTSConfig(forgetting=0.0, implicit_weight=0.0),
    "bots-dots": BOTSConfig(forgetting=1.0, implicit_weight=1.0, thompson=False),
    "bots-greedy": BOTSConfig(thompson=False),
}
"""The paper's method, its ablations, and the forms in which it compares with MoPPS and DOTS.

`bots-mopps` and `bots-dots` are special cases of BOTS, not those methods: see `MoPPSSelector` for
the real one.
"""


def interpolation(pool: Pool, config: BOTSConfig, **options: float) -> AbstractImplicitEvidence:
    """The paper's implicit evidence for a pool: none at rho = 0, else `InterpolationEvidence`.

    Args:
        pool: its references `weak` and `strong` are used.
        config: says whether implicit evidence weighs anything.
        options: for `InterpolationEvidence`.

    Raises:
        ValueError: when the pool lacks a reference that is needed.
    """
    if config.implicit_weight == 0:
        return NoImplicitEvidence()
    missing = {"weak", "strong"} - pool.references.keys()
    if missing:
        raise ValueError(
            f"implicit_weight is {config.implicit_weight:g} but the pool has no reference "
            f"{sorted(missing)}: add the rates to Pool(references=...), pass another implicit "
            "evidence, or set implicit_weight=0"
        )
    return InterpolationEvidence(pool.references["weak"], pool.references["strong"], **options)


class BOTSSelector(AbstractSelector):
    """Keeps a Beta belief about every task and picks the tasks whose solve rate seems nearest p*.

    Each step: draw p_k ~ Beta(alpha_k, beta_k) for every task, take the B tasks with the smallest
    |p_k - p*|, and afterwards update all beliefs with the measured counts and with the implicit
    evidence about the tasks that were not measured (`BetaPosterior.update`).

    Source: arXiv 2510.26374. Differences: those of `BetaPosterior.update`, `InterpolationEvidence`
    and `top_b`; the prior may differ from task to task, as the paper writes and its code cannot;
    state is complete, while the reference code's resumes with all beliefs lost.

    Args:
        pool: the tasks; its references `weak` and `strong` feed the default implicit evidence.
        rng: the selector's own random numbers.
        config: lambda, rho, p*, and how to choose.
        implicit: where predictions for unmeasured tasks come from. Default: interpolation when
            rho > 0, otherwise none.
        prior: alpha_0 and beta_0, one per task. Default Beta(1, 1).

    Raises:
        ValueError: when rho > 0 and the pool has no references, or the prior is of another size.

    Example:
        >>> pool = Pool.numbered(3, {"weak": [0.0, 0.2, 0.9], "strong": [0.3, 0.9, 1.0]})
        >>> selector = BOTSSelector(pool, np.random.default_rng(0), BOTSConfig(thompson=False))
        >>> selector.update(Feedback([0], [1], [10]))
        >>> selector.select(1).tolist()
        [1]
    """

    def __init__(
        self,
        pool: Pool,
        rng: np.random.Generator,
        config: BOTSConfig = BOTS_VARIANTS["bots"],
        implicit: AbstractImplicitEvidence | None = None,
        prior: BetaPosterior | None = None,
    ) -> None:
        self._pool = pool
        self._rng = checks.rng(rng)
        self._config = config
        self._implicit = interpolation(pool, config) if implicit is None else implicit
        self._prior = BetaPosterior.uniform(pool.num_tasks) if prior is None else prior
        if self._prior.num_tasks != pool.num_tasks:
            raise ValueError(
                f"the prior has {self._prior.num_tasks} tasks, the pool {pool.num_tasks}"
            )
        self._posterior = BetaPosterior(self._prior.alpha_N, self._prior.beta_N)
        self._spare = BetaPosterior.uniform(pool.num_tasks)
        self._updates = 0
        self._batch_size, self._group_size = 0, 0.0  # of the last batch; 0: there was none

    @property
    def posterior(self) -> BetaPosterior:
        """A copy of the belief about every task."""
        return BetaPosterior(self._posterior.alpha_N, self._posterior.beta_N)

    def select(self, batch_size: int, exclude: Ints | None = None) -> Ints:
        """The B tasks that seem nearest p*, by a posterior draw or the posterior mean."""
        batch_size = checks.batch_size(batch_size, self._pool.num_tasks)
        excluded = checks.excluded(exclude, batch_size, self._pool.num_tasks)
        self._batch_size = batch_size
        rates_N = (
            self._posterior.sample(self._rng) if self._config.thompson else self._posterior.mean()
        )
        utility_N = closeness(rates_N, self._config.target)
        utility_N[excluded] = -np.inf
        if self._config.temperature == 0:
            return top_b(utility_N, batch_size, self._rng)
        return softmax_b(utility_N, batch_size, self._config.temperature, self._rng)

    def update(self, feedback: Feedback) -> None:
        """One step of forgetting, explicit and implicit evidence for all tasks."""
        evidence = checks.feedback(feedback, self._pool.num_tasks).evidence()
        before = self._implicit.state_dict()
        try:
            posterior = self._posterior.update(
                evidence,
                self._prior,
                self._config.forgetting,
                self._config.implicit_weight,
                self._implicit.observe(evidence),
                self._spare,
            )
        except BaseException:
            self._implicit.load_state_dict(before)
            raise
        self._posterior, self._spare = posterior, self._posterior
        self._updates += 1
        if evidence.task_ids_U.size:
            self._group_size = evidence.group_size

    def solve_rates(self) -> Floats:
        """Posterior means."""
        return self._posterior.mean()

    def metrics(self) -> dict[str, float]:
        """Mean belief, mean effective sample size, updates, and the implicit evidence's own."""
        return {
            "posterior/mean": float(self._posterior.mean().mean()),
            "posterior/effective_sample_size": float(
                self._posterior.effective_sample_size().mean()
            ),
            "posterior/updates": float(self._updates),
            **self._implicit.metrics(),
        }

    def state_dict(self) -> dict[str, Any]:
        """Beliefs, implicit evidence, counter, sizes of the last batch and group, and generator."""
        return {
            **self._header(),
            "alpha": self._posterior.alpha_N.copy(),
            "beta": self._posterior.beta_N.copy(),
            "implicit": self._implicit.state_dict(),
            "updates": self._updates,
            "batch_size": self._batch_size,
            "group_size": self._group_size,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts all of it back."""
        state = states.migrated(state, VERSION, MIGRATIONS)
        states.check(state, self._header(), ENTRIES)
        posterior = BetaPosterior(state["alpha"], state["beta"])
        if posterior.num_tasks != self._pool.num_tasks:
            raise ValueError(
                f"the state has {posterior.num_tasks} beliefs for {self._pool.num_tasks} tasks"
            )
        rng = states.generator(state["rng"])
        updates = checks.integer("updates", state["updates"], 0)
        batch_size = checks.integer("batch_size", state["batch_size"], 0)
        group_size = checks.number("group_size", state["group_size"], 0)
        self._implicit.load_state_dict(state["implicit"])
        self._posterior, self._rng, self._updates = posterior, rng, updates
        self._batch_size, self._group_size = batch_size, group_size

    def _header(self) -> states.State:
        digest = hashlib.sha256(self._prior.alpha_N.tobytes() + self._prior.beta_N.tobytes())
        config = asdict(self._config) | {"prior": digest.hexdigest()}
        return states.header(NAME, VERSION, self._pool, self._rng, config)

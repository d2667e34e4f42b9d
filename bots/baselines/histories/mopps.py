"""MoPPS: model predictive prompt selection."""

from typing import ClassVar

import numpy as np

from bots import checks
from bots._types import Floats, Ints
from bots.acquisition import closeness, top_b
from bots.baselines.base import POSITIVE, AbstractBaseline
from bots.baselines.schedules.shuffle import EpochOrder
from bots.feedback import Evidence
from bots.pool import Pool


class MoPPSSelector(AbstractBaseline):
    """Thompson sampling near a target among a random subset, with beliefs that decay on visit only.

    Each step: take the next `candidate_ratio` x B tasks of an epoch shuffle, draw
    p_k ~ Beta(a_k, b_k) for them, and keep the B with the smallest (p_k - target)^2. Afterwards,
    for the measured tasks alone::

        a <- decay a + (1 - decay) a_0 + s
        b <- decay b + (1 - decay) b_0 + f

    A task that is not visited keeps its belief as it is. That, and the candidate subset, are what
    set it apart from BOTS with rho = 0; the paper of BOTS compares with lambda = rho = 0 instead
    (`bots-mopps`).

    Source: arXiv 2507.04632 and its released code. Defaults: decay 1 and 16 candidates per choice,
    as its MATH scripts set them (its Countdown and Geometry scripts use 0.5 and 8). Differences:
    the released line that resets a to 8 whenever groups have a single rollout is a slip of operator
    precedence and is not reproduced; when the pool has fewer than `candidate_ratio` x B tasks that
    are not excluded, all of them are candidates.

    Args:
        pool: the tasks; only their number is used.
        rng: the selector's own random numbers.
        target: in [0, 1].
        decay: in [0, 1]; 1 never forgets.
        candidate_ratio: candidates per task of the batch, at least 1.
    """

    NAME = "mopps"
    VERSION = 2
    STATE: ClassVar = {"alpha_N": POSITIVE, "beta_N": POSITIVE}
    PARTS = ("epoch",)

    def __init__(
        self,
        pool: Pool,
        rng: np.random.Generator,
        target: float = 0.5,
        decay: float = 1.0,
        candidate_ratio: int = 16,
    ) -> None:
        self._target = checks.number("target", target, 0, 1)
        self._decay = checks.number("decay", decay, 0, 1)
        self._candidate_ratio = checks.integer("candidate_ratio", candidate_ratio, 1)
        super().__init__(pool, rng, target=target, decay=decay, candidate_ratio=candidate_ratio)
        self._epoch = EpochOrder(pool.num_tasks)
        self._alpha_N = np.ones(pool.num_tasks)
        self._beta_N = np.ones(pool.num_tasks)

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        count = min(self._candidate_ratio * batch_size, self._pool.num_tasks - excluded.size)
        candidates = self._epoch.take(count, self._rng, excluded)
        rates = self._rng.beta(self._alpha_N[candidates], self._beta_N[candidates])
        return candidates[top_b(closeness(rates, self._target), batch_size, self._rng)]

    def _learn(self, evidence: Evidence) -> None:
        tasks_U = evidence.task_ids_U
        failures_U = evidence.trials_U - evidence.successes_U
        self._alpha_N[tasks_U] = (
            self._decay * self._alpha_N[tasks_U] + (1 - self._decay) + evidence.successes_U
        )
        self._beta_N[tasks_U] = self._decay * self._beta_N[tasks_U] + (1 - self._decay) + failures_U

    def solve_rates(self) -> Floats:
        """Posterior means; 1/2 for a task never visited."""
        return self._alpha_N / (self._alpha_N + self._beta_N)

    def metrics(self) -> dict[str, float]:
        """Mean belief and mean effective sample size."""
        return {
            "posterior/mean": float(self.solve_rates().mean()),
            "posterior/effective_sample_size": float((self._alpha_N + self._beta_N).mean()),
        }

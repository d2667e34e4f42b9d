"""Prioritised sampling of Kimi k1.5: in proportion to the failure rate."""

from typing import ClassVar

import numpy as np

from bots import checks
from bots._types import Floats, Ints
from bots.baselines.base import COUNT, AbstractBaseline
from bots.baselines.histories.weighted import weighted_b
from bots.feedback import Evidence
from bots.pool import Pool


class KimiSelector(AbstractBaseline):
    """Draws tasks in proportion to how often the model has failed them.

    With S_k successes in T_k trials so far, the success rate is s_k = S_k / T_k, 0 for a task never
    measured, and the chance of task k is proportional to::

        1 - s_k

    A batch holds distinct tasks: they are drawn one after another, in proportion to the weights of
    those left. A task solved in all its trials has weight 0; such tasks are drawn, uniformly, only
    when fewer than B others may be chosen.

    Source: arXiv 2501.12599, prioritised sampling. Cost: none beyond the rollouts trained on.
    Defaults: the report publishes no settings; it says that success rates are tracked, not over
    what span. Here it is the whole run. Differences: `decay` is ours, as are the draws without
    replacement and the rate of tasks never measured, of which the report says nothing. Its other
    half, a curriculum over difficulty labels that precedes the prioritised phase, is left out.

    Args:
        pool: the tasks; only their number is used.
        rng: the selector's own random numbers.
        decay: in [0, 1]; what S and T of a task are multiplied by when it is measured again: 1
            averages over the whole run, 0 goes by the last group alone.
    """

    NAME = "kimi"
    STATE: ClassVar = {"successes_N": COUNT, "trials_N": COUNT}

    def __init__(self, pool: Pool, rng: np.random.Generator, decay: float = 1.0) -> None:
        self._decay = checks.number("decay", decay, 0, 1)
        super().__init__(pool, rng, decay=decay)
        self._successes_N = np.zeros(pool.num_tasks)
        self._trials_N = np.zeros(pool.num_tasks)

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        return weighted_b(1 - self.solve_rates(), batch_size, excluded, self._rng)

    def _learn(self, evidence: Evidence) -> None:
        tasks_U = evidence.task_ids_U
        self._successes_N[tasks_U] = self._decay * self._successes_N[tasks_U] + evidence.successes_U
        self._trials_N[tasks_U] = self._decay * self._trials_N[tasks_U] + evidence.trials_U

    def solve_rates(self) -> Floats:
        """The success rates s; 0 for a task never measured, as the method has it."""
        rates_N = np.zeros(self._trials_N.size)
        np.divide(self._successes_N, self._trials_N, out=rates_N, where=self._trials_N > 0)
        return np.minimum(rates_N, 1, out=rates_N)  # decayed counts may be off by a rounding

    def metrics(self) -> dict[str, float]:
        """Mean success rate of measured tasks, and their share of the pool."""
        seen_N = self._trials_N > 0
        mean = float(self.solve_rates()[seen_N].mean()) if seen_N.any() else 0.0
        return {"kimi/success_rate": mean, "kimi/seen": float(seen_N.mean())}

"""SEC: self-evolving curriculum."""

from typing import ClassVar

import numpy as np

from bots import checks
from bots._types import Floats, Ints
from bots.baselines.bandits.advantage import mean_absolute_advantage
from bots.baselines.bandits.arms import by_domain, entropy, share_out, softmax
from bots.baselines.base import RATE, AbstractBaseline
from bots.feedback import Evidence
from bots.pool import Pool


class SECSelector(AbstractBaseline):
    """Prefers the domains whose rollouts lately had the largest absolute advantages.

    The domains are the arms of a bandit. Each place of the batch draws a domain c, and then a task
    of it uniformly, no task twice. Afterwards the value of each domain that was measured moves
    towards its reward r(c), the mean of |A| over all rollouts of c::

        P(c) = exp(Q(c) / tau) / sum over c' of exp(Q(c') / tau)
        Q(c) <- alpha r(c) + (1 - alpha) Q(c),    Q(c) = 0 at first

    alpha is `learning_rate`, tau is `temperature`, and A is GRPO's advantage with the sample
    standard deviation (n - 1), so that a group with solve rate p has mean |A| =
    2 sqrt(p (1 - p) (n - 1) / n).

    Source: arXiv 2505.14970 (TD(0) on a non-stationary bandit) and its released code.

    Cost: no extra rollouts; a domain label per task.

    Defaults: alpha 0.5 in all of the authors' commands; tau 0.4 in the one for mathematics (1.0
    for Countdown, 0.2 for mixtures of puzzles and levels).

    Differences: the released code moves the value of a domain that is absent from the batch towards
    0, here it keeps its value, as the formula has it. The code deals each domain's tasks out in a
    shuffled order until none is left, here they are drawn afresh at each step, as the paper
    describes. Counts of a task that was rolled out twice in a step are one group. Places that drew
    a domain with no task left draw again among the other domains, with the same weights; the code
    then takes any domain that has tasks left with equal chances.

    Args:
        pool: the tasks, with domains.
        rng: the selector's own random numbers.
        learning_rate: alpha, in [0, 1].
        temperature: tau, positive.

    Raises:
        ValueError: when the pool has no domains.
    """

    NAME = "sec"
    STATE: ClassVar = {"value_K": RATE}

    def __init__(
        self,
        pool: Pool,
        rng: np.random.Generator,
        learning_rate: float = 0.5,
        temperature: float = 0.4,
    ) -> None:
        self._learning_rate = checks.number("learning_rate", learning_rate, 0, 1)
        self._temperature = checks.number("temperature", temperature, 1e-6)
        super().__init__(pool, rng, learning_rate=learning_rate, temperature=temperature)
        self._arms = by_domain(self.NAME, pool)
        self._value_K = np.zeros(self._arms.num_arms)

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        left_K = self._arms.left(excluded)
        counts_K = share_out(self._logits(), left_K, batch_size, self._rng)
        return self._arms.draw(counts_K, excluded, self._rng)

    def _learn(self, evidence: Evidence) -> None:
        gain_U = mean_absolute_advantage(evidence.successes_U, evidence.trials_U)
        arms, gains = self._arms.means(evidence.task_ids_U, gain_U, evidence.trials_U)
        self._value_K[arms] += self._learning_rate * (gains - self._value_K[arms])

    def metrics(self) -> dict[str, float]:
        """Mean value of the domains, and the entropy of their probabilities in nats."""
        return {
            "sec/value": float(self._value_K.mean()),
            "sec/entropy": entropy(softmax(self._logits())),
        }

    def _logits(self) -> Floats:
        return self._value_K / self._temperature

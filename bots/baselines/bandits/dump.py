"""DUMP: distribution-level curriculum by upper confidence bounds."""

from typing import ClassVar

import numpy as np

from bots import checks
from bots._types import Floats, Ints
from bots.baselines.bandits.advantage import mean_absolute_advantage
from bots.baselines.bandits.arms import by_domain, entropy, share_out, softmax
from bots.baselines.base import COUNT, RATE, AbstractBaseline
from bots.feedback import Evidence
from bots.pool import Pool


class DUMPSelector(AbstractBaseline):
    """Draws domains by an upper confidence bound on their recent absolute advantages.

    Each place of the batch draws a domain j, and then a task of it uniformly, no task twice::

        score(j) = mu_j + c sqrt(2 ln(n + 1) / (n_j + 1)),    P(j) = softmax(score / tau)

    mu_j is the mean of |A| over the last `window` rollouts of domain j (0 before the first), n_j
    the number of all its rollouts so far and n their sum over the domains, at least 1. c is
    `exploration`, tau is `temperature`. Since n_j never forgets, the bonus vanishes with time,
    while mu_j follows the learner. A is GRPO's advantage, with the sample standard deviation of its
    group, so that a group with s of G solved has mean |A| = 2 sqrt(p (1 - p) (G - 1) / G), p = s/G.

    Source: arXiv 2504.09710 and its released code.

    Cost: no extra rollouts; a domain label per task.

    Defaults: window 300, tau 0.1 and c 1, as in the code.

    Differences: the code keeps the advantage of every rollout; here each rollout of a group enters
    the window with its group's mean |A|, because counts do not say in which order successes came.
    Nor does feedback say in which order groups came: those of one feedback enter in random order,
    so that, where they hold more than `window` rollouts of a domain, mu_j is the mean over a random
    part of them, cut within a group at the window's edge. The code also adds an entry
    per domain at each validation run, which is left out. The code may draw a task twice in a batch.
    Places that drew a domain with no task left draw again among the other domains, with the same
    weights. Counts of a task that was rolled out twice in a step are one group.

    Args:
        pool: the tasks, with domains.
        rng: the selector's own random numbers.
        window: rollouts per domain that are averaged, at least 1.
        temperature: tau, positive.
        exploration: c, at least 0.

    Raises:
        ValueError: when the pool has no domains.
    """

    NAME = "dump"
    STATE: ClassVar = {"window_KW": RATE, "rollouts_K": COUNT}

    def __init__(
        self,
        pool: Pool,
        rng: np.random.Generator,
        window: int = 300,
        temperature: float = 0.1,
        exploration: float = 1.0,
    ) -> None:
        self._window = checks.integer("window", window, 1)
        self._temperature = checks.number("temperature", temperature, 1e-6)
        self._exploration = checks.number("exploration", exploration, 0)
        super().__init__(pool, rng, window=window, temperature=temperature, exploration=exploration)
        self._arms = by_domain(self.NAME, pool)
        self._window_KW = np.zeros((self._arms.num_arms, self._window))  # the latest on the right
        self._rollouts_K = np.zeros(self._arms.num_arms, dtype=np.int64)

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        left_K = self._arms.left(excluded)
        counts_K = share_out(self._logits(), left_K, batch_size, self._rng)
        return self._arms.draw(counts_K, excluded, self._rng)

    def _learn(self, evidence: Evidence) -> None:
        gain_U = mean_absolute_advantage(evidence.successes_U, evidence.trials_U)
        arm_U = self._arms.arm_N[evidence.task_ids_U]
        trials_U = np.rint(evidence.trials_U).astype(np.int64)
        np.add.at(self._rollouts_K, arm_U, trials_U)
        entries_U = np.minimum(trials_U, self._window)
        order_U = self._rng.permutation(arm_U.size)  # tasks come ascending, whatever they are
        for arm in np.unique(arm_U):
            groups = order_U[arm_U[order_U] == arm]
            entries = np.repeat(gain_U[groups], entries_U[groups])[-self._window :]
            self._window_KW[arm] = np.append(self._window_KW[arm, entries.size :], entries)

    def metrics(self) -> dict[str, float]:
        """Mean of mu and of the bonus over domains, and the entropy of P in nats."""
        return {
            "dump/advantage": float(self._advantages().mean()),
            "dump/bonus": float(self._bonuses().mean()),
            "dump/entropy": entropy(softmax(self._logits())),
        }

    def _logits(self) -> Floats:
        return (self._advantages() + self._bonuses()) / self._temperature

    def _advantages(self) -> Floats:
        """mu; entries that were not filled yet are 0 and are not counted."""
        filled_K = np.clip(self._rollouts_K, 1, self._window)
        return self._window_KW.sum(axis=1) / filled_K

    def _bonuses(self) -> Floats:
        total = max(int(self._rollouts_K.sum()), 1)
        return self._exploration * np.sqrt(2 * np.log(total + 1) / (self._rollouts_K + 1))

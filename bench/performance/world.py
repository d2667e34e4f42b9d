"""The pool and the learner that all contenders are timed on."""

from dataclasses import dataclass

import numpy as np

from bots._types import Floats, Floats32, Ints
from bots.baselines.predictors.prediction import sigmoid

GROUP_SIZE = 16
_REFERENCE_ROLLOUTS = 16
_STRAYING = 1.0  # sd of a task's logit around the learner's place between the references
_EDGE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """N tasks, what two references did on them, and how often a learner solves them.

    Attributes:
        weak_N: solve rates of the weak reference, shape (N,), from 16 rollouts unless exact.
        strong_N: likewise.
        truth_N: the learner's solve rates: half way between the references, give or take a normal
            error in logits.
        group_size: n.
    """

    weak_N: Floats
    strong_N: Floats
    truth_N: Floats32
    group_size: int
    _rng: np.random.Generator

    @staticmethod
    def of(num_tasks: int, exact: bool = False, seed: int = 0) -> "World":
        """A world with uniform weak rates and strong rates between those and 1.

        Args:
            num_tasks: N.
            exact: whether references are known exactly, so that all their rates differ.
            seed: of everything.
        """
        rng = np.random.default_rng(seed)
        weak_N = rng.random(num_tasks)
        strong_N = weak_N + (1 - weak_N) * rng.random(num_tasks)
        middle_N = np.clip((weak_N + strong_N) / 2, _EDGE, 1 - _EDGE)
        logits_N = np.log(middle_N / (1 - middle_N)) + _STRAYING * rng.standard_normal(num_tasks)
        if not exact:
            weak_N, strong_N = (
                rng.binomial(_REFERENCE_ROLLOUTS, rates_N) / _REFERENCE_ROLLOUTS
                for rates_N in (weak_N, strong_N)
            )
        return World(weak_N, strong_N, sigmoid(logits_N).astype(np.float32), GROUP_SIZE, rng)

    @property
    def num_tasks(self) -> int:
        """N."""
        return self.weak_N.size

    def solved(self, ids_B: Ints) -> Floats:
        """How many of n rollouts solve each task, shape (B,)."""
        return self._rng.binomial(self.group_size, self.truth_N[ids_B]).astype(np.float64)

    def informative(self, solved_B: Floats) -> float:
        """Share of groups with both successes and failures."""
        return float(((solved_B > 0) & (solved_B < self.group_size)).mean())

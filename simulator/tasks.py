"""The tasks' own parameters, and what a task's solve rate depends on besides them."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Tasks(NamedTuple):
    """Item parameters of N tasks, shape (N,). A named tuple, so that kernels take it.

    Attributes:
        logit_N: the learner's initial logit of solving the task; minus its difficulty.
        slope_N: a, the gain in logit per unit of ability (discrimination).
        transfer_N: v > 0, what a gradient step on this task is worth, relative to others.
        guess_N: g in [0, 1], solve rate without any ability.
        ceiling_N: c in [g, 1], solve rate at unlimited ability; 0 for an unsolvable task.
        domain_N: place of the task's domain in the ability vector.
        skill_N: place of its skill in the ability vector.
    """

    logit_N: Floats
    slope_N: Floats
    transfer_N: Floats
    guess_N: Floats
    ceiling_N: Floats
    domain_N: Ints
    skill_N: Ints

    @property
    def num_tasks(self) -> int:
        """N."""
        return self.logit_N.size

    def take(self, places: Ints | Bools) -> "Tasks":
        """The tasks at these places, in this order."""
        return Tasks._make(array[places] for array in self)


class Ability(NamedTuple):
    """All that moves while the learner trains, and how it enters a task's logit.

    Attributes:
        skills_D: general ability, then one entry per domain, then one per skill; 0 at the start.
        general: square root of the general ability's weight in every task.
        domain: the same for the task's domain.
        skill: the same for the task's skill.
        sharpening: how far likely answers are reinforced beyond ability, s times mean growth.
        gate: F in [0, 1], the chance that an answer has the format that can be graded at all.
        step: number of training steps so far.
        drift_sd: standard deviation of a task's own drift after 400 steps, in logits.
        drift_key: seed of that drift.
    """

    skills_D: Floats
    general: float
    domain: float
    skill: float
    sharpening: float
    gate: float
    step: int
    drift_sd: float
    drift_key: np.uint64

"""The tasks' own parameters, and what a task's solve rate depends on besides them."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]

NEVER = np.iinfo(np.int32).max


class Tasks(NamedTuple):
    """Item parameters of N tasks, shape (N,). A named tuple, so that kernels take it.

    48 bytes per task: numbers are float32, places int16. Build it with `assemble`.

    Attributes:
        logit_N: the learner's initial logit of solving one step of the task.
        slope_N: a, the gain in logit per unit of ability (discrimination).
        transfer_N: v, what a gradient step on this task is worth, relative to others.
        guess_N: g in [0, 1], solve rate without any ability.
        ceiling_N: c in [g, 1], solve rate at unlimited ability; 0 for an unsolvable task.
        threshold_N: mastery of the needed skill at which half of the rate is there.
        log_tokens_N: mean log length of a right answer.
        domain_N: place of the task's domain in the ability vector.
        skill_N: place of its skill in the ability vector.
        need_N: place of the skill that it needs first; 0 for none.
        chain_N: L >= 1, steps that must all succeed.
        wrong_N: whether a mistake is rewarded instead of the right answer.
        cluster_N: near duplicates have the same number, below N.
        arrives_N: first step at which the task is in the pool.
        leaves_N: first step at which it is no longer there; NEVER for most.
    """

    logit_N: Array
    slope_N: Array
    transfer_N: Array
    guess_N: Array
    ceiling_N: Array
    threshold_N: Array
    log_tokens_N: Array
    domain_N: Array
    skill_N: Array
    need_N: Array
    chain_N: Array
    wrong_N: Array
    cluster_N: Array
    arrives_N: Array
    leaves_N: Array

    @property
    def num_tasks(self) -> int:
        """N."""
        return self.logit_N.size

    @property
    def come_and_go(self) -> bool:
        """Whether any task is missing from the pool at some step."""
        return bool(self.arrives_N.max() > 0 or self.leaves_N.min() < NEVER)

    def take(self, places: Ints | Bools) -> "Tasks":
        """The tasks at these places, in this order; clusters are numbered anew."""
        return number_clusters(Tasks._make(array[places] for array in self))


_KINDS = [np.float32] * 7 + [np.int16] * 3 + [np.int8, np.bool_] + [np.int32] * 3
_TYPES = dict(zip(Tasks._fields, _KINDS, strict=True))
_PLAIN = {
    "slope_N": 1.0,
    "transfer_N": 1.0,
    "guess_N": 0.0,
    "ceiling_N": 1.0,
    "threshold_N": 0.0,
    "log_tokens_N": 6.0,
    "need_N": 0,
    "chain_N": 1,
    "wrong_N": False,
    "arrives_N": 0,
    "leaves_N": NEVER,
}


def assemble(
    logit_N: npt.ArrayLike, domain_N: npt.ArrayLike, skill_N: npt.ArrayLike, **others: npt.ArrayLike
) -> Tasks:
    """Tasks from these arrays, in the types that kernels are compiled for.

    What is left out is that of a plain task: slope, transfer and ceiling 1, no guessing, one step,
    a sound label, a cluster of its own, always there.

    Raises:
        ValueError: for an array of another length.
    """
    size = np.size(logit_N)
    given = {"logit_N": logit_N, "domain_N": domain_N, "skill_N": skill_N, **others}
    given = {**_PLAIN, "cluster_N": np.arange(size), **given}
    arrays = []
    for name, kind in _TYPES.items():
        values = np.asarray(given[name])
        if values.ndim and values.shape != (size,):
            raise ValueError(f"{name} has shape {values.shape}; it must be ({size},)")
        arrays.append(np.ascontiguousarray(np.broadcast_to(values, (size,)).astype(kind)))
    return Tasks._make(arrays)


def number_clusters(tasks: Tasks) -> Tasks:
    """The same tasks with clusters numbered 0, 1, ... without gaps."""
    _, numbers_N = np.unique(tasks.cluster_N, return_inverse=True)
    return tasks._replace(cluster_N=numbers_N.astype(np.int32))


class Ability(NamedTuple):
    """All that moves while the learner trains, and how it enters a task's logit.

    Attributes:
        skills_D: general ability, then one entry per domain, then one per skill; 0 at the start.
        general: square root of the general ability's weight in every task.
        domain: the same for the task's domain.
        skill: the same for the task's skill.
        sharpening: how far likely answers are reinforced beyond ability, s times mean growth.
        wandering: sd of the tasks' own responses to growth, o times mean growth.
        gate: F in [0, 1], the chance that an answer has the format that can be graded at all.
        step: number of training steps so far.
        drift_sd: standard deviation of a task's own drift after 400 steps, in logits.
        key: seed of drift and own responses.
        memory_C: what each cluster's own training left, in logits, at its last visit.
        touched_C: the step of that visit.
        memory_steps: steps after which 1/e of it is left.
    """

    skills_D: Floats
    general: float
    domain: float
    skill: float
    sharpening: float
    wandering: float
    gate: float
    step: int
    drift_sd: float
    key: np.uint64
    memory_C: npt.NDArray[np.float32]
    touched_C: npt.NDArray[np.int32]
    memory_steps: float

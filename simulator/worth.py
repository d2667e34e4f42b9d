"""What a group of each task is worth to the held-out solve rate, to first order."""

import numpy as np

from simulator import kernels
from simulator.law import LearnerLaw
from simulator.tasks import Ability, Bools, Floats, Tasks


def heldout_gradient(heldout: Tasks, ability: Ability, present_N: Bools) -> tuple[Floats, float]:
    """Derivatives of the mean held-out solve rate by each ability, shape (D,), and by the gate."""
    rate_N, to_logit_N, to_gate_N, to_need_N = _responses(heldout, ability)
    variance_N = np.where(present_N, rate_N * (1 - rate_N), 0.0) / present_N.sum()
    push_N, need_N = variance_N * to_logit_N * heldout.slope_N, variance_N * to_need_N
    gradient_D = np.zeros(ability.skills_D.size)
    np.add.at(gradient_D, heldout.domain_N, ability.domain * (push_N + need_N))
    np.add.at(gradient_D, heldout.skill_N, ability.skill * push_N)
    np.add.at(gradient_D, heldout.need_N, ability.skill * need_N)
    gradient_D[0] = ability.general * (push_N + need_N).sum()
    return gradient_D, float((variance_N * to_gate_N).sum())


def moved(gradient_D: Floats, skills_D: Floats, law: LearnerLaw, num_domains: int) -> Floats:
    """A gradient by ability, shape (D,), after capacity and interference.

    The map is linear and symmetric, so it serves both ways: it gives the direction in which a
    training gradient moves the abilities, and, applied to the derivatives of the held-out mean,
    what a unit of training gradient on each ability is worth.
    """
    domains = slice(1, 1 + num_domains)
    moved_D = gradient_D * np.maximum(1 - skills_D / law.capacity, 0.0)
    moved_D[domains] -= law.interference * (gradient_D[domains].sum() - gradient_D[domains])
    return moved_D


def of_a_unit_weight(
    tasks: Tasks,
    ability: Ability,
    moved_D: Floats,
    moved_by_gate: float,
    price_N: Floats,
    lost: float,
) -> tuple[Floats, Floats]:
    """Solve rates, and gains of one group of weight 1 per task, each of shape (N,).

    gain = (h v . moved + gate) / price - lost |h|, with `price_N` = 1 + visits / nu.
    """
    rate_N, to_logit_N, to_gate_N, to_need_N = _responses(tasks, ability)
    shared_N = ability.general * moved_D[0] + ability.domain * moved_D[tasks.domain_N]
    gains_N = to_logit_N * (shared_N + ability.skill * moved_D[tasks.skill_N])
    gains_N += to_need_N * (shared_N + ability.skill * moved_D[tasks.need_N])
    gains_N *= tasks.transfer_N
    gains_N += to_gate_N * moved_by_gate
    return rate_N, gains_N / price_N - lost * np.abs(to_logit_N)


def _responses(tasks: Tasks, ability: Ability) -> Floats:
    responses_4N = np.empty((4, tasks.num_tasks))
    kernels.all_responses(tasks, ability, responses_4N)
    return responses_4N

"""A synthetic learner: latent abilities that move as GRPO would move them."""

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator import kernels
from simulator.tasks import Ability, Floats, Ints, Tasks


@dataclass(frozen=True, slots=True)
class LearnerLaw:
    """How the learner learns. `docs/simulator.md` gives each constant's basis."""

    learning_rate: float = 0.015  # eta, logits per step at the reference batch and unit gradient
    batch_exponent: float = 0.5  # alpha in [0, 1]: a step grows as (informative groups)^alpha
    general_weight: float = 0.35  # share of a task's logit variance that general ability carries
    domain_weight: float = 0.45  # likewise the task's domain; the rest is its skill's
    sharpening: float = 0.22  # s >= 0
    drift_sd: float = 0.4  # sd of a task's own drift after 400 steps, in logits
    capacity: float = 8.0  # R > 0: an ability stops growing there
    noise: float = 0.1  # gradient noise in units of the sampling error of the batch mean
    gate_logit: float = math.inf  # phi at the start; infinity: every answer is in format
    gate_rate: float = 0.0  # kappa_phi: how fast the format is learnt, relative to ability

    def __post_init__(self) -> None:
        rules = {
            "learning_rate": self.learning_rate >= 0,
            "batch_exponent": 0 <= self.batch_exponent <= 1,
            "general_weight": self.general_weight >= 0,
            "domain_weight": 0 <= self.domain_weight <= 1 - self.general_weight,
            "sharpening": self.sharpening >= 0,
            "drift_sd": self.drift_sd >= 0,
            "capacity": self.capacity > 0,
            "noise": self.noise >= 0,
            "gate_logit": not math.isnan(self.gate_logit),
            "gate_rate": self.gate_rate >= 0,
        }
        for name, holds in rules.items():
            if not holds:
                raise ValueError(
                    f"{name} is {getattr(self, name)}; see LearnerLaw for its range "
                    "(shares lie in [0, 1], sum to at most 1; scales are not negative)"
                )


_STATE_ENTRIES = {"fingerprint", "skills", "gate_logit", "step", "drawn_tasks", "drawn_counts"}
_REFERENCE_BATCH = 128
_REFERENCE_GROUP = 16


class Learner:
    """Solve rates that rise as the learner trains on groups of rollouts.

    A task's logit is l = l_0 + a (sqrt(w_g) theta_0 + sqrt(w_d) theta_domain + sqrt(w_s)
    theta_skill) + drift, sharpened to l + s Theta 3 tanh(l / 3), with Theta the mean growth of
    ability; its solve rate is p = g + (c - g) F sigma(l).

    For binary rewards the expected GRPO gradient of a group, given its mean reward m, is exactly
    sqrt(m (1 - m)) grad logit p. Training on a batch whose N_e informative groups have n rollouts
    each therefore moves the abilities by::

        G_i      = sum_k sqrt(m_k (1 - m_k)) h_k v_k x_ki / N_e
        theta_i += eta (N_e / 128)^alpha sqrt(n / 16) [G_i (1 - theta_i / R)+ + noise]

    where h = d logit p / d l, v is the task's transfer value and x its loadings; the factor
    sqrt(n / 16) is dropped at alpha = 0. The format gate phi moves likewise. Groups whose rewards
    are all equal contribute nothing. No target solve rate is favoured except through this identity.

    All randomness is counter-based: a task at a step has the same draws whatever was selected, and
    the same seed gives the same bits for any number of threads.

    Args:
        tasks: the pool.
        heldout: tasks of the held-out evaluation, never trained on and free of drift.
        law: how the learner learns.
        seed: of rollouts, drift and gradient noise, a non-negative integer.
    """

    def __init__(self, tasks: Tasks, heldout: Tasks, law: LearnerLaw, seed: int) -> None:
        self.tasks = tasks
        self.law = law
        self._heldout = heldout
        keys = np.random.SeedSequence(seed).generate_state(3, np.uint64)
        self._rollout_key, self._drift_key, self._noise_key = keys
        places = (tasks.skill_N, tasks.domain_N, heldout.skill_N, heldout.domain_N)
        self._skills_D = np.zeros(1 + max(int(array.max()) for array in places))
        self._num_domains = int(max(tasks.domain_N.max(), heldout.domain_N.max()))
        self._gate_logit = law.gate_logit
        self._step = 0
        self._drawn_N = np.zeros(tasks.num_tasks, dtype=np.int64)
        self._touched: list[Ints] = []

    @property
    def step(self) -> int:
        """Number of training steps so far."""
        return self._step

    def sample(self, task_ids_B: Ints, group_size: int) -> Floats:
        """Rewards in {0, 1} of one group per task, shape (B, `group_size`)."""
        self._check_ids(task_ids_B)
        rates_B = kernels.solve_rates(self.tasks, task_ids_B, self._ability())
        self._touched.append(task_ids_B)
        return kernels.rollouts(
            rates_B, task_ids_B, self._drawn_N, group_size, self._rollout_key, self._step
        )

    def train(self, task_ids_B: Ints, successes_B: Floats, trials_B: Floats) -> dict[str, float]:
        """One GRPO step on these groups; figures about it."""
        self._check_ids(task_ids_B)
        informative = np.flatnonzero((successes_B > 0) & (successes_B < trials_B))
        size = 0.0
        if informative.size:
            tasks_E = task_ids_B[informative]
            weights_E = _group_std(successes_B[informative] / trials_B[informative])
            size = self._step_size(informative.size, float(trials_B[informative].mean()))
            self._learn(tasks_E, weights_E, size, float(trials_B[informative].sum()))
        self._step += 1
        for task_ids in self._touched:
            self._drawn_N[task_ids] = 0
        self._touched.clear()
        return {"learner/informative_groups": float(informative.size), "learner/step_size": size}

    def solve_rates(self, task_ids: Ints | None = None) -> Floats:
        """True solve rates of these tasks, or of all."""
        if task_ids is None:
            task_ids = np.arange(self.tasks.num_tasks)
        self._check_ids(task_ids)
        return kernels.solve_rates(self.tasks, task_ids, self._ability())

    def heldout_solve_rate(self) -> float:
        """Mean true solve rate of the held-out tasks."""
        everything = np.arange(self._heldout.num_tasks)
        return float(kernels.solve_rates(self._heldout, everything, self._heldout_ability()).mean())

    def expected_gains(self, group_size: int) -> Floats:
        """First-order gain in held-out solve rate to be expected of one group of each task.

        E[sqrt(m (1 - m))] (d theta, d phi per unit of group weight) . (gradient of the held-out
        mean), up to the step size that a batch's tasks share. For oracles only.
        """
        ability = self._ability()
        everything = np.arange(self.tasks.num_tasks)
        to_logit_N, to_gate_N = kernels.sensitivities(self.tasks, everything, ability)
        gradient_D, gate_gradient = self._heldout_gradient()
        gradient_D *= np.maximum(1 - self._skills_D / self.law.capacity, 0.0)
        towards_N = (
            ability.general * gradient_D[0] + ability.domain * gradient_D[self.tasks.domain_N]
        )
        towards_N += ability.skill * gradient_D[self.tasks.skill_N]
        gains_N = to_logit_N * self.tasks.transfer_N * towards_N
        gains_N += self.law.gate_rate * to_gate_N * gate_gradient
        return gains_N * _expected_group_std(self.solve_rates(), group_size)

    def state_dict(self) -> dict[str, Any]:
        """Abilities, gate, step and the draws used at it; the tasks themselves are rebuilt."""
        drawn = np.flatnonzero(self._drawn_N)
        return {
            "fingerprint": self._fingerprint(),
            "skills": self._skills_D.copy(),
            "gate_logit": self._gate_logit,
            "step": self._step,
            "drawn_tasks": drawn,
            "drawn_counts": self._drawn_N[drawn],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts back what `state_dict` returned.

        Raises:
            ValueError: for the state of another learner, or damaged state; nothing is changed then.
        """
        if not isinstance(state, dict) or state.get("fingerprint") != self._fingerprint():
            raise ValueError(
                "the state belongs to another learner (its tasks, law or seed differ): "
                "build the learner from the scenario and seed it was saved with"
            )
        if set(state) != _STATE_ENTRIES:
            raise ValueError(f"the state has entries {sorted(state)}, not {sorted(_STATE_ENTRIES)}")
        skills_D = np.array(state["skills"], dtype=np.float64)
        drawn = np.array(state["drawn_tasks"], dtype=np.int64)
        counts = np.array(state["drawn_counts"], dtype=np.int64)
        gate_logit, step = float(state["gate_logit"]), int(state["step"])
        self._check_ids(drawn)
        sound = skills_D.shape == self._skills_D.shape and np.isfinite(skills_D).all()
        if not sound or drawn.shape != counts.shape or math.isnan(gate_logit) or step < 0:
            raise ValueError("the state is damaged: go back to an earlier checkpoint")
        self._skills_D, self._gate_logit, self._step = skills_D, gate_logit, step
        self._drawn_N[:] = 0
        self._drawn_N[drawn] = counts
        self._touched = [drawn]

    def _check_ids(self, task_ids: Ints) -> None:
        """Compiled loops do not check bounds."""
        if task_ids.size and not 0 <= task_ids.min() <= task_ids.max() < self.tasks.num_tasks:
            raise ValueError(
                f"task ids span {task_ids.min()} to {task_ids.max()}; "
                f"the pool has 0 to {self.tasks.num_tasks - 1}"
            )

    def _step_size(self, groups: int, group_size: float) -> float:
        law = self.law
        scale = law.learning_rate * (groups / _REFERENCE_BATCH) ** law.batch_exponent
        return (
            scale if law.batch_exponent == 0 else scale * math.sqrt(group_size / _REFERENCE_GROUP)
        )

    def _learn(self, tasks_E: Ints, weights_E: Floats, size: float, rollouts: float) -> None:
        ability = self._ability()
        to_logit_E, to_gate_E = kernels.sensitivities(self.tasks, tasks_E, ability)
        push_E = weights_E * to_logit_E * self.tasks.transfer_N[tasks_E] / tasks_E.size
        gradient_D = np.zeros(self._skills_D.size)
        gradient_D[0] = ability.general * push_E.sum()
        np.add.at(gradient_D, self.tasks.domain_N[tasks_E], ability.domain * push_E)
        np.add.at(gradient_D, self.tasks.skill_N[tasks_E], ability.skill * push_E)
        room_D = np.maximum(1 - self._skills_D / self.law.capacity, 0.0)
        noise_D = kernels.noises(self._noise_key, self._step, gradient_D.size)
        noise_D *= self.law.noise / math.sqrt(rollouts)
        self._skills_D = self._skills_D + size * (gradient_D * room_D + noise_D)
        self._gate_logit += size * self.law.gate_rate * float((weights_E * to_gate_E).mean())

    def _ability(self) -> Ability:
        law = self.law
        general, domain = math.sqrt(law.general_weight), math.sqrt(law.domain_weight)
        skill = math.sqrt(max(1 - law.general_weight - law.domain_weight, 0.0))
        domains = self._skills_D[1 : self._num_domains + 1]
        growth = general * self._skills_D[0] + domain * domains.mean()
        growth += skill * self._skills_D[self._num_domains + 1 :].mean()
        return Ability(
            self._skills_D,
            general,
            domain,
            skill,
            law.sharpening * max(float(growth), 0.0),
            1 / (1 + math.exp(-self._gate_logit)),
            self._step,
            law.drift_sd,
            self._drift_key,
        )

    def _heldout_ability(self) -> Ability:
        return self._ability()._replace(drift_sd=0.0)

    def _heldout_gradient(self) -> tuple[Floats, float]:
        """Derivative of the held-out mean by each ability and by the gate's logit."""
        tasks, ability = self._heldout, self._heldout_ability()
        everything = np.arange(tasks.num_tasks)
        rates_N = kernels.solve_rates(tasks, everything, ability)
        variance_N = rates_N * (1 - rates_N) / tasks.num_tasks
        to_logit_N, to_gate_N = kernels.sensitivities(tasks, everything, ability)
        push_N = variance_N * to_logit_N * tasks.slope_N
        gradient_D = np.zeros(self._skills_D.size)
        gradient_D[0] = ability.general * push_N.sum()
        np.add.at(gradient_D, tasks.domain_N, ability.domain * push_N)
        np.add.at(gradient_D, tasks.skill_N, ability.skill * push_N)
        return gradient_D, float((variance_N * to_gate_N).sum())

    def _fingerprint(self) -> str:
        digest = hashlib.sha256(repr((self.law, self._rollout_key, self._drift_key)).encode())
        for array in (*self.tasks, *self._heldout):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def _group_std(rates: Floats) -> Floats:
    return np.sqrt(rates * (1 - rates))


def _expected_group_std(rates_N: Floats, group_size: int) -> Floats:
    """E[sqrt(m (1 - m))] for m the mean of `group_size` Bernoulli draws, by interpolation in p."""
    grid = np.linspace(0.0, 1.0, 2001)
    table = np.zeros(grid.size)
    for successes in range(1, group_size):
        chance = math.comb(group_size, successes) * grid**successes
        chance *= (1 - grid) ** (group_size - successes)
        table += chance * _group_std(np.array(successes / group_size))
    return np.interp(rates_N, grid, table)

"""A synthetic learner: latent abilities that move as policy-gradient training would move them."""

import hashlib
import math
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator import checks, kernels, worth
from simulator.blocks import in_blocks
from simulator.gains import GAIN_LAWS, expected_weights, score_slope
from simulator.law import LearnerLaw
from simulator.tasks import Ability, Floats, Ints, Tasks

_STATE_ENTRIES = {
    "fingerprint",
    "step",
    "skills",
    "gates",
    "drawn_tasks",
    "drawn_counts",
    "visited",
    "visits",
    "memory",
    "touched",
}
_REFERENCE_BATCH = 128
_REFERENCE_GROUP = 16
_EMPTY = np.empty(0, np.float32), np.empty(0, np.int32)


class Learner:
    """Solve rates that rise as the learner trains on groups of rollouts.

    A task's logit is l = l_0 + a (sqrt(w_g) theta_0 + sqrt(w_d) theta_domain + sqrt(w_s)
    theta_skill) + its own drift, response to growth and memory, sharpened to l + s Theta 3
    tanh(l / 3), with Theta the mean growth of ability; its solve rate is p = g + (c - g) F U
    sigma(l)^L, with F the format gate and U how far the skill it needs first is mastered.

    Training on a batch whose N_e informative groups have n rollouts each moves the abilities by::

        G_i      = sum_k w_k h_k v_k x_ki / ((1 + visits_k / nu) N_e)
        G_0     -= xi kappa sum_k w_k |h_k| / N_e
        s        = eta (N_e / 128)^alpha sqrt(n / 16) exp(-omega lag)
        theta_i += s (G_i (1 - theta_i / R)+ + noise)

    where w is the gain law's weight of the group (`simulator.gains`), h = d logit p / d l, v the
    task's transfer value and x its loadings; the factor sqrt(n / 16) is dropped at alpha = 0. The
    gate moves likewise. Groups whose rewards are all equal contribute nothing. `docs/simulator.md`
    has the whole model.

    All randomness is counter-based: a task at a step has the same draws whatever was selected, and
    the same seed gives the same bits for any number of threads.

    Args:
        tasks: the pool.
        heldout: tasks of the held-out evaluation, never trained on and free of drift.
        law: how the learner learns.
        seed: of rollouts, drift and gradient noise, a non-negative integer.
        sub_tests: J, pass-or-fail tests whose mean is a reward.
        correlation: of two tests of one rollout, in [0, 1).
    """

    def __init__(
        self,
        tasks: Tasks,
        heldout: Tasks,
        law: LearnerLaw,
        seed: int,
        sub_tests: int = 1,
        correlation: float = 0.0,
    ) -> None:
        self.tasks = tasks
        self.law = law
        self._heldout = heldout
        self._tests = sub_tests, correlation
        keys = np.random.SeedSequence(seed).generate_state(6, np.uint64)
        self._rollout_keys, self._heldout_keys = keys[[0, 3]], keys[[4, 5]]
        self._drift_key, self._noise_key = keys[1], keys[2]
        pools = tasks, heldout
        self._num_domains = max(int(pool.domain_N.max()) for pool in pools)
        size = 1 + max(int(pool.skill_N.max()) for pool in pools)
        start = _jumped(law, 0, np.zeros(max(size, 1 + self._num_domains)), self._num_domains)
        self._skills_VD = np.tile(start, (law.lag + 1, 1))  # the last policies, newest last
        self._gates_V = np.full(law.lag + 1, float(law.gate_logit))
        clusters = 1 + int(tasks.cluster_N.max())
        self._visits_C = np.zeros(clusters, dtype=np.int32)
        self._memory_C = np.zeros(clusters, dtype=np.float32)
        self._touched_C = np.zeros(clusters, dtype=np.int32)
        self._drawn_N = np.zeros(tasks.num_tasks, dtype=np.int32)
        self._touched: list[Ints] = []
        self._step = 0

    @property
    def step(self) -> int:
        """Number of training steps so far."""
        return self._step

    @property
    def num_bytes(self) -> int:
        """Memory of everything that grows with the pool."""
        states = self._visits_C, self._memory_C, self._touched_C, self._drawn_N
        return sum(array.nbytes for array in (*self.tasks, *states))

    @property
    def ability(self) -> Ability:
        """What the solve rates depend on besides the tasks, as it is now."""
        return self._ability()

    @property
    def growth(self) -> float:
        """Theta: the mastery of a task of a mean domain and a mean skill, in logits."""
        return self._growth(self._skills_D)

    def absent(self) -> Ints:
        """Tasks that are not in the pool at this step."""
        if not self._come_and_go:
            return np.empty(0, dtype=np.int64)
        return np.flatnonzero(~_present(self.tasks, self._step))

    def sample(self, task_ids_B: Ints, group_size: int) -> tuple[Floats, npt.NDArray[np.float32]]:
        """Rewards in [0, 1] and tokens of one group per task, each of shape (B, `group_size`).

        The policy that answers is the one of `lag` steps ago.
        """
        self._check_ids(task_ids_B)
        self._touched.append(task_ids_B)
        ability, keys = self._ability(lagged=True), self._rollout_keys
        return self._rollouts(self.tasks, task_ids_B, ability, self._drawn_N, group_size, keys)

    def train(
        self,
        task_ids_B: Ints,
        rewards_BG: Floats,
        ages_B: Floats | None = None,
        uses_B: Floats | None = None,
    ) -> dict[str, float]:
        """One training step on these groups, NaN for lost rollouts; figures about it.

        A group sampled `age` steps ago and trained on u times before counts as the part
        exp(-omega age) / (1 + chi u) of one, in its weight and in N_e.

        Args:
            task_ids_B: the task of each group.
            rewards_BG: as `sample` returned them.
            ages_B: steps since each group was sampled; None: none.
            uses_B: how often its rollouts were trained on before; None: never.
        """
        self._check_ids(task_ids_B)
        if rewards_BG.ndim != 2 or len(rewards_BG) != task_ids_B.size:
            raise ValueError(
                f"rewards have shape {rewards_BG.shape}; they must be ({task_ids_B.size}, G)"
            )
        moments_3B = np.empty((3, task_ids_B.size))
        kernels.moments(rewards_BG, moments_3B)
        mean_B, variance_B, size_B = moments_3B
        teaches_B, parts_B = variance_B > 0, self._parts(mean_B.size, ages_B, uses_B)
        rollouts_E, groups = size_B[teaches_B], float(parts_B[teaches_B].sum())
        weights_B = GAIN_LAWS[self.law.gain](mean_B, variance_B, size_B) * parts_B
        size = self._step_size(groups, rollouts_E.sum() / max(rollouts_E.size, 1))
        rollouts = float((size_B * parts_B)[teaches_B].sum())
        self._learn(task_ids_B, weights_B, size, groups, rollouts)
        for task_ids in self._touched:
            self._drawn_N[task_ids] = 0
        self._touched.clear()
        return {"learner/informative_groups": float(rollouts_E.size), "learner/step_size": size}

    def solve_rates(self, task_ids: Ints | None = None, threads: int = 1) -> Floats:
        """True expected rewards of these tasks, or of all, under the newest policy."""
        if task_ids is None:
            return _all_rates(self.tasks, self._ability(), threads)
        self._check_ids(task_ids)
        rates_B = np.empty(task_ids.size)
        kernels.solve_rates(self.tasks, task_ids, self._ability(), rates_B)
        return rates_B

    def heldout_solve_rate(self, rollouts: int = 0) -> float:
        """Mean solve rate of the held-out tasks that are there at this step.

        Args:
            rollouts: per task, as a real evaluation has them; 0: the true mean, without noise.
        """
        tasks, ability = self._heldout, self._heldout_ability()
        if rollouts == 0:
            rates_N = _all_rates(tasks, ability)
        else:
            ids_N, drawn_N = np.arange(tasks.num_tasks), np.zeros(tasks.num_tasks, dtype=np.int32)
            keys = self._heldout_keys
            rates_N = self._rollouts(tasks, ids_N, ability, drawn_N, rollouts, keys)[0].mean(axis=1)
        return float(rates_N[_present(tasks, self._step)].mean())

    def expected_gains(self, group_size: int) -> Floats:
        """First-order gain in held-out solve rate to be expected of one group of each task.

        E[w] (d theta, d phi per unit of group weight) . (gradient of the held-out mean), up to the
        step size, which is taken to be common: at alpha < 1 it also depends on how many groups are
        informative. Capacity, interference, disturbance and the price of repetition are known, but
        not that growth changes sharpening and the off-axis path. For oracles only.
        """
        gradient_D, gate_gradient = worth.heldout_gradient(
            self._heldout, self._heldout_ability(), _present(self._heldout, self._step)
        )
        law = self.law
        moved_D = worth.moved(gradient_D, self._skills_D, law, self._num_domains)
        rate_N, gains_N = worth.of_a_unit_weight(
            self.tasks,
            self._ability(),
            moved_D,
            law.gate_rate * gate_gradient,
            1 + self._visits_C[self.tasks.cluster_N] / law.repetition_visits,
            law.disturbance * law.memory_rate * moved_D[0],
        )
        return gains_N * expected_weights(law.gain, rate_N, group_size, *self._tests)

    def state_dict(self) -> dict[str, Any]:
        """Abilities, gates, step, draws, visits and memory; the tasks themselves are rebuilt."""
        drawn, visited = np.flatnonzero(self._drawn_N), np.flatnonzero(self._visits_C)
        return {
            "fingerprint": self._fingerprint,
            "step": self._step,
            "skills": self._skills_VD.copy(),
            "gates": self._gates_V.copy(),
            "drawn_tasks": drawn,
            "drawn_counts": self._drawn_N[drawn],
            "visited": visited,
            "visits": self._visits_C[visited],
            "memory": self._memory_C[visited],
            "touched": self._touched_C[visited],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts back what `state_dict` returned.

        Raises:
            ValueError: for the state of another learner, or damaged state; nothing is changed then.
        """
        if not isinstance(state, dict) or state.get("fingerprint") != self._fingerprint:
            raise ValueError(
                "the state belongs to another learner (its tasks, law or seed differ): "
                "build the learner from the scenario and seed it was saved with"
            )
        if set(state) != _STATE_ENTRIES:
            raise ValueError(f"the state has entries {sorted(state)}, not {sorted(_STATE_ENTRIES)}")
        skills_VD = np.array(state["skills"], dtype=np.float64)
        gates_V = np.array(state["gates"], dtype=np.float64)
        sound = skills_VD.shape == self._skills_VD.shape and bool(np.isfinite(skills_VD).all())
        sound &= gates_V.shape == self._gates_V.shape and not np.isnan(gates_V).any()
        drawn = checks.column(state, "drawn_tasks", np.int64)
        counts = checks.column(state, "drawn_counts", np.int32, drawn.size)
        visited = checks.column(state, "visited", np.int64)
        visits = checks.column(state, "visits", np.int32, visited.size)
        memory = checks.column(state, "memory", np.float32, visited.size)
        touched = checks.column(state, "touched", np.int32, visited.size)
        step = state["step"]
        self._check_ids(drawn)
        sound &= isinstance(step, (int, np.integer)) and not isinstance(step, bool) and step >= 0
        sound &= all((np.diff(places) > 0).all() for places in (drawn, visited))
        sound &= not visited.size or visited[-1] < self._visits_C.size
        if not (sound and np.isfinite(memory).all() and (touched <= step).all()):
            raise ValueError("the state is damaged: go back to an earlier checkpoint")
        self._skills_VD, self._gates_V, self._step = skills_VD, gates_V, int(step)
        for array, places, values in (
            (self._drawn_N, drawn, counts),
            (self._visits_C, visited, visits),
            (self._memory_C, visited, memory),
            (self._touched_C, visited, touched),
        ):
            array[:] = 0
            array[places] = values
        self._touched = [drawn]

    @property
    def _skills_D(self) -> Floats:
        return self._skills_VD[-1]

    @cached_property
    def _come_and_go(self) -> bool:
        return self.tasks.come_and_go

    def _check_ids(self, task_ids: Ints) -> None:
        """Compiled loops do not check bounds."""
        if task_ids.size and not 0 <= task_ids.min() <= task_ids.max() < self.tasks.num_tasks:
            raise ValueError(
                f"task ids span {task_ids.min()} to {task_ids.max()}; "
                f"the pool has 0 to {self.tasks.num_tasks - 1}"
            )

    def _rollouts(
        self,
        tasks: Tasks,
        task_ids_B: Ints,
        ability: Ability,
        drawn_N: npt.NDArray[np.int32],
        group_size: int,
        keys: npt.NDArray[Any],
    ) -> tuple[Floats, npt.NDArray[np.float32]]:
        rewards_BG = np.empty((task_ids_B.size, group_size))
        tokens_BG = np.empty((task_ids_B.size, group_size), dtype=np.float32)
        kernels.rollouts(
            tasks,
            task_ids_B,
            ability,
            drawn_N,
            *self._tests,
            keys,
            self._step,
            rewards_BG,
            tokens_BG,
        )
        return rewards_BG, tokens_BG

    def _parts(self, groups: int, ages_B: Floats | None, uses_B: Floats | None) -> Floats:
        """What part of a fresh group each is."""
        parts_B = np.ones(groups)
        if ages_B is not None:
            parts_B *= np.exp(-self.law.lag_cost * ages_B)
        if uses_B is not None:
            parts_B /= 1 + self.law.reuse_cost * uses_B
        return parts_B

    def _step_size(self, groups: float, group_size: float) -> float:
        law = self.law
        if groups == 0:
            return 0.0
        size = law.learning_rate * (groups / _REFERENCE_BATCH) ** law.batch_exponent
        size *= math.exp(-law.lag_cost * law.lag)
        return size if law.batch_exponent == 0 else size * math.sqrt(group_size / _REFERENCE_GROUP)

    def _learn(
        self, task_ids_B: Ints, weights_B: Floats, size: float, groups: float, rollouts: float
    ) -> None:
        law = self.law
        weights_B = weights_B * (score_slope(*self._tests) / (groups or 1.0))
        gradient_D1 = np.zeros(self._skills_D.size + 1)
        kernels.learn(
            self.tasks,
            task_ids_B,
            weights_B,
            self._ability(),
            self._visits_C,
            law.repetition_visits,
            size * law.memory_rate,
            law.disturbance * law.memory_rate,
            gradient_D1,
        )
        skills_D = self._skills_D + size * self._direction(gradient_D1[:-1], rollouts)
        gate_logit = self._gates_V[-1] + size * law.gate_rate * gradient_D1[-1]
        self._step += 1
        skills_D = _jumped(law, self._step, skills_D * (1 - law.forgetting), self._num_domains)
        self._skills_VD = np.concatenate([self._skills_VD[1:], skills_D[None]])
        self._gates_V = np.append(self._gates_V[1:], gate_logit)

    def _direction(self, gradient_D: Floats, rollouts: float) -> Floats:
        """Where the abilities move: gradient, room to grow, noise, and interference."""
        noise_D = np.empty(gradient_D.size)
        kernels.noises(self._noise_key, self._step, noise_D)
        moved_D = worth.moved(gradient_D, self._skills_D, self.law, self._num_domains)
        return moved_D + noise_D * (self.law.noise / math.sqrt(max(rollouts, 1.0)))

    def _ability(self, lagged: bool = False) -> Ability:
        law, version = self.law, 0 if lagged else -1
        skills_D = self._skills_VD[version]
        growth = max(self._growth(skills_D), 0.0)
        return Ability(
            skills_D,
            *_loadings(law),
            law.sharpening * growth,
            law.off_axis * growth,
            1 / (1 + math.exp(-self._gates_V[version])),
            max(self._step - law.lag, 0) if lagged else self._step,
            law.drift_sd,
            self._drift_key,
            self._memory_C,
            self._touched_C,
            law.memory_steps,
        )

    def _growth(self, skills_D: Floats) -> float:
        general, domain, skill = _loadings(self.law)
        growth = general * skills_D[0] + domain * skills_D[1 : self._num_domains + 1].mean()
        return float(growth + skill * skills_D[self._num_domains + 1 :].mean())

    def _heldout_ability(self) -> Ability:
        memory, touched = _EMPTY
        return self._ability()._replace(
            drift_sd=0.0, wandering=0.0, memory_C=memory, touched_C=touched
        )

    @cached_property
    def _fingerprint(self) -> str:
        keys = self._rollout_keys.tolist(), int(self._drift_key), int(self._noise_key)
        digest = hashlib.sha256(repr((self.law, self._tests, keys)).encode())
        for array in (*self.tasks, *self._heldout):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def _loadings(law: LearnerLaw) -> tuple[float, float, float]:
    """Square roots of the shares of general ability, domain and skill."""
    rest = max(1 - law.general_weight - law.domain_weight, 0.0)
    return math.sqrt(law.general_weight), math.sqrt(law.domain_weight), math.sqrt(rest)


def _jumped(law: LearnerLaw, step: int, skills_D: Floats, num_domains: int) -> Floats:
    """The abilities before `step`, raised if it is the one at which every mastery jumps."""
    if law.jump == 0 or step != law.jump_step:
        return skills_D
    general, domain, skill = _loadings(law)
    jump_D = np.full(skills_D.size, skill)
    jump_D[: num_domains + 1] = domain
    jump_D[0] = general
    return skills_D + law.jump * jump_D


def _present(tasks: Tasks, step: int) -> np.ndarray:
    return (tasks.arrives_N <= step) & (step < tasks.leaves_N)


def _all_rates(tasks: Tasks, ability: Ability, threads: int = 1) -> Floats:
    rates_N = np.empty(tasks.num_tasks)

    def fill(start: int, stop: int) -> None:
        kernels.all_solve_rates(tasks, start, stop, ability, rates_N)

    in_blocks(fill, tasks.num_tasks, threads)
    return rates_N

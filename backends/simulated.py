"""The synthetic learner behind the common interface."""

from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from backends.base import AbstractBackend, AbstractTruth, Floats, Ints
from bots import Feedback, Pool, RolloutBatch, checks
from simulator import Clock, Learner, Scenario, build

_OWN_ENTRIES = (
    "pending",
    "late_sizes",
    "late_tasks",
    "late_successes",
    "late_trials",
    "held_tasks",
    "held_rewards",
    "held_tokens",
    "held_steps",
    "held_uses",
)


@dataclass(frozen=True, slots=True)
class Answers:
    """What is known of a group besides its rewards.

    Attributes:
        step: in which it was sampled; the mean over its rollouts.
        tokens_G: of each rollout.
    """

    step: float
    tokens_G: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.tokens_G)

    def __add__(self, other: "Answers") -> "Answers":
        """Both as one group."""
        size = len(self) + len(other)
        step = (self.step * len(self) + other.step * len(other)) / size
        return Answers(step, self.tokens_G + other.tokens_G)


class SimulatedBackend(AbstractBackend):
    """Rollouts of a `simulator.Learner`: rewards are drawn, nothing is generated.

    Evaluation is exact, unless rollouts are asked for it. Where rewards are
    fractional, a solve rate is an expected reward and successes are sums of rewards.

    Args:
        learner: what is sampled and trained.
        pool: what selectors may know of its tasks.
        clock: turns tokens into simulated seconds.
        feedback_delay: steps after which a selector learns of a group.
        heldout_rollouts: per held-out task and evaluation; 0: the true mean.
    """

    def __init__(
        self,
        learner: Learner,
        pool: Pool,
        clock: Clock | None = None,
        feedback_delay: int = 0,
        heldout_rollouts: int = 0,
    ) -> None:
        if pool.num_tasks != learner.tasks.num_tasks:
            raise ValueError(
                f"the pool has {pool.num_tasks} tasks, the learner {learner.tasks.num_tasks}; "
                "build both from the same tasks"
            )
        self._learner = learner
        self._pool = pool
        self._clock = Clock() if clock is None else clock
        self._delay, self._heldout_rollouts = feedback_delay, heldout_rollouts
        self._late: deque[Feedback] = deque()
        self._held: RolloutBatch | None = None
        self._uses: Counter[tuple[float, int]] = Counter()  # of groups that are held
        self._pending = np.zeros(2)  # tokens and seconds of generation since the last training

    @property
    def pool(self) -> Pool:
        """Reference rates and domains."""
        return self._pool

    def absent(self) -> Ints:
        """Tasks that have not arrived, or have left."""
        return self._learner.absent()

    def rollout(self, task_ids_B: Ints, group_size: int) -> RolloutBatch:
        """Groups of rewards; the payload of each says when it was sampled, and its tokens."""
        task_ids_B = checks.task_ids(task_ids_B)
        checks.within(task_ids_B, self._pool.num_tasks)
        group_size = checks.integer("group_size", group_size, 1)
        rewards_BG, tokens_BG = self._learner.sample(task_ids_B, group_size)
        total, longest = float(tokens_BG.sum(dtype=np.float64)), float(tokens_BG.max())
        self._pending += total, self._clock.generation(total, longest)
        step = self._learner.step
        payload_B = tuple(Answers(step, tuple(tokens_G)) for tokens_G in tokens_BG.tolist())
        return RolloutBatch(task_ids_B, rewards_BG, payload_B)

    def train(self, batch: RolloutBatch) -> dict[str, float]:
        """One step of the learner, given these rewards; held and used groups are worth less.

        Returns:
            The learner's figures; `generated_tokens` and simulated seconds, `time/generation`,
            `time/training` and `time/step`, since the last training.
        """
        if self._held is None:
            self._uses.clear()
        ages_B = self._learner.step - np.array([answers.step for answers in batch.payload_B])
        keys = _keys(batch)
        kept = (ages_B, np.array([self._uses[key] for key in keys])) if ages_B.any() else ()
        figures = self._learner.train(batch.task_ids_B, batch.rewards_BG, *kept)
        self._uses.update(keys)
        teaches_BG = ~np.isnan(batch.rewards_BG) & batch.informative_B[:, None]
        return figures | self._times(float(_tokens(batch)[teaches_BG].sum()))

    def hold(self, batch: RolloutBatch | None) -> None:
        """Keeps their rewards, tokens, and how often each was trained on."""
        self._held = batch
        held = set() if batch is None else set(_keys(batch))
        self._uses = Counter({key: uses for key, uses in self._uses.items() if key in held})

    def held(self) -> RolloutBatch | None:
        """The groups that are held."""
        return self._held

    def charge(self, forward_passes: int) -> None:
        """Adds the seconds of reading so many prompts to this step's generation."""
        self._pending[1] += self._clock.reading(forward_passes)

    def skip(self) -> dict[str, float]:
        """What moves without training moves on: drift, arrivals, forgetting, the clock."""
        figures = self._learner.train(np.empty(0, dtype=np.int64), np.empty((0, 1)))
        return figures | self._times(0.0)

    def deliver(self, batch: RolloutBatch) -> tuple[Feedback, ...]:
        """The counts of `feedback_delay` steps ago."""
        graded_BG = np.where(np.isnan(batch.rewards_BG), 0.0, batch.rewards_BG)
        trials_B = (~np.isnan(batch.rewards_BG)).sum(axis=1)
        self._late.append(Feedback(batch.task_ids_B, graded_BG.sum(axis=1), trials_B))
        return (self._late.popleft(),) if len(self._late) > self._delay else ()

    def evaluate(self) -> float:
        """Mean solve rate of the held-out tasks."""
        return self._learner.heldout_solve_rate(self._heldout_rollouts)

    def state_dict(self) -> dict[str, Any]:
        """The learner's state, feedback that is on its way, and tokens not yet accounted for."""
        late = [(late.task_ids_B, late.successes_B, late.trials_B) for late in self._late]
        none = np.empty(0, np.int64), np.empty(0), np.empty(0)
        tasks, successes, trials = (
            np.concatenate(parts) for parts in zip(none, *late, strict=True)
        )
        return self._learner.state_dict() | {
            "pending": self._pending.copy(),
            "late_sizes": np.array([ids_B.size for ids_B, _, _ in late], np.int64),
            "late_tasks": tasks,
            "late_successes": successes,
            "late_trials": trials,
            **_packed(self._held, self._uses),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts them back."""
        if not isinstance(state, dict) or not state.keys() >= set(_OWN_ENTRIES):
            raise ValueError(
                "the state belongs to another backend or is damaged: go back to an earlier "
                "checkpoint, or build the backend that it was saved with"
            )
        pending = np.array(state["pending"], dtype=np.float64)
        if pending.shape != (2,) or not (pending >= 0).all() or np.isinf(pending).any():
            raise ValueError("pending in the state is damaged: go back to an earlier checkpoint")
        late = _unpacked(state, self._pool.num_tasks)
        if len(late) > self._delay:
            raise ValueError(
                f"the state has {len(late)} steps of feedback on their way, for another backend: "
                f"here feedback is {self._delay} steps late"
            )
        held, uses = _unpacked_groups(state, self._pool.num_tasks)
        own = {name: value for name, value in state.items() if name not in _OWN_ENTRIES}
        self._learner.load_state_dict(own)
        self._pending, self._late, self._held, self._uses = pending, late, held, uses

    def close(self) -> None:
        """Nothing to release."""

    def _times(self, trained_tokens: float) -> dict[str, float]:
        training = self._clock.training(trained_tokens)
        tokens, generation = self._pending.tolist()
        self._pending[:] = 0
        return {
            "generated_tokens": tokens,
            "time/generation": generation,
            "time/training": training,
            "time/step": self._clock.step(generation, training, self._learner.law.lag > 0),
        }


class SimulatedTruth(AbstractTruth):
    """The latent state of a `simulator.Learner`, trained on groups of `group_size` rollouts."""

    def __init__(self, learner: Learner, group_size: int) -> None:
        self._learner = learner
        self._group_size = group_size

    def solve_rates(self, task_ids: Ints | None = None) -> Floats:
        """Exact."""
        return self._learner.solve_rates(task_ids)

    def expected_gains(self) -> Floats:
        """To first order in the step."""
        return self._learner.expected_gains(self._group_size)


def simulate(scenario: Scenario, seed: int) -> tuple[SimulatedBackend, SimulatedTruth]:
    """A scenario's backend and, apart from it, the truth behind it."""
    learner, references, domains_N, features_ND = build(scenario, seed)
    pool = Pool(np.arange(scenario.num_tasks), references, domains_N, features_ND)
    backend = SimulatedBackend(
        learner, pool, scenario.clock, scenario.feedback_delay, scenario.heldout_rollouts
    )
    return backend, SimulatedTruth(learner, scenario.group_size)


def _unpacked(state: dict[str, Any], num_tasks: int) -> deque[Feedback]:
    """The feedback on its way, oldest first."""
    sizes = np.asarray(state["late_sizes"])
    sound = sizes.ndim == 1 and sizes.dtype.kind in "iu"
    columns = [np.asarray(state[f"late_{name}"]) for name in ("tasks", "successes", "trials")]
    if not sound or (sizes < 0).any() or any(c.shape != (sizes.sum(),) for c in columns):
        raise ValueError("feedback in the state is damaged: go back to an earlier checkpoint")
    if sizes.size == 0:
        return deque()
    checks.within(columns[0].astype(np.int64), num_tasks)
    ends = np.cumsum(sizes)[:-1]
    parts = zip(*(np.split(column, ends) for column in columns), strict=True)
    return deque(Feedback(*part) for part in parts)


def _tokens(batch: RolloutBatch) -> Floats:
    """Tokens of every rollout, shape (B, G); 0 where a group is smaller."""
    tokens_BG = np.zeros(batch.rewards_BG.shape)
    for row, tokens in zip(tokens_BG, batch.payload_B, strict=False):
        row[: len(tokens)] = tokens.tokens_G
    return tokens_BG


def _keys(batch: RolloutBatch) -> list[tuple[float, int]]:
    """What tells held groups apart: when they were sampled, and their task."""
    steps = [answers.step for answers in batch.payload_B]
    return list(zip(steps, batch.task_ids_B.tolist(), strict=False))


def _packed(held: RolloutBatch | None, uses: Counter[tuple[float, int]]) -> dict[str, Any]:
    """The groups that are held, as arrays."""
    if held is None:
        return {
            "held_tasks": np.empty(0, dtype=np.int64),
            "held_rewards": np.empty((0, 0)),
            "held_tokens": np.empty((0, 0)),
            "held_steps": np.empty(0),
            "held_uses": np.empty(0, dtype=np.int64),
        }
    sizes_B = np.array([len(tokens) for tokens in held.payload_B])
    tokens_BG = _tokens(held)
    tokens_BG[np.arange(tokens_BG.shape[1]) >= sizes_B[:, None]] = np.nan
    return {
        "held_tasks": held.task_ids_B.copy(),
        "held_rewards": held.rewards_BG.copy(),
        "held_tokens": tokens_BG,
        "held_steps": np.array([answers.step for answers in held.payload_B], dtype=np.float64),
        "held_uses": np.array([uses[key] for key in _keys(held)], dtype=np.int64),
    }


def _unpacked_groups(
    state: dict[str, Any], num_tasks: int
) -> tuple[RolloutBatch | None, Counter[tuple[float, int]]]:
    """What `_packed` packed."""
    tasks = np.asarray(state["held_tasks"])
    rewards_BG, tokens_BG = np.asarray(state["held_rewards"]), np.asarray(state["held_tokens"])
    steps_B, uses_B = np.asarray(state["held_steps"]), np.asarray(state["held_uses"])
    alike = rewards_BG.shape == tokens_BG.shape and len(rewards_BG) == tasks.size
    alike &= tasks.shape == steps_B.shape == uses_B.shape
    sound = tasks.ndim == 1 and alike and uses_B.dtype.kind in "iu" and np.isfinite(steps_B).all()
    if not sound or (steps_B < 0).any() or (uses_B < 0).any() or (tokens_BG < 0).any():
        raise ValueError("held groups in the state are damaged: go back to an earlier checkpoint")
    if tasks.size == 0:
        return None, Counter()
    checks.within(checks.task_ids(tasks), num_tasks)
    payload_B = tuple(
        Answers(float(step), tuple(row[~np.isnan(row)].tolist()))
        for step, row in zip(steps_B, tokens_BG, strict=True)
    )
    held = RolloutBatch(tasks, rewards_BG, payload_B)
    counts = zip(_keys(held), uses_B.tolist(), strict=True)
    return held, Counter({key: uses for key, uses in counts if uses})

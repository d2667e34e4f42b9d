"""The synthetic learner behind the common interface."""

from collections import Counter, deque
from dataclasses import replace
from typing import Any

import numpy as np

from backends import simulated_held, simulated_late
from backends.base import AbstractBackend, AbstractTruth, Floats, Ints
from backends.simulated_held import Answers
from bots import Feedback, Pool, RolloutBatch, checks
from simulator import Clock, Learner, Scenario, build

_OWN_ENTRIES = ("pending", *simulated_late.ENTRIES, *simulated_held.ENTRIES)


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
        keys = simulated_held.keys(batch)
        kept = (ages_B, np.array([self._uses[key] for key in keys])) if ages_B.any() else ()
        figures = self._learner.train(batch.task_ids_B, batch.rewards_BG, *kept)
        self._uses.update(keys)
        teaches_BG = ~np.isnan(batch.rewards_BG) & batch.informative_B[:, None]
        return figures | self._times(float(simulated_held.tokens(batch)[teaches_BG].sum()))

    def hold(self, batch: RolloutBatch | None) -> None:
        """Keeps their rewards, tokens, and how often each was trained on."""
        self._held = batch
        held = set() if batch is None else set(simulated_held.keys(batch))
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
        """The counts of `feedback_delay` steps ago; versions are the learner's training steps.

        Feedback is `lag` steps of the learner's law old when it is prompt, or less at the start of
        a run, and so many more as it is late.
        """
        answers_B = _answers(batch)
        steps_B = np.array([answers.step for answers in answers_B], dtype=np.float64)
        now = float(steps_B.max())
        feedback = batch.feedback(
            success_threshold=None,
            tokens_B=np.array([answers.num_tokens for answers in answers_B]),
            policy_version=float(np.maximum(steps_B - self._learner.law.lag, 0).mean()),
            current_version=now,
        )
        self._late.append(feedback)
        if len(self._late) <= self._delay:
            return ()
        return (replace(self._late.popleft(), current_version=now),)

    def evaluate(self) -> float:
        """Mean solve rate of the held-out tasks."""
        return self._learner.heldout_solve_rate(self._heldout_rollouts)

    def state_dict(self) -> dict[str, Any]:
        """The learner's state, feedback that is on its way, and tokens not yet accounted for."""
        return {
            **self._learner.state_dict(),
            "pending": self._pending.copy(),
            **simulated_late.packed(self._late),
            **simulated_held.packed(self._held, self._uses),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts them back."""
        if not isinstance(state, dict) or not state.keys() >= set(_OWN_ENTRIES):
            raise ValueError(
                "the state belongs to another backend or release, or is damaged: go back to an "
                "earlier checkpoint, or build the backend that it was saved with"
            )
        pending = np.array(state["pending"], dtype=np.float64)
        if pending.shape != (2,) or not (pending >= 0).all() or np.isinf(pending).any():
            raise ValueError("pending in the state is damaged: go back to an earlier checkpoint")
        late = simulated_late.unpacked(state, self._pool.num_tasks)
        if len(late) > self._delay:
            raise ValueError(
                f"the state has {len(late)} steps of feedback on their way, for another backend: "
                f"here feedback is {self._delay} steps late"
            )
        held, uses = simulated_held.unpacked(state, self._pool.num_tasks)
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


def _answers(batch: RolloutBatch) -> list[Answers]:
    answers_B = [answers for answers in batch.payload_B if isinstance(answers, Answers)]
    if len(answers_B) != batch.num_groups:
        raise ValueError(
            "the batch does not say when it was sampled; deliver what `rollout` returned, or a "
            "part of it"
        )
    return answers_B

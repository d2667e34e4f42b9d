"""A logged run behind the common interface: its solve rates move as they did, whatever is chosen.

It answers how a selector fares on tasks that improve like those of a real run, and cannot say how
training on its choices would change them.
"""

import hashlib
from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

from backends import simulated_held
from backends.base import AbstractBackend, AbstractTruth, Floats, Ints
from backends.replay_rates import LoggedRates, RatePaths, logged_rates
from backends.simulated_held import Answers
from bots import Feedback, Pool, RolloutBatch, checks
from simulator.calibration.trace import Trace
from simulator.compiler import compiled
from simulator.randomness import stream, uniform

_HELD = tuple(name for name in simulated_held.ENTRIES if name != "held_uses")
_ENTRIES = {"backend", "log", "step", "drawn", *_HELD}
_NAME = "replay"
_ROLLOUTS, _RATES = 11, 12  # set uses of the seed apart


class LoggedRun:
    """Rates over time, and the step that their replay has come to."""

    def __init__(self, rates: RatePaths) -> None:
        self.rates = rates
        self.move_to(0)

    def move_to(self, step: int) -> None:
        """Puts the clock to a step; the log's first row lies at step 0."""
        self.step = step
        self.now_N = self.rates.at(float(step))


class TraceBackend(AbstractBackend):
    """Rewards drawn at the solve rates of a logged run.

    A reward depends on the seed, the task, the step and how often the task was rolled out in the
    step, and on nothing else. Every call of `train` or `skip` is a step of the log's own time;
    nothing is learnt. Beyond the log's end rates stay what they were there. Tasks of which the log
    has no row are not in the pool.

    Args:
        run: the rates, shared with the run's `TraceTruth`.
        pool: the log's tasks, in its order.
        seed: of the rollouts.
        tokens_N: tokens that a rollout of each task takes, at least 1; None: not known.
    """

    def __init__(
        self, run: LoggedRun, pool: Pool, seed: int, tokens_N: Floats | None = None
    ) -> None:
        if pool.num_tasks != len(run.rates.rates_KV):
            raise ValueError(
                f"the pool has {pool.num_tasks} tasks, the log {len(run.rates.rates_KV)}; give one "
                "task per task of the log, in its order"
            )
        self._run, self._pool, self._tokens_N = run, pool, _whole(tokens_N, pool.num_tasks)
        entropy = np.random.SeedSequence([_ROLLOUTS, checks.integer("seed", seed, 0)])
        self._key = int(entropy.generate_state(1, np.uint64)[0])
        self._digest = _digest(run.rates, pool, self._key)
        self._drawn_N = np.zeros(pool.num_tasks)
        self._held: RolloutBatch | None = None
        self._tokens = 0.0  # generated since the last training

    @property
    def pool(self) -> Pool:
        """What the log says of its tasks."""
        return self._pool

    def absent(self) -> Ints:
        """None: all tasks are there from the start."""
        return np.empty(0, dtype=np.int64)

    def rollout(self, task_ids_B: Ints, group_size: int) -> RolloutBatch:
        """Groups of rewards 0 and 1."""
        task_ids_B = checks.task_ids(task_ids_B)
        checks.within(task_ids_B, self._pool.num_tasks)
        group_size = checks.integer("group_size", group_size, 1)
        rewards_BG = np.empty((task_ids_B.size, group_size))
        key, step = np.uint64(self._key), self._run.step
        _draw(key, step, task_ids_B, self._drawn_N, self._run.now_N, rewards_BG)
        tokens_B = np.zeros(task_ids_B.size)
        if self._tokens_N is not None:
            tokens_B = self._tokens_N[task_ids_B]
        self._tokens += float(tokens_B.sum()) * group_size
        payload_B = tuple(Answers(step, (tokens,) * group_size) for tokens in tokens_B.tolist())
        return RolloutBatch(task_ids_B, rewards_BG, payload_B)

    def train(self, batch: RolloutBatch) -> dict[str, float]:
        """Moves on by one step; `generated_tokens`, where the log knows them."""
        checks.within(batch.task_ids_B, self._pool.num_tasks)
        return self.skip()

    def deliver(self, batch: RolloutBatch) -> tuple[Feedback, ...]:
        """The counts of this batch; versions are the replay's steps."""
        answers_B = [answers for answers in batch.payload_B if isinstance(answers, Answers)]
        if len(answers_B) != batch.num_groups:
            raise ValueError(
                "the batch does not say when it was sampled; deliver what `rollout` returned, or a "
                "part of it"
            )
        version = float(np.mean([answers.step for answers in answers_B]))
        tokens_B = np.array([answers.num_tokens for answers in answers_B])
        return (
            batch.feedback(
                tokens_B=None if self._tokens_N is None else tokens_B,
                policy_version=version,
                current_version=version,
            ),
        )

    def hold(self, batch: RolloutBatch | None) -> None:
        """Keeps them."""
        self._held = batch

    def held(self) -> RolloutBatch | None:
        """The groups that are held."""
        return self._held

    def charge(self, forward_passes: int) -> None:
        """Nothing: a log has no clock."""

    def skip(self) -> dict[str, float]:
        """The same as training: time passes."""
        self._run.move_to(self._run.step + 1)
        self._drawn_N[:] = 0
        tokens, self._tokens = self._tokens, 0.0
        return {} if self._tokens_N is None else {"generated_tokens": tokens}

    def evaluate(self) -> float:
        """Mean solve rate of all tasks of the log at this step; none of them is held out."""
        return float(self._run.now_N.mean())

    def state_dict(self) -> dict[str, Any]:
        """The step, what was drawn in it, and groups that are held."""
        held = simulated_held.packed(self._held, Counter())
        return {
            "backend": _NAME,
            "log": self._digest,
            "step": [self._run.step, self._tokens],
            "drawn": self._drawn_N.copy(),
            **{name: held[name] for name in _HELD},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts them back."""
        if not isinstance(state, dict) or state.keys() != _ENTRIES or state["backend"] != _NAME:
            raise ValueError(
                "the state belongs to another backend or release, or is damaged: go back to an "
                "earlier checkpoint, or build the backend that it was saved with"
            )
        if state["log"] != self._digest:
            raise ValueError(
                "the state is of another log, pool or seed; build the backend that it was saved "
                "with, or start afresh"
            )
        drawn_N = np.array(state["drawn"], dtype=np.float64)
        if drawn_N.shape != self._drawn_N.shape or not ((drawn_N >= 0) & (drawn_N % 1 == 0)).all():
            raise ValueError("drawn in the state is damaged: go back to an earlier checkpoint")
        step, tokens = state["step"]
        step, tokens = checks.integer("step", step, 0), checks.number("tokens", tokens, 0)
        uses = np.zeros(np.asarray(state["held_tasks"]).shape, dtype=np.int64)
        held, _ = simulated_held.unpacked({**state, "held_uses": uses}, self._pool.num_tasks)
        self._run.move_to(step)
        self._drawn_N, self._held, self._tokens = drawn_N, held, tokens

    def close(self) -> None:
        """Nothing to release."""


class TraceTruth(AbstractTruth):
    """The rates behind a `TraceBackend`, for groups of `group_size` rollouts."""

    def __init__(self, run: LoggedRun, group_size: int) -> None:
        self._run, self._group_size = run, group_size

    def solve_rates(self, task_ids: Ints | None = None) -> Floats:
        """What rewards are drawn from."""
        return self._run.now_N.copy() if task_ids is None else self._run.now_N[task_ids]

    def expected_gains(self) -> Floats:
        """The chance that a group is informative; what it would teach, a log cannot say."""
        return informative_chance(self._run.now_N, self._group_size)


def informative_chance(rates: Floats, group_size: int | Ints) -> Floats:
    """The chance that a group has both a success and a failure, 1 - p^G - (1 - p)^G.

    Example:
        >>> informative_chance(np.array([0.0, 0.5]), 2).tolist()
        [0.0, 0.5]
    """
    return 1 - rates**group_size - (1 - rates) ** group_size


def replay(
    trace: Trace,
    pool: Pool,
    seed: int,
    steps_per_visit: float = 1.0,
    tokens_N: Floats | None = None,
    rates: LoggedRates | None = None,
) -> tuple[TraceBackend, TraceTruth]:
    """A log's backend and, apart from it, the truth behind it.

    The log's rates are known up to the noise of its counts; each seed draws a run that may have
    been (`LoggedRates.draw`), so that differences between seeds hold that doubt too.

    Args:
        trace: the log.
        pool: what is known of its tasks, in the order of `trace.names_K`.
        seed: of rates and rollouts.
        steps_per_visit: of a log by visit.
        tokens_N: see `TraceBackend`.
        rates: those of this log, if they are at hand; None: `logged_rates` finds them.
    """
    seed = checks.integer("seed", seed, 0)
    rates = logged_rates(trace, steps_per_visit) if rates is None else rates
    run = LoggedRun(rates.draw(np.random.default_rng([_RATES, seed])))
    return TraceBackend(run, pool, seed, tokens_N), TraceTruth(run, trace.group_size)


@compiled
def _draw(key, step, task_ids_B, drawn_N, rates_N, rewards_BG):
    """Rewards 0 and 1; a task's draws go on where its last ones of the step ended."""
    for b in range(task_ids_B.size):
        task = task_ids_B[b]
        counter = stream(key, step, task)
        for g in range(rewards_BG.shape[1]):
            draw = int(drawn_N[task]) + g
            rewards_BG[b, g] = 1.0 if uniform(counter, draw) < rates_N[task] else 0.0
        drawn_N[task] += rewards_BG.shape[1]


def _whole(tokens_N: Floats | None, num_tasks: int) -> Floats | None:
    """Whole numbers of tokens, at least 1."""
    if tokens_N is None:
        return None
    tokens_N = np.asarray(tokens_N, dtype=np.float64)
    if tokens_N.shape != (num_tasks,) or not (np.isfinite(tokens_N) & (tokens_N > 0)).all():
        raise ValueError(
            f"tokens have shape {tokens_N.shape}; give a positive number per task, ({num_tasks},)"
        )
    return np.maximum(np.rint(tokens_N), 1.0)


def _digest(rates: RatePaths, pool: Pool, key: int) -> str:
    parts: tuple[npt.NDArray[Any], ...] = (rates.times_KV, rates.rates_KV)
    content = b"".join(np.ascontiguousarray(part).tobytes() for part in parts)
    return hashlib.sha256(f"{pool.fingerprint}:{key}:".encode() + content).hexdigest()

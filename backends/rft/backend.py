"""Real reinforcement finetuning behind the common interface."""

import hashlib
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backends.base import AbstractBackend, AbstractTruth
from backends.rft.config import RolloutConfig, TrainConfig
from backends.rft.engines import AbstractEngine, EngineError, Request, Sampling, make_engine
from backends.rft.errors import naming_memory, out_of_memory
from backends.rft.exact import ExactRates
from backends.rft.grading import Grader
from backends.rft.held import packed, unpacked
from backends.rft.policy import Policy
from backends.rft.rollouts import Group
from backends.rft.seeds import request_seed
from backends.rft.tasks import Task, TaskSet
from backends.rft.trainer import Trainer
from bots import Feedback, Pool, RolloutBatch, checks
from bots._types import Floats, Ints

_STATE_VERSION = 2
_PENDING = ("generation", "reward", "tokens", "cut_off", "failures")
_VECTORS = ("weights", "exp_avg", "exp_avg_sq")


class RFTBackend(AbstractBackend):
    """A language model that is sampled, graded and trained.

    Evaluation is exact where every held-out task has one right sequence of tokens, and by sampling
    otherwise. With the transformers engine on a CPU, equal seeds give equal bits, and a resumed run
    continues bit for bit; with vLLM or on a GPU, rounding differs between runs.

    Args:
        policy: the model, changed in place.
        tasks: to train on, and held out.
        train: how to train.
        rollouts: how to sample.
        seed: of the rollouts.
        start_engine: makes the engine, with the policy's weights; called again when it died.

    Raises:
        ValueError: for tasks that the model cannot take, before any work is done.
    """

    def __init__(
        self,
        policy: Policy,
        tasks: TaskSet,
        train: TrainConfig,
        rollouts: RolloutConfig,
        seed: int,
        start_engine: Callable[[], AbstractEngine] | None = None,
    ) -> None:
        everything = (*tasks.train_N, *tasks.heldout)
        prompts = [policy.encode(task) for task in everything]
        longest = policy.longest(everything, prompts, rollouts.max_new_tokens)
        self._prompts = {task.key: ids for task, ids in zip(everything, prompts, strict=True)}
        self._policy, self._tasks, self._pool, self._seed = policy, tasks, tasks.pool, seed
        self._rollouts = rollouts
        self._sampling = Sampling(rollouts.max_new_tokens, rollouts.temperature, policy.stop_ids)
        exact = ExactRates.applies(policy, tasks.heldout)
        self._exact = ExactRates(policy, tasks.heldout, rollouts) if exact else None
        self._trainer = Trainer(policy, train, rollouts)
        self._grader = Grader(policy, everything, rollouts.graders)
        self._start_engine = start_engine or (
            lambda: make_engine(
                rollouts.engine,
                policy,
                longest,
                rollouts.max_rows,
                rollouts.memory_share,
                rollouts.sleep,
            )
        )
        with naming_memory("starting the engine", "lower --memory-share or --max-rows"):
            self._engine = self._start_engine()
        self._identity = _identity(policy, self._pool, seed)
        self._steps = 0
        self._held: RolloutBatch | None = None
        self._seen: Counter[int] = Counter()
        self._pending = dict.fromkeys(_PENDING, 0.0)

    @property
    def pool(self) -> Pool:
        """Names, domains and reference rates of the tasks to train on."""
        return self._pool

    def absent(self) -> Ints:
        """None."""
        return np.empty(0, dtype=np.int64)

    def rollout(self, task_ids_B: Ints, group_size: int) -> RolloutBatch:
        """Groups of completions, graded; NaN where a verifier failed.

        A task that is asked for again before the next training step gets fresh completions.
        """
        task_ids_B = checks.task_ids(task_ids_B)
        checks.within(task_ids_B, self._pool.num_tasks)
        group_size = checks.integer("group_size", group_size, 1)
        chosen = [self._tasks.train_N[task] for task in task_ids_B]
        seeds, seen = [], self._seen.copy()
        for task in task_ids_B.tolist():
            seeds.append(request_seed("rollout", self._seed, self._steps, task, seen[task]))
            seen[task] += 1
        groups_B, rewards_BG = self._sampled(chosen, seeds, group_size)
        self._seen = seen
        return RolloutBatch(task_ids_B, rewards_BG, groups_B)

    def train(self, batch: RolloutBatch) -> dict[str, float]:
        """One training step, after which the engine has the new weights.

        Returns:
            The trainer's figures; `time/generation`, `time/reward`, `time/training`, `time/sync` in
            seconds, the first two since the last step; `generated_tokens`, `cut_off` (completions
            that met the longest length) and `verifier_failures` likewise.
        """
        checks.within(batch.task_ids_B, self._pool.num_tasks)
        groups_B = self._own(batch)
        began = time.perf_counter()
        self._engine.rest()
        metrics = self._trainer.step(groups_B, batch.rewards_BG)
        trained = time.perf_counter()
        if metrics["updates"] or self._rollouts.sleep:
            self._restarting(lambda: self._engine.sync(self._policy.weights))
        return {**metrics, **self._step_over(trained - began, time.perf_counter() - trained)}

    def hold(self, batch: RolloutBatch | None) -> None:
        """Keeps their completions, with the log-probabilities that they were sampled with."""
        if batch is not None:
            self._own(batch)
        self._held = batch

    def held(self) -> RolloutBatch | None:
        """The groups that are held."""
        return self._held

    def charge(self, forward_passes: int) -> None:
        """Nothing: what the strategy computes takes its own time here."""

    def skip(self) -> dict[str, float]:
        """The figures of `train` that do not come from the trainer; the model stays as it is."""
        return self._step_over(0.0, 0.0)

    def deliver(self, batch: RolloutBatch) -> tuple[Feedback, ...]:
        """The counts of this step; versions are the training steps that the policy had taken."""
        groups_B = self._own(batch)
        versions_B = [group.policy_version for group in groups_B]
        feedback = batch.feedback(
            tokens_B=np.array([group.num_tokens for group in groups_B], dtype=np.float64),
            policy_version=float(np.mean(versions_B)),
            current_version=max(versions_B),
        )
        return (feedback,)

    def evaluate(self) -> float:
        """Mean solve rate of the held-out tasks: exact, or the share of solved samples."""
        if self._exact is not None:
            return float(self._exact.solve_rates().mean())
        seeds = [
            request_seed("evaluation", self._seed, self._steps, place)
            for place in range(len(self._tasks.heldout))
        ]
        pending = self._pending.copy()
        _, rewards_BG = self._sampled(self._tasks.heldout, seeds, self._rollouts.eval_samples)
        self._pending = pending
        solved_BG = np.where(np.isnan(rewards_BG), np.nan, rewards_BG >= 1)
        return float(np.nanmean(solved_BG))

    def state_dict(self) -> dict[str, Any]:
        """Weights, optimizer, counters, and the groups that are held."""
        return {
            "version": _STATE_VERSION,
            "identity": self._identity,
            "steps": self._steps,
            "updates": self._trainer.updates,
            "seen": {str(task): count for task, count in self._seen.items()},
            "pending": self._pending.copy(),
            "held": packed(self._held),
            **self._trainer.vectors(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts them back, and hands the weights to the engine."""
        expected = {"version": _STATE_VERSION, "identity": self._identity}
        entries = {*expected, "steps", "updates", "seen", "pending", "held", *_VECTORS}
        if not isinstance(state, dict) or set(state) != entries:
            raise ValueError(f"this state has not the entries {sorted(entries)}; it is damaged")
        for name, remedy in (
            ("version", "load it with the release that wrote it"),
            ("identity", "build the backend with the same model, tasks and seed"),
        ):
            if state[name] != expected[name]:
                raise ValueError(
                    f"the state has another {name} ({state[name]!r}, not {expected[name]!r}): "
                    f"{remedy}"
                )
        size = self._trainer.size
        vectors = {name: _vector(name, state[name], size) for name in _VECTORS}
        counters = [checks.integer(f"the state's {n}", state[n], 0) for n in ("steps", "updates")]
        seen = Counter({int(task): int(count) for task, count in state["seen"].items()})
        pending = {name: float(state["pending"][name]) for name in self._pending}
        held = unpacked(state["held"], self._pool.num_tasks)
        self._steps, self._seen, self._pending, self._held = counters[0], seen, pending, held
        self._trainer.load_vectors(vectors, counters[1])
        self._restarting(lambda: self._engine.sync(self._policy.weights))

    def close(self) -> None:
        """Ends engine and verifiers."""
        self._engine.close()
        self._grader.close()

    def _sampled(
        self, tasks: Sequence[Task], seeds: Sequence[int], samples: int
    ) -> tuple[tuple[Group, ...], Floats]:
        requests = [
            Request(self._prompts[task.key], seed) for task, seed in zip(tasks, seeds, strict=True)
        ]
        began = time.perf_counter()
        found = self._restarting(lambda: self._engine.generate(requests, samples, self._sampling))
        generated = time.perf_counter()
        rewards_BG = self._grader.rewards(tasks, found)
        completions = [completion for group in found for completion in group]
        self._pending["generation"] += generated - began
        self._pending["reward"] += time.perf_counter() - generated
        self._pending["tokens"] += sum(c.token_ids_T.size for c in completions)
        self._pending["failures"] += float(np.isnan(rewards_BG).sum())
        self._pending["cut_off"] += sum(c.finish_reason == "length" for c in completions)
        groups = tuple(
            Group(request.prompt_ids_T, completions_G, self._steps)
            for request, completions_G in zip(requests, found, strict=True)
        )
        return groups, rewards_BG

    def _restarting(self, use: Callable[[], Any]) -> Any:
        """What `use` returns; an engine that dies over it is replaced, `use` tried once more."""
        with naming_memory("generating", "lower --max-rows, and --memory-share on a GPU"):
            try:
                return use()
            except EngineError as error:
                if out_of_memory(error):
                    raise
                reason = str(error)
            # Out of the `except` block, so that no traceback holds on to the dead engine's memory.
            warnings.warn(f"the engine is replaced: {reason}", RuntimeWarning, stacklevel=2)
            self._engine.close()
            self._engine = self._start_engine()
            return use()

    def _step_over(self, training: float, sync: float) -> dict[str, float]:
        """The figures of a step that is over; the next one has fresh seeds."""
        figures = {
            "time/generation": self._pending["generation"],
            "time/reward": self._pending["reward"],
            "time/training": training,
            "time/sync": sync,
            "generated_tokens": self._pending["tokens"],
            "cut_off": self._pending["cut_off"],
            "verifier_failures": self._pending["failures"],
        }
        self._steps += 1
        self._seen = Counter()
        self._pending = dict.fromkeys(self._pending, 0.0)
        return figures

    def _own(self, batch: RolloutBatch) -> list[Group]:
        groups = [group for group in batch.payload_B if isinstance(group, Group)]
        if len(groups) != batch.num_groups:
            raise ValueError(
                "the batch carries no completions of this pool's tasks; train on what `rollout` "
                "returned, or a part of it"
            )
        return groups


class RFTTruth(AbstractTruth):
    """Exact solve rates of the pool's tasks under the policy as it is now.

    Args:
        policy: the one that the backend trains.
        tasks: the pool's.
        rollouts: as the backend samples.
        group_size: rollouts per group.
    """

    def __init__(
        self, policy: Policy, tasks: Sequence[Task], rollouts: RolloutConfig, group_size: int
    ) -> None:
        self._rates = ExactRates(policy, tasks, rollouts)
        self._group_size = group_size

    def solve_rates(self, task_ids: Ints | None = None) -> Floats:
        """One forward pass over these tasks."""
        return self._rates.solve_rates(None if task_ids is None else task_ids.tolist())

    def expected_gains(self) -> Floats:
        """Signal of a group times the chance that it has any: p (1 - p) (1 - p^n - (1 - p)^n).

        What a task is worth to held-out tasks is not known for a real model; this counts all tasks
        alike, so it is no upper bound.
        """
        p, n = self._rates.solve_rates(), self._group_size
        return p * (1 - p) * (1 - p**n - (1 - p) ** n)


def _identity(policy: Policy, pool: Pool, seed: int) -> str:
    """A hash of model, pool and seed; the model's weights as they were at the start."""
    digest = hashlib.sha256(f"{pool.fingerprint}:{seed}".encode())
    for name, tensor in policy.model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()


def _vector(name: str, values: object, size: int) -> np.ndarray:
    if not isinstance(values, np.ndarray) or values.shape != (size,):
        raise ValueError(
            f"the state's {name} is no vector of {size} numbers: it is damaged or belongs "
            "to another model"
        )
    if not np.isfinite(values).all():
        raise ValueError(f"the state's {name} holds NaN or infinity: go back to an earlier one")
    return values


def save_model(backend: RFTBackend, folder: Path) -> None:
    """Writes the backend's model as it is now: an ordinary Hugging Face folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    backend._policy.save(folder)


def second_moments(backend: RFTBackend) -> Floats:
    """AdamW's second moments, one per trained weight; 0 before the first update."""
    return backend._trainer.vectors()["exp_avg_sq"].astype(np.float64)

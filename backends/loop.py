"""The training loop that every strategy and every backend shares."""

import inspect
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from backends.base import AbstractBackend, Ints
from bots import (
    AbstractCollector,
    AbstractSelector,
    Feedback,
    OneRound,
    RolloutBatch,
    checks,
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come; save it beside the selector's and the backend's state to resume."""

    steps: int = 0
    rollouts_generated: int = 0
    rollouts_trained: int = 0


@dataclass(frozen=True, slots=True)
class StepRecord:
    """What happened in one training step.

    Attributes:
        progress: totals after this step.
        generated: every group that was generated, kept or not, as the backend returned it.
        kept_B: places of the groups that were trained on, among those generated; may be empty.
        delivered: what the selector was told after the step, in this order: the outcome of these
            groups, unless it is late on this backend.
        train_metrics: the backend's figures for the step.
        seconds: time spent in `select`, `rollout`, `train` and `update`.
    """

    progress: Progress
    generated: RolloutBatch
    kept_B: Ints
    delivered: tuple[Feedback, ...] = ()
    train_metrics: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def feedback(self) -> Feedback:
        """Counts of the generated groups, a reward of 1 being a success."""
        return self.generated.feedback()

    @property
    def trained_ids_B(self) -> Ints:
        """Tasks of the groups that were trained on."""
        return self.generated.task_ids_B[self.kept_B]


def run(
    backend: AbstractBackend,
    selector: AbstractSelector,
    batch_size: int,
    group_size: int,
    collector: AbstractCollector | None = None,
    start: Progress | None = None,
) -> Iterator[StepRecord]:
    """Select, roll out, train, update, for as long as the caller asks for records.

    Each record is yielded after its step is complete, so a caller that stops there, or saves state
    there, is at a step boundary. Tasks that the backend says are absent cannot be selected. After
    training the selector is updated once per feedback that the backend delivers, in order: once per
    step with every group that was generated, unless feedback is late there. Every rollout asked for
    is charged, lost ones included, and only groups generated in a step can be trained on in it.

    Args:
        backend: what is sampled and trained.
        selector: chooses tasks.
        batch_size: tasks to train on per step.
        group_size: rollouts per task.
        collector: which groups are generated and kept; default one group per selected task.
        start: the progress of the run that this one continues.

    Raises:
        ValueError: when the selector or the collector breaks its contract, or tasks are absent and
            the selector cannot leave them out.

    Example:
        >>> import itertools
        >>> from backends.simulated import simulate
        >>> from bots import BOTSSelector
        >>> from simulator import Scenario
        >>> backend, _ = simulate(Scenario("tiny", "", num_tasks=500, num_heldout=100), seed=0)
        >>> selector = BOTSSelector(backend.pool, np.random.default_rng(0))
        >>> for record in itertools.islice(run(backend, selector, 8, 4), 3):
        ...     print(record.progress.steps, record.progress.rollouts_generated)
        1 32
        2 64
        3 96
    """
    collector = collector or OneRound()
    progress = start or Progress()
    while True:
        meter = _Meter(backend, selector)
        kept = collector.collect(meter.select, meter.rollout, batch_size, group_size)
        generated = meter.generated()
        kept_B, train_metrics = meter.train(generated, kept, batch_size)
        delivered = backend.deliver(generated)
        meter.update(delivered)
        progress = Progress(
            progress.steps + 1,
            progress.rollouts_generated + meter.rollouts,
            progress.rollouts_trained + (generated.take(kept_B).num_rollouts if kept_B.size else 0),
        )
        yield StepRecord(progress, generated, kept_B, delivered, train_metrics, meter.seconds)


class _Meter:
    """Passes calls on, counting rollouts and seconds and checking what strategies answer."""

    def __init__(self, backend: AbstractBackend, selector: AbstractSelector) -> None:
        self._backend, self._selector = backend, selector
        self._absent = backend.absent()
        self._batches: list[RolloutBatch] = []
        self.rollouts = 0
        self.seconds = {"select": 0.0, "rollout": 0.0, "train": 0.0, "update": 0.0}

    def select(self, batch_size: int) -> Ints:
        absent = self._absent
        choose = _excluding(self._selector, absent) if absent.size else self._selector.select
        with self._timed("select"):
            task_ids_B = choose(batch_size)
        return _checked_choice(task_ids_B, batch_size, self._backend.pool.num_tasks, absent)

    def rollout(self, task_ids_B: Ints, group_size: int) -> RolloutBatch:
        gone = int(np.isin(task_ids_B, self._absent).sum()) if self._absent.size else 0
        if gone:
            raise ValueError(
                f"the collector asked for {gone} tasks that are not in the pool now; roll out what "
                "select has just returned"
            )
        with self._timed("rollout"):
            batch = self._backend.rollout(task_ids_B, group_size)
        self._batches.append(batch)
        self.rollouts += len(task_ids_B) * group_size
        return batch

    def generated(self) -> RolloutBatch:
        return RolloutBatch.concatenate(self._batches)

    def train(
        self, generated: RolloutBatch, kept: Ints, batch_size: int
    ) -> tuple[Ints, dict[str, float]]:
        kept_B = _checked_places(kept, batch_size, generated.num_groups)
        with self._timed("train"):
            if kept_B.size == 0:
                return kept_B, self._backend.skip()
            return kept_B, self._backend.train(generated.take(kept_B))

    def update(self, delivered: tuple[Feedback, ...]) -> None:
        with self._timed("update"):
            for feedback in delivered:
                self._selector.update(feedback)

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[name] += time.perf_counter() - began


def _excluding(selector: AbstractSelector, absent: Ints) -> Callable[[int], Ints]:
    """The selector's `select`, leaving out these tasks; it may be written without `exclude`."""
    try:
        inspect.signature(selector.select).bind(1, exclude=absent)
    except TypeError:
        raise ValueError(
            f"{type(selector).__name__}.select does not take `exclude`, but some tasks cannot be "
            f"rolled out now ({absent.size}): write `select(self, batch_size, exclude=None)` and "
            "choose none of those positions"
        ) from None
    return partial(selector.select, exclude=absent)


def _checked_choice(task_ids: object, batch_size: int, num_tasks: int, absent: Ints) -> Ints:
    """What a selector answered, if it is `batch_size` distinct tasks of the pool, none absent."""
    task_ids_B = checks.task_ids(np.asarray(task_ids))
    checks.within(task_ids_B, num_tasks)
    distinct = np.unique(task_ids_B).size
    if task_ids_B.size != batch_size or distinct != batch_size:
        raise ValueError(
            f"the selector chose {task_ids_B.size} tasks, {distinct} of them distinct, when asked "
            f"for {batch_size}; select must return exactly that many distinct tasks"
        )
    barred = task_ids_B[np.isin(task_ids_B, absent)] if absent.size else absent
    if barred.size:
        raise ValueError(
            f"the selector chose task {barred[0]} ({barred.size} such tasks), which cannot be "
            "rolled out now; select must choose none of the positions in `exclude`"
        )
    return task_ids_B


def _checked_places(kept: object, batch_size: int, num_groups: int) -> Ints:
    """What a collector answered, if it is at most `batch_size` distinct groups of this step."""
    places = np.asarray(kept)
    if places.ndim != 1 or (places.size and places.dtype.kind not in "iu"):
        raise ValueError(f"the collector kept {kept!r}; it must return a vector of places")
    distinct = np.unique(places).size
    inside = bool(((places >= 0) & (places < num_groups)).all())
    if not inside or distinct != places.size or places.size > batch_size:
        raise ValueError(
            f"the collector kept {places.size} groups, {distinct} of them distinct, of "
            f"{num_groups} rolled out in this step, for a batch of {batch_size}; it must keep at "
            "most that many distinct groups of this step"
        )
    return places.astype(np.int64)

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
    Collected,
    Feedback,
    Gathering,
    OneRound,
    RolloutBatch,
    checks,
)

Thinning = Callable[[RolloutBatch], RolloutBatch]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come; save it beside the selector's and the backend's state to resume."""

    steps: int = 0
    rollouts_generated: int = 0
    rollouts_trained: int = 0
    forward_passes: int = 0  # that were charged


@dataclass(frozen=True, slots=True)
class StepRecord:
    """What happened in one training step.

    Attributes:
        progress: totals after this step.
        generated: every group that was generated, kept or not, as the backend returned it.
        kept_B: places of the groups that were trained on, among those generated; may be empty.
        trained: what was trained on: these groups and any that had been held, some of them joined,
            without the rollouts that were left out; None: nothing.
        delivered: what the selector was told after the step, in this order: the outcome of these
            groups, unless it is late on this backend.
        train_metrics: the backend's figures for the step.
        seconds: time spent in `select`, `rollout`, `train` and `update`.
        forward_passes: prompts that the selector had a model read, apart from rollouts.
    """

    progress: Progress
    generated: RolloutBatch
    kept_B: Ints
    trained: RolloutBatch | None
    delivered: tuple[Feedback, ...] = ()
    train_metrics: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    forward_passes: int = 0

    @property
    def feedback(self) -> Feedback:
        """Counts of the generated groups, a reward of 1 being a success."""
        return self.generated.feedback()

    @property
    def trained_ids_B(self) -> Ints:
        """Tasks of the groups that were trained on."""
        return self.generated.task_ids_B[:0] if self.trained is None else self.trained.task_ids_B


def run(
    backend: AbstractBackend,
    selector: AbstractSelector,
    batch_size: int,
    group_size: int,
    collector: AbstractCollector | None = None,
    start: Progress | None = None,
    thinning: Thinning | None = None,
) -> Iterator[StepRecord]:
    """Select, roll out, train, update, for as long as the caller asks for records.

    Each record is yielded after its step is complete, so a caller that stops there, or saves state
    there, is at a step boundary. Tasks that the backend says are absent cannot be selected. After
    training the selector is updated once per feedback that the backend delivers, in order: once per
    step with every group that was generated, unless feedback is late there. Every rollout asked for
    is charged, lost ones included. Groups that a collector holds can be trained on in later steps;
    nothing else can, but what was generated in the step.

    Args:
        backend: what is sampled and trained.
        selector: chooses tasks.
        batch_size: tasks to train on per step.
        group_size: rollouts per task.
        collector: which groups are generated and kept; default one group per selected task.
        start: the progress of the run that this one continues.
        thinning: leaves rollouts out of the groups to be trained on, by setting their rewards to
            NaN.

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
        collected = meter.collect(collector, batch_size, group_size)
        generated = meter.generated()
        passes = selector.forward_passes()
        new_passes = passes - progress.forward_passes
        backend.charge(new_passes)
        trained, train_metrics = meter.train(collected, batch_size, thinning)
        delivered = backend.deliver(generated)
        meter.update(delivered)
        progress = Progress(
            progress.steps + 1,
            progress.rollouts_generated + meter.rollouts,
            progress.rollouts_trained + (0 if trained is None else trained.num_rollouts),
            passes,
        )
        kept_B, seconds = meter.kept_B, meter.seconds
        yield StepRecord(
            progress, generated, kept_B, trained, delivered, train_metrics, seconds, new_passes
        )


class _Meter:
    """Passes calls on, counting rollouts and seconds and checking what strategies answer."""

    def __init__(self, backend: AbstractBackend, selector: AbstractSelector) -> None:
        self._backend, self._selector = backend, selector
        self._absent, self._held = backend.absent(), backend.held()
        self._asked: list[Ints] = []
        self._batches: list[RolloutBatch] = []
        self.rollouts = 0
        self.kept_B = np.empty(0, dtype=np.int64)
        self.seconds = {"select": 0.0, "rollout": 0.0, "train": 0.0, "update": 0.0}

    def collect(self, collector: AbstractCollector, batch_size: int, group_size: int) -> Collected:
        """What the collector answers; all its time but that of rollouts is selection."""
        step = Gathering(
            self._select, self._rollout, batch_size, group_size, self._absent, self._held
        )
        with self._timed("select"):
            collected = collector.collect(step)
        self.seconds["select"] -= self.seconds["rollout"]
        if not isinstance(collected, Collected):
            raise ValueError(
                f"the collector answered {collected!r}; it must answer bots.Collected(places)"
            )
        return collected

    def generated(self) -> RolloutBatch:
        return RolloutBatch.concatenate(self._batches)

    def train(
        self, collected: Collected, batch_size: int, thinning: Thinning | None
    ) -> tuple[RolloutBatch | None, dict[str, float]]:
        """Trains on what was kept, and holds what is to be held."""
        held = [] if self._held is None else [self._held]
        at_hand = RolloutBatch.concatenate([*held, *self._batches])
        first = at_hand.num_groups - sum(batch.num_groups for batch in self._batches)
        train = _checked_places("trains on", collected.train, at_hand.num_groups)
        hold = _checked_places("holds", collected.hold, at_hand.num_groups)
        self.kept_B = train[train >= first] - first
        trained = at_hand.take(train) if train.size else None
        if trained is not None:
            trained = trained.joined() if collected.joined else trained
            _check_size(trained.num_groups, batch_size)
            trained = trained if thinning is None else thinning(trained)
        with self._timed("train"):
            figures = self._backend.skip() if trained is None else self._backend.train(trained)
        if hold.size or held:
            self._backend.hold(at_hand.take(hold) if hold.size else None)
        return trained, figures

    def update(self, delivered: tuple[Feedback, ...]) -> None:
        with self._timed("update"):
            for feedback in delivered:
                self._selector.update(feedback)

    def _select(self, batch_size: int) -> Ints:
        choose = _excluding(self._selector, self._barred(batch_size), self._absent)
        num_tasks = self._backend.pool.num_tasks
        task_ids_B = _checked_choice(choose(batch_size), batch_size, num_tasks, self._absent)
        self._asked.append(task_ids_B)
        return task_ids_B

    def _rollout(self, task_ids_B: Ints, group_size: int) -> RolloutBatch:
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

    def _barred(self, batch_size: int) -> Ints:
        """Absent tasks, and those chosen before in this step if enough others are left."""
        if not self._asked:
            return self._absent
        barred = np.unique(np.concatenate([self._absent, *self._asked]))
        left = self._backend.pool.num_tasks - barred.size
        return barred if left >= batch_size else self._absent

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[name] += time.perf_counter() - began


def _excluding(selector: AbstractSelector, barred: Ints, absent: Ints) -> Callable[[int], Ints]:
    """The selector's `select`, leaving out `barred`; it may be written without `exclude`.

    Then it may choose a task twice in a step, but `absent` ones cannot be left to it.
    """
    if barred.size == 0:
        return selector.select
    try:
        inspect.signature(selector.select).bind(1, exclude=barred)
    except TypeError:
        if absent.size == 0:
            return selector.select
        raise ValueError(
            f"{type(selector).__name__}.select does not take `exclude`, but some tasks cannot be "
            f"rolled out now ({absent.size}): write `select(self, batch_size, exclude=None)` and "
            "choose none of those positions"
        ) from None
    return partial(selector.select, exclude=barred)


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


def _checked_places(what: str, places: object, num_groups: int) -> Ints:
    """What a collector answered, if it is distinct groups of those at hand."""
    array = np.asarray(places)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ValueError(f"the collector {what} {places!r}; it must be a vector of places")
    distinct = np.unique(array).size
    if not ((array >= 0) & (array < num_groups)).all() or distinct != array.size:
        raise ValueError(
            f"the collector {what} {array.size} groups, {distinct} of them distinct, with "
            f"{num_groups} at hand in this step; places must be distinct and among those"
        )
    return array.astype(np.int64)


def _check_size(num_groups: int, batch_size: int) -> None:
    if num_groups > batch_size:
        raise ValueError(
            f"the collector trains on {num_groups} groups, for a batch of {batch_size}; it must "
            "keep at most that many"
        )

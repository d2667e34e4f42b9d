"""Laws of whole runs: the collector takes part, tasks come and go, feedback is late."""

from collections.abc import Iterator
from itertools import islice
from time import perf_counter, process_time

import numpy as np

from backends import AbstractBackend, Progress, StepRecord, run
from bench.checking.law import DIFFERENT, BrokenError, Law, calling
from bench.checking.trial import BATCH, GROUP, Subject, shown
from bench.checking.worlds import LARGE, large, learner
from bench.entry import Strategy

_STEPS, _HALF = 12, 6
_ROUNDS, _LARGE_BATCH = 5, 64
_SLOW_MS = 10.0
_ANOTHER_SEED = 99


def _runs(subject: Subject) -> None:
    one, other = _records(subject), _records(subject)
    _check_equal(one, other, "two runs with equal seeds differ")
    passes = sum(record.forward_passes for record in one)
    if passes < 0:
        raise BrokenError(f"{_STEPS} steps are charged {passes} forward passes")


def _resumes(subject: Subject) -> None:
    whole = _records(subject)
    backend, world = learner(subject.trial().takes_exclude())
    first = subject.strategy(world)
    begun = _steps(first, backend, _HALF)
    second = subject.strategy(world, _ANOTHER_SEED)
    with calling("load_state_dict(state_dict())"):
        second.selector.load_state_dict(first.selector.state_dict())
    rest = _steps(second, backend, _STEPS - _HALF, begun[-1].progress)
    what = f"a run, and one that went on with a fresh strategy and saved state after {_HALF} steps"
    _check_equal(whole, begun + rest, what)


def _records(subject: Subject) -> list[StepRecord]:
    """A short run where tasks are absent and feedback is late; with all tasks, if it must be."""
    backend, world = learner(subject.trial().takes_exclude())
    return _steps(subject.strategy(world), backend, _STEPS)


def _steps(
    strategy: Strategy, backend: AbstractBackend, count: int, start: Progress | None = None
) -> list[StepRecord]:
    records: Iterator[StepRecord] = run(
        backend, strategy.selector, BATCH, GROUP, strategy.collector, start, strategy.thinning
    )
    with calling(f"backends.run(backend, selector, {BATCH}, {GROUP}, collector)"):
        return list(islice(records, count))


def _check_equal(one: list[StepRecord], other: list[StepRecord], what: str) -> None:
    for step, (record, twin) in enumerate(zip(one, other, strict=True)):
        for does, ids, others in (
            ("rolled out", record.generated.task_ids_B, twin.generated.task_ids_B),
            ("trained on", record.trained_ids_B, twin.trained_ids_B),
        ):
            if not np.array_equal(ids, others):
                differing = f"step {step} {does} {shown(ids)} and {shown(others)}"
                raise BrokenError(f"{what}: {differing}", DIFFERENT)


def _fast(subject: Subject) -> None:
    trial = subject.trial(world=large())
    times = []
    for step in range(_ROUNDS):
        wall, processor = perf_counter(), process_time()
        ids = trial.choose(_LARGE_BATCH, num_tasks=LARGE)
        spent = perf_counter() - wall, process_time() - processor
        times.append(1e3 * min(spent))  # neither other programs nor several threads count
        trial.learn(ids, step)
    if min(times) > _SLOW_MS:
        raise BrokenError(
            f"select({_LARGE_BATCH}) on {LARGE:,} tasks took {min(times):.0f} ms, the fastest of "
            f"{_ROUNDS}"
        )


RUNNING = (
    Law(
        "it runs where tasks come and go and feedback is late, the same way twice",
        _runs,
        "the message says which rule select or the collector broke, bots.AbstractCollector what "
        "it may answer; draw from the selector's generator alone, and count forward passes upwards",
    ),
    Law(
        "a stopped run goes on bit for bit, collector included",
        _resumes,
        "a collector keeps nothing between steps: let it hold groups (bots.Collected), or keep it "
        "in the selector's state",
    ),
    Law(
        f"select takes at most {_SLOW_MS:g} ms on {LARGE:,} tasks",
        _fast,
        "work with whole arrays instead of task by task",
        advice=True,
    ),
)

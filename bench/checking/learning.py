"""Laws of `update`, of beliefs and of figures."""

import re
from collections.abc import Callable

import numpy as np

from bench.checking.law import BrokenError, Law, require_refusal
from bench.checking.trial import BATCH, Subject, Trial, changed, flat, require_same, shown
from bench.checking.worlds import NUM_TASKS
from bots import Feedback

_NAME = re.compile(r"[\w.-]+(/[\w.-]+)+")
_BELIEFS = "bad beliefs"
_RANDOM_FEEDBACKS = 12
_ODD_GROUPS = (
    ("groups of one rollout", [3, 8], [1, 0], [1, 1]),
    ("uneven groups", [3, 8, 5], [1, 0, 7], [2, 5, 9]),
    ("a task twice", [7, 3, 7], [2, 0, 3], [4, 4, 3]),
    ("a group that was lost", [3, 8], [2, 0], [4, 0]),
    ("groups that were all lost", [3, 8], [0, 0], [0, 0]),
    ("successes that are sums of rewards", [3, 8], [1.5, 0.25], [4, 4]),
    ("tasks that it did not choose", list(range(NUM_TASKS)), [1] * NUM_TASKS, [4] * NUM_TASKS),
)


def _odd_groups(subject: Subject) -> None:
    trial = subject.trial()
    for _, ids, successes, trials in _ODD_GROUPS:
        trial.tell(ids, successes, trials)
        trial.choose(BATCH)
    _check_rates(trial)
    for seed in range(_RANDOM_FEEDBACKS):
        trial.tell(*_random_groups(np.random.default_rng([seed, 2])))
        trial.choose(BATCH)
    _check_rates(trial)


def _random_groups(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Groups of 0 to 18 rollouts, some of the same few tasks."""
    size = rng.integers(1, 41)
    solved, failed = rng.integers(0, 10, (2, size))
    return rng.integers(0, rng.choice([3, NUM_TASKS]), size), solved, solved + failed


def _outside(subject: Subject) -> None:
    trial = subject.trial()
    trial.live(range(3))
    before = flat(trial.state())
    for task in (NUM_TASKS, 10**12):
        call = f"update(Feedback([3, {task}], [1, 1], [2, 2])) on {NUM_TASKS} tasks"
        feedback = Feedback([3, task], [1, 1], [2, 2])  # pyright: ignore[reportArgumentType]  # lists do
        require_refusal(call, lambda feedback=feedback: trial.selector.update(feedback))
        difference = changed(before, flat(trial.state()))
        if difference:
            raise BrokenError(f"{call} raised, but had changed {difference} of the state")


def _rates(subject: Subject) -> None:
    trial = subject.trial()
    _check_rates(trial)
    for step in range(6):
        trial.live([step])
        _check_rates(trial)
    for solved in (0, 1):
        for _ in range(3):
            trial.tell(range(NUM_TASKS), [8 * solved] * NUM_TASKS, [8] * NUM_TASKS)
        _check_rates(trial)


def _check_rates(trial: Trial) -> None:
    rates = trial.rates()
    if rates is None:
        return
    rates_N = np.asarray(rates)
    if rates_N.shape != (NUM_TASKS,) or rates_N.dtype.kind != "f":
        what = f"{rates_N.dtype} of shape {rates_N.shape} for {NUM_TASKS} tasks"
        raise BrokenError(f"solve_rates() returned {what}", _BELIEFS)
    bad = np.flatnonzero(~((rates_N >= 0) & (rates_N <= 1)))
    if bad.size:
        what = f"{rates_N[bad[0]]:g} for task {bad[0]}"
        raise BrokenError(f"solve_rates() returned {what}", _BELIEFS)


def _figures(subject: Subject) -> None:
    trial = subject.trial()
    for steps in (range(0), range(4)):
        trial.live(steps)
        for name, value in _metrics(trial).items():
            if not isinstance(value, float):
                kind = type(value).__name__
                raise BrokenError(f"metrics() returned the {kind} {shown(value)} for {name!r}")


def _names(subject: Subject) -> None:
    for name in _metrics(subject.trial()):
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise BrokenError(f"metrics() has the name {name!r}")


def _metrics(trial: Trial) -> dict[str, float]:
    figures = trial.metrics()
    if not isinstance(figures, dict):
        raise BrokenError(f"metrics() returned a {type(figures).__name__}, not a dict")
    return figures


def _looking(subject: Subject) -> None:
    blind, watched = subject.trial(), subject.trial()
    looks: tuple[Callable[[], object], ...] = (
        watched.rates,
        watched.metrics,
        watched.state,
        watched.passes,
    )
    batches = []
    for step in range(6):
        batches += watched.live([step])
        for look in looks:
            look()
    what = "without and with solve_rates(), metrics() and state_dict() after every step"
    require_same(blind.live(range(6)), batches, what)


def _passes(subject: Subject) -> None:
    trial = subject.trial()
    counts = [trial.passes()]
    for step in range(6):
        trial.live([step])
        counts.append(trial.passes())
    for count in counts:
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 0:
            raise BrokenError(f"forward_passes() returned {count!r}")
    if counts != sorted(counts):
        raise BrokenError(f"forward_passes() returned {counts} in successive steps")


LEARNING = (
    Law(
        "beliefs are one solve rate in [0, 1] per task, or None",
        _rates,
        "return None, or a float array of shape (N,); np.clip(rates_N, 0, 1) keeps it in range",
    ),
    Law(
        "partial, repeated, uneven and empty groups are taken",
        _odd_groups,
        "go by counts: feedback.evidence() merges groups to successes and trials per measured task",
    ),
    Law(
        "feedback about tasks outside the pool is refused and changes nothing",
        _outside,
        "begin update with bots.checks.within(feedback.task_ids_B, pool.num_tasks)",
    ),
    Law("metrics are floats by name", _figures, "wrap every value in float(...)"),
    Law(
        "metrics are named group/figure",
        _names,
        "call it 'my_strategy/figure', so that logs show it beside its kin",
        advice=True,
    ),
    Law(
        "looking at beliefs, metrics and state changes nothing",
        _looking,
        "draw and learn in select and update alone; the benchmark looks as often as it likes",
    ),
    Law(
        "forward passes are counted from the start and never fall",
        _passes,
        "return the total so far, as an int",
    ),
)

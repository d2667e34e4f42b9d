"""Laws of `select`."""

import inspect
import random
from functools import partial

import numpy as np

from bench.checking.law import BrokenError, Law, calling, require_refusal
from bench.checking.trial import BATCH, Subject, Trial, changed, flat, require_same, shown
from bench.checking.worlds import NUM_TASKS

_STEPS = range(8)
_LEFT = 20  # tasks that are not excluded
_BAD_SIZES = (0, -1, NUM_TASKS + 1, 2.5, True, None)
_BAD_EXCLUSIONS = (
    np.arange(NUM_TASKS - BATCH + 1),
    np.array([3, NUM_TASKS]),
    np.array([-1]),
    np.array([0.5]),
    np.zeros(NUM_TASKS, dtype=np.bool_),
    np.array([[1, 2]]),
    7,
)
_NOTHING = (np.empty(0, dtype=np.int64), np.array([]), [])


def _answers(subject: Subject) -> None:
    trial = subject.trial()
    with calling(f"select({BATCH})"):
        trial.selector.select(BATCH)
    trial.learn(np.arange(BATCH), 0)
    for method in (trial.rates, trial.metrics, trial.passes, trial.state):
        method()


def _distinct(subject: Subject) -> None:
    for size in (1, BATCH, NUM_TASKS):
        trial = subject.trial()
        for step in range(4):
            trial.learn(trial.choose(size), step)


def _integers(subject: Subject) -> None:
    trial = subject.trial()
    with calling(f"select({BATCH})"):
        ids = trial.selector.select(BATCH)
    if not isinstance(ids, np.ndarray) or ids.dtype != np.int64:
        kind = f"an array of {ids.dtype}" if isinstance(ids, np.ndarray) else type(ids).__name__
        raise BrokenError(f"select({BATCH}) returned {kind}")


def _signature(subject: Subject) -> None:
    select = subject.trial().selector.select
    parameters = inspect.signature(select).parameters
    if list(parameters) != ["batch_size", "exclude"] or parameters["exclude"].default is not None:
        raise BrokenError(f"it is written select{inspect.signature(select)}")


def _excluded(subject: Subject) -> None:
    subject.trial().need_exclude()
    for size in (1, BATCH, _LEFT):
        trial = subject.trial()
        for step in range(6):
            order = np.random.default_rng(step).permutation(NUM_TASKS)
            gone = np.concatenate([order[_LEFT:], order[-7:]])  # the last seven twice
            ids = trial.choose(size, gone)
            wrong = np.intersect1d(ids, gone)
            if wrong.size:
                raise BrokenError(
                    f"select({size}, exclude={shown(gone)}) with {_LEFT} tasks left chose "
                    f"{shown(wrong)} of those excluded"
                )
            trial.learn(ids, step)


def _nothing_excluded(subject: Subject) -> None:
    subject.trial().need_exclude()
    silent, told = subject.trial(), subject.trial()
    what = f"select({BATCH}) and select({BATCH}, exclude=[]) of equal selectors differ"
    for step in _STEPS:
        nothing = _NOTHING[step % len(_NOTHING)]
        ids, others = silent.choose(BATCH), told.choose(BATCH, nothing)
        require_same([ids.tolist()], [others.tolist()], what)
        silent.learn(ids, step)
        told.learn(ids, step)
    difference = changed(flat(silent.state()), flat(told.state()))
    if difference:
        raise BrokenError(f"{what} in {difference} of the state")


def _bad_sizes(subject: Subject) -> None:
    trial = subject.trial()
    trial.live(range(3))
    for size in _BAD_SIZES:
        _refused(trial, f"select({size!r}) on {NUM_TASKS} tasks", size)


def _bad_exclusions(subject: Subject) -> None:
    trial = subject.trial()
    trial.need_exclude()
    trial.live(range(3), absences=True)
    for gone in _BAD_EXCLUSIONS:
        call = f"select({BATCH}, exclude={shown(gone)}) on {NUM_TASKS} tasks"
        _refused(trial, call, BATCH, gone)


def _refused(trial: Trial, call: str, *arguments: object) -> None:
    before = flat(trial.state())
    require_refusal(call, partial(trial.selector.select, *arguments))
    difference = changed(before, flat(trial.state()))
    if difference:
        raise BrokenError(f"{call} raised, but had changed {difference} of the state")


def _deterministic(subject: Subject) -> None:
    one, other = subject.trial().live(_STEPS), subject.trial().live(_STEPS)
    require_same(one, other, "two selectors made with default_rng(0) and told the same differ")


def _own_randomness(subject: Subject) -> None:
    held = np.random.get_state(), random.getstate()  # noqa: NPY002  # what is to be left alone
    try:
        one, other = (_under_global_seed(subject, seed) for seed in (1, 2))
    finally:
        np.random.set_state(held[0])  # noqa: NPY002
        random.setstate(held[1])
    require_same(one, other, "choices after np.random.seed(1) and after np.random.seed(2) differ")


def _under_global_seed(subject: Subject, seed: int) -> list[list[int]]:
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)
    before = _global_states()
    batches = subject.trial().live(_STEPS)
    drawn = [name for name, state in _global_states().items() if state != before[name]]
    if drawn:
        raise BrokenError(f"a few steps drew from the global generator of {' and '.join(drawn)}")
    return batches


def _global_states() -> dict[str, object]:
    name, keys, *rest = np.random.get_state()  # noqa: NPY002
    return {"np.random": (name, np.asarray(keys).tobytes(), *rest), "random": random.getstate()}


CHOOSING = (
    Law(
        "every method can be called",
        _answers,
        "see bots.AbstractSelector for what each method is given and returns",
    ),
    Law(
        "a batch is B distinct positions of the pool, for B = 1, 10 and all",
        _distinct,
        "return batch_size distinct integers from 0 to pool.num_tasks - 1, as in "
        "np.argsort(score_N)[-batch_size:]",
    ),
    Law(
        "equal generators give equal choices",
        _deterministic,
        "draw from the `rng` that the factory is handed, and share nothing between instances: no "
        "clock, no generator of its own, no array that belongs to the class",
        basic=True,
    ),
    Law(
        "a batch is an array of int64",
        _integers,
        "return np.asarray(ids, dtype=np.int64)",
        advice=True,
    ),
    Law(
        "select takes `batch_size` and `exclude=None`",
        _signature,
        "write select(self, batch_size, exclude=None), or it cannot run where tasks are absent",
        advice=True,
    ),
    Law(
        "excluded tasks are never chosen, even with few left",
        _excluded,
        "excluded = bots.checks.excluded(exclude, batch_size, pool.num_tasks), then "
        "score_N[excluded] = -np.inf, or choose among the others",
    ),
    Law(
        "excluding nothing changes nothing",
        _nothing_excluded,
        "treat an empty `exclude`, array or list, as None; bots.checks.excluded does",
    ),
    Law(
        "impossible batch sizes are refused and change nothing",
        _bad_sizes,
        "begin select with bots.checks.batch_size(batch_size, pool.num_tasks)",
    ),
    Law(
        "impossible exclusions are refused and change nothing",
        _bad_exclusions,
        "begin select with bots.checks.excluded(exclude, batch_size, pool.num_tasks)",
    ),
    Law(
        "it draws from its own generator alone",
        _own_randomness,
        "call rng.random(...) and the like instead of np.random.* or random.*",
    ),
)

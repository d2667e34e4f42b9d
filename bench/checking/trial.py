"""A strategy under trial: every call is named, and what it answers is looked at."""

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.checking.law import DIFFERENT, BrokenError, SkippedError, calling
from bench.checking.worlds import NUM_TASKS, World, still
from bench.entry import Strategy
from bench.strategies import make_strategy
from bots import AbstractSelector, Feedback

BATCH, GROUP = 10, 8
_SHOWN = 4
_ABSENT = 60  # tasks that are drawn, with repeats, to be absent at two of three steps


@dataclass(frozen=True, slots=True)
class Subject:
    """The strategy that `spec` names, see `bench.strategies.make_strategy`; made anew per law."""

    spec: str

    def strategy(self, world: World, seed: int = 0) -> Strategy:
        """A fresh one."""
        with calling("factory(pool, rng)"):
            return make_strategy(self.spec, world.pool, np.random.default_rng(seed), world.truth)

    def trial(self, seed: int = 0, world: World | None = None) -> "Trial":
        """A fresh selector."""
        return Trial(self.strategy(world or still(), seed).selector)


class Trial:
    """A selector whose mistakes are put into words."""

    def __init__(self, selector: AbstractSelector) -> None:
        self.selector = selector

    def takes_exclude(self) -> bool:
        """Whether `select` can leave tasks out."""
        try:
            inspect.signature(self.selector.select).bind(1, exclude=None)
        except TypeError:
            return False
        return True

    def need_exclude(self) -> None:
        """Ends a law that says nothing about a `select` that takes no `exclude`."""
        if not self.takes_exclude():
            raise SkippedError("select takes no `exclude`")

    def choose(self, size: int, exclude: Any = None, num_tasks: int = NUM_TASKS) -> np.ndarray:
        """A batch, which must be `size` distinct positions of the pool."""
        call = f"select({size})" if exclude is None else f"select({size}, exclude={shown(exclude)})"
        with calling(call):
            given = {} if exclude is None else {"exclude": exclude}
            answer = self.selector.select(size, **given)
            ids = np.asarray(answer)
        if ids.dtype.kind not in "iu" or ids.ndim != 1:
            what = f"{ids.dtype} of shape {ids.shape}, not positions"
            raise BrokenError(f"{call} returned {what}", "not positions")
        distinct = np.unique(ids)
        if ids.size != size or distinct.size != size:
            what = f"{ids.size} tasks, {distinct.size} of them distinct"
            raise BrokenError(f"{call} returned {what}", "not distinct")
        if distinct[0] < 0 or distinct[-1] >= num_tasks:
            outside = distinct[0] if distinct[0] < 0 else distinct[-1]
            what = f"{call} on a pool of {num_tasks} tasks returned task {outside}"
            raise BrokenError(what, "outside the pool")
        return ids

    def tell(self, ids: Any, successes: Any, trials: Any) -> Feedback:
        """Feedback, as it was handed over.

        Its arrays can be written to, so that a selector that does so breaks one law and not all.
        """
        feedback = Feedback(ids, successes, trials)
        for array in (feedback.task_ids_B, feedback.successes_B, feedback.trials_B):
            array.setflags(write=True)
        call = f"update(Feedback({shown(ids)}, {shown(successes)}, {shown(trials)}))"
        with calling(call):
            self.selector.update(feedback)
        return feedback

    def learn(self, ids: np.ndarray, step: int) -> None:
        """Outcomes of full groups that depend on the step alone."""
        solved = np.random.default_rng(step).binomial(GROUP, 0.4, ids.size)
        self.tell(ids, solved, np.full(ids.size, GROUP))

    def live(self, steps: Iterable[int], absences: bool = False) -> list[list[int]]:
        """The batches of some steps, with absences and outcomes that depend on the step alone."""
        batches = []
        for step in steps:
            ids = self.choose(BATCH, absent(step) if absences else None).copy()
            self.learn(ids, step)
            batches.append(ids.tolist())
        return batches

    def state(self) -> dict[str, Any]:
        """Its state."""
        with calling("state_dict()"):
            state = self.selector.state_dict()
        if not isinstance(state, dict):
            raise BrokenError(f"state_dict() returned a {type(state).__name__}, not a dict")
        return state

    def load(self, state: dict[str, Any]) -> None:
        """Puts state back."""
        with calling("load_state_dict(state_dict())"):
            self.selector.load_state_dict(state)

    def rates(self) -> Any:
        """Its beliefs."""
        with calling("solve_rates()"):
            return self.selector.solve_rates()

    def metrics(self) -> Any:
        """Its figures."""
        with calling("metrics()"):
            return self.selector.metrics()

    def passes(self) -> Any:
        """Its forward passes."""
        with calling("forward_passes()"):
            return self.selector.forward_passes()


def absent(step: int) -> np.ndarray | None:
    """Tasks that cannot be chosen at a step, some twice; None at every third."""
    if step % 3 == 0:
        return None
    return np.random.default_rng([step, 1]).integers(0, NUM_TASKS, _ABSENT)


def flat(state: dict[str, Any], prefix: str = "") -> dict[str, object]:
    """State as values that can be compared, arrays as bytes."""
    values: dict[str, object] = {}
    for key, value in state.items():
        if isinstance(value, dict):
            values |= flat(value, f"{prefix}{key}/")
        elif isinstance(value, np.ndarray):
            values[f"{prefix}{key}"] = value.dtype.str, value.shape, value.tobytes()
        else:
            values[f"{prefix}{key}"] = repr(value)
    return values


def changed(before: dict[str, object], after: dict[str, object]) -> str:
    """The names of the entries that differ; empty for none."""
    return ", ".join(name for name in sorted(before | after) if before.get(name) != after.get(name))


def require_same(one: list[list[int]], other: list[list[int]], what: str) -> None:
    """Demands equal batches; `what` says between which they differ."""
    for step, (ids, others) in enumerate(zip(one, other, strict=True)):
        if ids != others:
            chose = f"step {step} chose {shown(ids)} and {shown(others)}"
            raise BrokenError(f"{what}: {chose}", DIFFERENT)


def shown(values: Any) -> str:
    """A vector as it would be typed, shortened."""
    listed = np.asarray(values).tolist()
    if not isinstance(listed, list) or len(listed) <= _SHOWN + 1:
        return repr(listed)
    return f"[{', '.join(map(repr, listed[:_SHOWN]))}, ... {len(listed)} in all]"

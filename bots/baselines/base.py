"""What the baselines share: checked arguments, and state that lists their own fields."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from bots import checks
from bots import state as states
from bots._types import Floats, Ints
from bots.feedback import Evidence, Feedback
from bots.pool import Pool
from bots.selector import AbstractSelector


@dataclass(frozen=True, slots=True)
class Within:
    """What the numbers of a field of state may be.

    In [low, high], or NaN if `missing` is set; with `order`, each of 0 to N - 1 once.
    """

    low: float = -np.inf
    high: float = np.inf
    missing: bool = False
    order: bool = False

    def holds(self, values: Any) -> bool:
        """Whether every number of `values` is one of them."""
        array = np.asarray(values, dtype=np.float64)
        if self.order:
            return np.array_equal(np.sort(array), np.arange(array.size))
        sound = (array >= self.low) & (array <= self.high) & np.isfinite(array)
        return bool((sound | (np.isnan(array) & self.missing)).all())


RATE = Within(0, 1)
COUNT = Within(0)
ORDER = Within(order=True)
POSITIVE = Within(np.nextafter(0.0, 1.0))


class AbstractBaseline(AbstractSelector):
    """A selector that says how it chooses and what it learns; the rest is here.

    A subclass names itself, lists what it remembers, and implements `_choose` and `_learn`.

    Attributes:
        NAME: as in its saved state.
        VERSION: of the layout of that state.
        MIGRATIONS: what makes the next version of an older state, by the older's version.
        STATE: what it remembers: `name` stands for the attribute `_name`, an array, an int or a
            float, whose shape and type never change.
        PARTS: likewise attributes that have a `state_dict` and `load_state_dict` of their own.

    Args:
        pool: the tasks.
        rng: the selector's own random numbers.
        config: its settings, as JSON values.
    """

    NAME: ClassVar[str]
    VERSION: ClassVar[int] = 1
    MIGRATIONS: ClassVar[Mapping[int, Callable[[states.State], states.State]]] = {}
    STATE: ClassVar[dict[str, Within]] = {}
    PARTS: ClassVar[tuple[str, ...]] = ()

    def __init__(self, pool: Pool, rng: np.random.Generator, **config: Any) -> None:
        self._pool = pool
        self._rng = checks.rng(rng)
        self._config = {name: _plain(value) for name, value in config.items()}

    @abstractmethod
    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        """`batch_size` distinct tasks, none of them in `excluded` (distinct, ascending)."""

    def _learn(self, evidence: Evidence) -> None:  # some learn nothing
        """Takes in the counts of one feedback, which measured at least one task."""

    @final
    def select(self, batch_size: int, exclude: Ints | None = None) -> Ints:
        """The next batch; see the class."""
        batch_size = checks.batch_size(batch_size, self._pool.num_tasks)
        return self._choose(batch_size, checks.excluded(exclude, batch_size, self._pool.num_tasks))

    @final
    def update(self, feedback: Feedback) -> None:
        """Learns from measured tasks; see the class."""
        evidence = checks.feedback(feedback, self._pool.num_tasks).evidence()
        if evidence.task_ids_U.size:
            self._learn(evidence)

    def solve_rates(self) -> Floats | None:
        """None, unless it keeps a belief."""
        return None

    def metrics(self) -> dict[str, float]:
        """Nothing, unless it has something to say."""
        return {}

    @final
    def state_dict(self) -> dict[str, Any]:
        """All that it remembers, and the generator."""
        own = {name: getattr(self, f"_{name}") for name in self.STATE}
        own = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in own.items()}
        return {**self._header(), **own, **self._states_of_parts()}

    @final
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts all of it back."""
        state = states.migrated(state, self.VERSION, self.MIGRATIONS)
        states.check(state, self._header(), (*self.STATE, *self._states_of_parts()))
        values = {f"_{name}": self._restored(name, state[name]) for name in self.STATE}
        for part in self.PARTS:
            restored = copy(getattr(self, f"_{part}"))
            restored.load_state_dict({key: state[f"{part}_{key}"] for key in restored.state_dict()})
            values[f"_{part}"] = restored
        values["_rng"] = states.generator(state["rng"])
        for name, value in values.items():
            setattr(self, name, value)

    def _restored(self, name: str, value: Any) -> Any:
        """`value` as this field, if it can be one."""
        now, allowed = getattr(self, f"_{name}"), self.STATE[name]
        if isinstance(now, int):
            highest = None if np.isinf(allowed.high) else int(allowed.high)
            return checks.integer(name, value, int(allowed.low), highest)
        if isinstance(now, float):
            return checks.number(name, value, allowed.low, allowed.high)
        alike = isinstance(value, np.ndarray) and (value.shape, value.dtype) == (
            now.shape,
            now.dtype,
        )
        if not alike or not allowed.holds(value):
            raise ValueError(
                f"the state's {name} is not an array of shape {now.shape} and type {now.dtype} "
                f"with numbers in [{allowed.low:g}, {allowed.high:g}]: it is damaged or another "
                "pool's; go back to an earlier checkpoint"
            )
        return value.copy()

    def _states_of_parts(self) -> dict[str, Any]:
        return {
            f"{part}_{key}": value
            for part in self.PARTS
            for key, value in getattr(self, f"_{part}").state_dict().items()
        }

    def _header(self) -> states.State:
        return states.header(self.NAME, self.VERSION, self._pool, self._rng, self._config)


def _plain(value: Any) -> Any:
    """A NumPy number as Python's, so that settings are JSON values."""
    return value.item() if isinstance(value, np.generic) else value


def available(num_tasks: int, excluded: Ints) -> Ints:
    """All positions that are not in `excluded`, ascending.

    Example:
        >>> available(4, np.array([1])).tolist()
        [0, 2, 3]
    """
    return np.delete(np.arange(num_tasks), excluded)


def barred(utility_N: Floats, excluded: Ints) -> Floats:
    """Utilities with -inf for excluded tasks; a copy where there are any."""
    if excluded.size == 0:
        return utility_N
    utility_N = utility_N.copy()
    utility_N[excluded] = -np.inf
    return utility_N

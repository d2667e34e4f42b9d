"""State of selectors: what every one has in common.

A state is a dict of JSON values, NumPy arrays and further such dicts; `bots.state_file` keeps it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from bots._types import Ints
from bots.pool import Pool

State = dict[str, Any]

_BIT_GENERATORS = {
    name: getattr(np.random, name) for name in ("PCG64", "PCG64DXSM", "SFC64", "Philox", "MT19937")
}
# NumPy takes any number here, and then reads memory that is not the generator's.
_LARGEST = {"pos": 624, "buffer_pos": 4, "has_uint32": 1}


def header(
    selector: str,
    version: int,
    pool: Pool,
    rng: np.random.Generator,
    config: Mapping[str, Any] | None = None,
) -> State:
    """The entries that `check` reads back.

    Args:
        selector: the selector's name.
        version: of the layout of its state.
        pool: the tasks; their fingerprint is kept.
        rng: the selector's generator.
        config: its settings, as JSON values.
    """
    return {
        "selector": selector,
        "version": version,
        "pool": pool.fingerprint,
        "config": dict(config or {}),
        "rng": _copied(rng.bit_generator.state),
    }


def check(state: State, expected: State, entries: Iterable[str] = ()) -> None:
    """Refuses state of another selector, version, pool or settings, or with other entries.

    Args:
        state: what is to be loaded.
        expected: the `header` of the selector that loads it.
        entries: the names of its other entries.

    Raises:
        ValueError: naming the first difference and the remedy.
    """
    _check_is_state(state)
    for name, remedy in (
        ("selector", "build the selector it came from"),
        ("version", "load it with the release that wrote it"),
    ):
        if state[name] != expected[name]:
            raise ValueError(
                f"the state has {name} {state[name]!r}, this selector {expected[name]!r}: {remedy}"
            )
    names = {*expected, *entries}
    if set(state) != names:
        raise ValueError(f"the state has entries {sorted(state)}; expected {sorted(names)}")
    if state["pool"] != expected["pool"]:
        raise ValueError(
            "the state belongs to another pool (its tasks, their order, domains or reference rates "
            "differ): build the selector with the pool it was saved with"
        )
    if state["config"] != expected["config"]:
        raise ValueError(
            f"the state was saved with settings {state['config']}, this selector has "
            f"{expected['config']}: build it with those or, to change them on purpose, put the "
            "new settings into state['config']"
        )


def migrated(state: State, version: int, steps: Mapping[int, Callable[[State], State]]) -> State:
    """A state in the layout `version`, from that layout or an older one.

    Call it before `check`; the result's `version` is set here.

    Args:
        state: what is to be loaded; left as it is.
        version: of the layout that is wanted.
        steps: for each older version that can still be read, what makes its state one of the next;
            it gets a copy, but one whose arrays and inner dicts are the state's own.

    Raises:
        ValueError: for a version that is newer, or older than all steps.

    Example:
        >>> steps = {1: lambda state: state | {"updates": 0}}
        >>> migrated({"selector": "mine", "version": 1}, 2, steps)
        {'selector': 'mine', 'version': 2, 'updates': 0}
    """
    _check_is_state(state)
    found = state["version"]
    if type(found) is not int:
        raise ValueError(f"the state has version {found!r}; a version is an integer")
    if found > version:
        raise ValueError(
            f"the state has version {found}, this selector reads {version} and older: "
            "upgrade bots-rft"
        )
    if found < min(steps, default=version):
        raise ValueError(
            f"the state has version {found}, this selector reads {min(steps, default=version)} to "
            f"{version}: load it with the release that wrote it"
        )
    for older in range(found, version):
        state = steps[older](dict(state)) | {"version": older + 1}
    return state


def generator(state: Any) -> np.random.Generator:
    """A new generator that continues where the one with this `bit_generator.state` left off."""
    try:
        bit_generator = _BIT_GENERATORS[state["bit_generator"]]()
        if not _fits(state, bit_generator.state):
            raise ValueError("it has another layout or a position outside its buffer")
        bit_generator.state = state
    except (KeyError, TypeError, ValueError, OverflowError, IndexError) as error:
        raise ValueError(f"the state's random generator cannot be restored: {error!r}") from None
    return np.random.Generator(bit_generator)


def permutation(name: str, values: Any, num_tasks: int) -> Ints:
    """`values` as an order of all tasks."""
    order_N = np.array(values)
    if order_N.dtype.kind not in "iu" or not np.array_equal(np.sort(order_N), np.arange(num_tasks)):
        raise ValueError(f"the state's {name} is not an order of the {num_tasks} tasks")
    return order_N.astype(np.int64)


def _copied(state: Any) -> Any:
    if isinstance(state, dict):
        return {name: _copied(value) for name, value in state.items()}
    return state.copy() if isinstance(state, np.ndarray) else state


def _check_is_state(state: Any) -> None:
    if not isinstance(state, dict) or "selector" not in state or "version" not in state:
        raise ValueError("this is not a selector's state; pass what state_dict returned")


def _fits(value: Any, model: Any, largest: float = np.inf) -> bool:
    """Whether a generator's state is laid out like that of a new one."""
    if isinstance(model, dict):
        return (
            isinstance(value, dict)
            and value.keys() == model.keys()
            and all(_fits(value[name], model[name], _LARGEST.get(name, np.inf)) for name in model)
        )
    if isinstance(model, np.ndarray):
        return (
            isinstance(value, np.ndarray)
            and value.dtype == model.dtype
            and value.shape == model.shape
        )
    if isinstance(model, int):
        return type(value) is int and 0 <= value <= largest
    return value == model

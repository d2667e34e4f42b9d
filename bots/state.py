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
    if not isinstance(state, dict) or "selector" not in state or "version" not in state:
        raise ValueError("this is not a selector's state; pass what state_dict returned")
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


def generator(state: Any) -> np.random.Generator:
    """A new generator that continues where the one with this `bit_generator.state` left off."""
    try:
        bit_generator = _BIT_GENERATORS[state["bit_generator"]]()
        bit_generator.state = state
    except (KeyError, TypeError, ValueError, OverflowError) as error:
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

"""What the state of every selector has in common: an identifying header, and a generator."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from bots._types import Ints
from bots.pool import Pool

_BIT_GENERATORS = {
    name: getattr(np.random, name) for name in ("PCG64", "PCG64DXSM", "SFC64", "Philox", "MT19937")
}


def header(selector: str, version: int, pool: Pool, rng: np.random.Generator) -> dict[str, Any]:
    """The entries that `check` reads back."""
    return {
        "selector": selector,
        "version": version,
        "pool": pool.fingerprint,
        "rng": rng.bit_generator.state,
    }


def check(
    state: dict[str, Any], selector: str, version: int, pool: Pool, entries: Iterable[str]
) -> None:
    """Refuses state of another selector, version or pool, or with other entries than `entries`."""
    if not isinstance(state, dict) or "selector" not in state or "version" not in state:
        raise ValueError("this is not a selector's state; pass what state_dict returned")
    if state["selector"] != selector:
        raise ValueError(
            f"the state is of selector {state['selector']!r}, this is {selector!r}: "
            "build the selector it came from"
        )
    if state["version"] != version:
        raise ValueError(
            f"the state has version {state['version']!r}, this code reads {version}: "
            "load it with the release that wrote it"
        )
    expected = {"selector", "version", "pool", "rng", *entries}
    if set(state) != expected:
        raise ValueError(f"the state has entries {sorted(state)}; expected {sorted(expected)}")
    if state["pool"] != pool.fingerprint:
        raise ValueError(
            "the state belongs to another pool (its tasks, their order, domains or reference rates "
            "differ): build the selector with the pool it was saved with"
        )


def generator(state: Any) -> np.random.Generator:
    """A new generator that continues where the one whose `bit_generator.state` this is left off."""
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

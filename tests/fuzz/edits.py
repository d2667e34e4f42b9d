"""A few entries of a good state exchanged: what gets past the checks of the file."""

from copy import deepcopy
from typing import Any

import numpy as np

from tests.fuzz.draws import Draws

_NUMBERS: list[Any] = [
    *(0, 1, -1, 2, 3, 5, 6, 7, 255, 2**31, 2**32, 2**63, 2**64, 2**127, 10**40, 10**400, True),
    *(0.0, -0.0, 0.5, 1.0, 1.5, -1.0, 5e-324, 1e-30, 1e-3, 1e7, 1e16, 1e38, 1e39, 1e308),
    *(float("nan"), float("inf"), -float("inf")),
]
_OTHERS: list[Any] = [None, "", "x", "PCG64", [], [1], {}, {"x": 1}, np.arange(3), np.zeros((2, 2))]
_DTYPES = ["f8", "f4", "i8", "i4", "u8", "u1", "?", "U3", "c16", ">f8"]


def edited(state: dict[str, Any], draws: Draws) -> dict[str, Any]:
    """A copy with one to three other entries."""
    copy = deepcopy(state)
    for _ in range(draws.integer(3) + 1):
        place, name = draws.choice(_places(copy))
        if draws.integer(16) == 0:
            del place[name]
        else:
            place[name] = _other(place[name], draws)
    return copy


def _places(state: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    found = []
    for name, value in state.items():
        found.append((state, name))
        found += _places(value) if isinstance(value, dict) else []
    return found


def _other(value: Any, draws: Draws) -> Any:
    if draws.integer(8) == 0:
        return deepcopy(draws.choice(_OTHERS))
    if isinstance(value, np.ndarray):
        return _other_array(value.copy(), draws)
    if isinstance(value, dict):
        return value | {"x": deepcopy(draws.choice(_OTHERS))}
    if isinstance(value, int | float) and draws.integer(2):
        return value + draws.choice([1, -1])
    return draws.choice(_NUMBERS)


def _other_array(array: np.ndarray, draws: Draws) -> Any:
    action = draws.integer(12)
    if action == 0:
        return array[:-1] if array.ndim else array.reshape(1)
    if action == 1:
        return np.concatenate([array, array[:1]]) if array.ndim else array
    if action == 2:
        return array.astype(draws.choice(_DTYPES)) if array.dtype.kind != "f" else array > 0
    if action == 3:
        return array.reshape(draws.choice([(-1, 1), (1, -1), array.shape[::-1]]))
    if array.size:
        place = draws.integer(min(array.size, 256))
        content = array.reshape(-1).view(np.uint8).reshape(array.size, -1)
        content[place] = _element(array.dtype, draws)
    return array


def _element(dtype: np.dtype[Any], draws: Draws) -> np.ndarray:
    if draws.integer(2):
        return np.frombuffer(draws.bytes(dtype.itemsize), np.uint8)
    number = draws.choice(_NUMBERS)
    low, high = (-1e38, 1e38) if dtype.kind not in "iu" else _bounds(dtype)
    fits = not isinstance(number, int) or low <= number <= high
    with np.errstate(all="ignore"):
        return np.array([number if fits else 1]).astype(dtype).view(np.uint8)


def _bounds(dtype: np.dtype[Any]) -> tuple[int, int]:
    return np.iinfo(dtype).min, np.iinfo(dtype).max

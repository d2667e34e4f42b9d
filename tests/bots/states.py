"""Comparing states."""

from typing import Any

import numpy as np


def same(one: Any, other: Any) -> bool:
    """Whether two states are equal: NaN to NaN, arrays in dtype, shape and bits."""
    if isinstance(one, dict):
        names = isinstance(other, dict) and one.keys() == other.keys()
        return names and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list):
        sizes = isinstance(other, list) and len(one) == len(other)
        return sizes and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        return (
            isinstance(other, np.ndarray)
            and (one.dtype, one.shape) == (other.dtype, other.shape)
            and one.tobytes() == other.tobytes()
        )
    return type(one) is type(other) and (one == other or (one != one and other != other))

"""What this machine's memory delivers."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numba
import numpy as np
from numba import njit, prange

from bots._types import Ints

_BYTES = 400_000_000
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """Bytes per second; the best of a few tries, because memory is shared with other processes.

    Attributes:
        read_one: by one thread that sums an array.
        read: by all threads.
        copy: one thread that copies; what is read and what is written both count.
    """

    read_one: float
    read: float
    copy: float


@njit(cache=True, parallel=True)
def _sum(values: Ints) -> int:
    total = 0
    for i in prange(values.size):
        total += values[i]  # whole numbers, whose order of summation LLVM may change
    return total


def measure_bandwidth(threads: int, size: int = _BYTES) -> Bandwidth:
    """Reads and copies `size` bytes, more than any cache holds."""
    values = np.arange(size // 8)
    copy = np.zeros_like(values)
    _sum(values[:1024])
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        read_one = size / _best(lambda: _sum(values))
        numba.set_num_threads(min(threads, before))
        read = size / _best(lambda: _sum(values))
    finally:
        numba.set_num_threads(before)
    return Bandwidth(read_one, read, 2 * size / _best(lambda: np.copyto(copy, values)))


def _best(call: Callable[[], object]) -> float:
    seconds = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return min(seconds)

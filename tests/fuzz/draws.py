"""Arrays and other values out of bytes: any bytes give some, equal bytes give equal ones."""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")

_ODD: list[Any] = [
    *(None, "x", b"x", "3", {}, [], [[1]], [1, [2]], object(), True, -1, 2**63, 2**64, 10**400, 1j),
    *(np.nan, np.inf, -0.0, 5e-324, 1e308, 1.5, 0.1, np.float32(3), np.int8(2), np.uint64(2**63)),
    *(np.array([]), np.array(3), np.array([None]), np.datetime64("2020-01-01"), slice(3)),
]
_DTYPES = ["i1", "u1", "i8", "u8", "f2", "f4", "f8", "c16", "?", "S1", "U1", "M8[s]", "m8[s]"]


class Draws:
    """Reads bytes from the front; past the end there are zeros."""

    def __init__(self, data: bytes) -> None:
        self._data, self._place = data, 0

    def bytes(self, count: int) -> bytes:
        """The next bytes."""
        part = self._data[self._place : self._place + count]
        self._place += count
        return part.ljust(count, b"\0")

    def integer(self, bound: int) -> int:
        """One of 0, 1, ..., bound - 1, at most 256."""
        return self.bytes(1)[0] % bound

    def choice(self, values: Sequence[T]) -> T:
        """One of these."""
        return values[self.integer(len(values))]

    def values(self, length: int) -> Any:
        """Counts mostly, in an array or a list; else an array of anything, or something odd."""
        kind = self.integer(16)
        if kind < 6:
            return np.frombuffer(self.bytes(length), np.uint8) % 9
        if kind < 8:
            return (np.frombuffer(self.bytes(length), np.uint8) / 16).tolist()
        if kind < 11:
            return np.frombuffer(self.bytes(length), np.uint8) / 255.0
        if kind < 15:
            return self._array(self.choice(_DTYPES), length)
        return self.choice([*_ODD, *([value] * length for value in _ODD)])

    def odd(self) -> Any:
        """A small number mostly, else something odd."""
        return self.choice([0, 1, 2, 3, 0.5, None, 7, *_ODD])

    def _array(self, dtype: str, length: int) -> npt.NDArray[Any]:
        shape = self.choice([(length,), (length, 1), (1, length), ()])
        count = int(np.prod(shape))
        if dtype == "U1":  # any other bytes are no characters
            return np.array(list(self.bytes(count).decode("latin1")), "U1").reshape(shape)
        return np.frombuffer(self.bytes(count * np.dtype(dtype).itemsize), dtype).reshape(shape)

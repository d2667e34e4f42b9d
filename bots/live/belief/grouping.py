"""Grouping of equal rows, column by column, in little memory beside the rows.

Arrays without a suffix have an entry per row.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from bots._types import Floats, Ints

_CHUNK = 1 << 18  # rows that are looked up at a time
_TABLE = 1 << 25  # integers up to here are numbered by a table, which beats binary search

Column = tuple[npt.NDArray[Any], npt.NDArray[np.int32]]
"""Possible entries, and the position of every row's entry among them."""
Groups = tuple[list[npt.NDArray[Any]], npt.NDArray[np.int32]]
"""The groups' entries, column by column, and every row's group."""


def grouped(columns: Iterator[Column | None], limit: int) -> Groups | None:
    """Distinct rows, ascending, and the group of every row; None for more than `limit` groups."""
    rows, group = np.zeros((0, 1), dtype=np.int64), np.zeros(1, dtype=np.int32)
    entries: list[npt.NDArray[Any]] = []
    for column in columns:
        if column is None:
            return None
        joint = group.astype(np.int64) * column[0].size
        joint = np.add(joint, column[1], out=joint if joint.size > 1 else None)
        numbered = _numbered(joint, rows.shape[1] * column[0].size, limit)
        if numbered is None:
            return None
        distinct, group = numbered
        entries.append(column[0])
        before, code = np.divmod(distinct, column[0].size)
        rows = np.vstack([rows[:, before], code])
    return [entry[code] for entry, code in zip(entries, rows, strict=True)], group


def _numbered(joint: Ints, span: int, limit: int) -> tuple[Ints, npt.NDArray[np.int32]] | None:
    """The distinct integers below `span` and each one's place; None for more than `limit`."""
    if span > _TABLE:
        distinct = distinct_values(joint, limit)
        return None if distinct is None else (distinct, positions(joint, distinct))
    seen = np.zeros(span, dtype=np.bool_)
    seen[joint] = True
    distinct = np.flatnonzero(seen)
    if distinct.size > limit:
        return None
    place = np.empty(span, dtype=np.int32)
    place[distinct] = np.arange(distinct.size)
    return distinct, place[joint]


def rounded(rates: Floats, levels: int) -> npt.NDArray[np.int32]:
    """Places on the grid 0, 1 / levels, ..., 1, NaN."""
    code = np.empty(rates.size, dtype=np.int32)
    for part in _parts(rates.size):
        scaled = np.rint(rates[part] * levels)
        code[part] = np.where(np.isnan(scaled), levels + 1, scaled)
    return code


def distinct_values(values: npt.NDArray[Any], limit: int) -> npt.NDArray[Any] | None:
    """The distinct values, ascending, NaN last and once; None for more than `limit`."""
    seen = values[:1]
    for part in _parts(values.size):
        chunk = values[part]
        places = np.minimum(np.searchsorted(seen, chunk), seen.size - 1)
        unseen = chunk[seen[places] != chunk]
        if unseen.size:
            seen = np.union1d(seen, unseen)
            if seen.size > limit:
                return None
    return seen


def positions(values: npt.NDArray[Any], distinct: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    """The position of every value among the distinct ones."""
    code = np.empty(values.size, dtype=np.int32)
    for part in _parts(values.size):
        code[part] = np.searchsorted(distinct, values[part])
    return code


def _parts(size: int) -> Iterator[slice]:
    return (slice(start, start + _CHUNK) for start in range(0, size, _CHUNK))

"""Columns of a user's table: found by name, and read as numbers or labels."""

import math
from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench.table_file import excerpt

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

_MISSING = ("", "na", "n/a", "nan", "null", "none")
_MOST_NAMES, _LONGEST_NAME = 20, 60


def find(table: "pd.DataFrame", name: str, path: str) -> str | None:
    """The column of this name, else the one that differs in case and blanks alone, else None.

    Raises:
        ValueError: when several columns differ from the name in case and blanks alone.
    """
    columns = [str(column) for column in table.columns]
    if name in columns:
        return name
    alike = [column for column in columns if _plain(column) == _plain(name)]
    if len(alike) > 1:
        raise ValueError(
            f"{path} has the columns {' and '.join(map(repr, alike))}, both of which may be meant "
            f"by {name!r}: rename one"
        )
    return alike[0] if alike else None


def wanted(table: "pd.DataFrame", name: str, path: str) -> str:
    """The column of this name, as `find` finds it.

    Raises:
        ValueError: with near names, when there is none.
    """
    found = find(table, name, path)
    if found is not None:
        return found
    near = near_names(table, [name])
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{path} has no column {name!r}; it has {listed(table)}{hint}")


def first(table: "pd.DataFrame", candidates: Sequence[str], path: str) -> str | None:
    """The column of the first of these names that is there."""
    found = (find(table, name, path) for name in candidates)
    return next((name for name in found if name is not None), None)


def listed(table: "pd.DataFrame") -> str:
    """The names of the columns, as far as a message has room for them."""
    names = [name if len(name) <= _LONGEST_NAME else excerpt(name) for name in table.columns]
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def near_names(table: "pd.DataFrame", names: Sequence[str]) -> list[str]:
    """Columns that are spelt nearly like one of these names, the nearest first."""
    plain = {_plain(str(column)): str(column) for column in table.columns}
    return [
        plain[match]
        for name in names
        for match in get_close_matches(_plain(name), plain, n=1, cutoff=0.6)
    ]


def numbers(table: "pd.DataFrame", name: str, path: str) -> Floats:
    """A column as numbers, shape (N,); NaN for a missing entry.

    Raises:
        ValueError: for an entry that is no number.
    """
    column = table[name]
    if column.dtype.kind in "iufb":
        return column.to_numpy(np.float64)
    return np.array([_number(value, row, name, path) for row, value in enumerate(column)])


def labels(table: "pd.DataFrame", name: str, path: str) -> npt.NDArray[Any]:
    """A column as labels, shape (N,): whole numbers where all are, otherwise text.

    Raises:
        ValueError: for a missing entry, or one that is neither text nor a number.
    """
    values = table[name].tolist()
    absent = [row for row, value in enumerate(values) if _absent(value)]
    if absent:
        raise ValueError(
            f"column {name!r} of {path} has {len(absent)} empty entries (first: row {absent[0]}); "
            "every task needs a label there: fill them in, or choose another column"
        )
    for row, value in enumerate(values):
        if not isinstance(value, str | int | float):
            raise ValueError(
                f"column {name!r} of {path} holds {excerpt(value)} in row {row}; labels must be "
                "text (in UTF-8) or whole numbers: convert it, or choose another column"
            )
    whole = [_whole(value) for value in values]
    if all(number is not None for number in whole):
        return np.array(whole, dtype=np.int64)
    return np.array([str(value).strip() for value in values])


def _plain(name: str) -> str:
    return "_".join(name.casefold().split())


def _absent(value: object) -> bool:
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, float) and math.isnan(value))


def _whole(value: str | float) -> int | None:
    """The whole number that is written like this; None where it would be written otherwise."""
    if isinstance(value, float) and not value.is_integer():
        return None
    try:
        number = int(value)
    except (ValueError, OverflowError):
        return None
    same = not isinstance(value, str) or str(number) == value.strip()
    return number if same and abs(number) < 2**63 else None


def _number(value: Any, row: int, name: str, path: str) -> float:
    text = value.strip() if isinstance(value, str) else value
    if _absent(text) or (isinstance(text, str) and text.casefold() in _MISSING):
        return math.nan
    try:
        if isinstance(text, str) and "_" in text:
            raise ValueError
        return float(text)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            f"column {name!r} of {path} must be numeric; row {row} has {excerpt(value)}: "
            f"{_remedy(text)}"
        ) from None


def _remedy(value: object) -> str:
    if isinstance(value, str) and _is_number(value.replace(",", ".", 1)):
        return "that is a decimal comma; write a point, as in 0.5"
    if isinstance(value, str) and _is_number(value.removesuffix("%")):
        return "divide percentages by 100 and leave the sign out"
    if isinstance(value, list | dict):
        return "choose a column that holds one number per task"
    return "leave missing entries empty"


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False

"""Refusal of impossible values."""

from dataclasses import MISSING, Field, fields
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt


def require(subject: Any, **rules: tuple[bool, str]) -> None:
    """Checks the fields of a dataclass, each against a rule that it must fulfil.

    Numbers are checked to be numbers first; NaN breaks every rule, as comparisons with it are
    false.

    Args:
        subject: the dataclass.
        rules: by field, whether it holds, and the rule in words.

    Raises:
        ValueError: naming field, value and rule.
    """
    for name, (holds, rule) in rules.items():
        if not holds:
            kind = type(subject).__name__
            raise ValueError(f"{name} of {kind} is {getattr(subject, name)!r}; it {rule}")


def numbers(subject: Any, *, integers: tuple[str, ...] = (), others: tuple[str, ...] = ()) -> None:
    """Checks that the fields of a dataclass are finite-or-infinite numbers, or whole ones.

    Args:
        subject: the dataclass.
        integers: fields that must be whole numbers.
        others: fields that are no numbers.
    """
    for field in fields(subject):
        value, name = getattr(subject, field.name), field.name
        if name in others:
            continue
        kind = int if name in integers else Real
        if isinstance(value, bool) or not isinstance(value, kind):
            wanted = "a whole number" if name in integers else "a number"
            raise ValueError(
                f"{name} of {type(subject).__name__} is {value!r}; it must be {wanted}"
            )


def column(
    state: dict[str, Any], name: str, kind: npt.DTypeLike, size: int | None = None
) -> npt.NDArray[Any]:
    """An entry of saved state, as a vector of numbers; whole ones must not be negative.

    Raises:
        ValueError: for anything else, or another size.
    """
    values = np.asarray(state[name])
    whole = np.dtype(kind).kind == "i"
    bad = values.ndim != 1 or values.dtype.kind not in ("iu" if whole else "f")
    if bad or (size is not None and values.size != size) or (whole and (values < 0).any()):
        raise ValueError(f"{name} in the state is damaged: go back to an earlier checkpoint")
    return values.astype(kind)


def default_of(field: Field[Any]) -> Any:
    """The default of a dataclass's field; MISSING if it has none."""
    return field.default_factory() if field.default_factory is not MISSING else field.default

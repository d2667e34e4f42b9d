"""Refusal of impossible values."""

from dataclasses import fields
from numbers import Real
from typing import Any


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

"""Kinds of values on a command line. Each says in plain words what it takes."""

import math
from argparse import ArgumentTypeError
from collections.abc import Callable, Collection, Mapping

from bots.command_line.nearest import unknown


def whole(least: int = 1) -> Callable[[str], int]:
    """Whole numbers of at least `least`.

    Example:
        >>> whole()("12")
        12
    """

    def kind(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise ArgumentTypeError(f"{text} is not a whole number of at least {least}")
        return value

    return kind


def number(low: float = -math.inf, high: float = math.inf) -> Callable[[str], float]:
    """Finite numbers in [low, high].

    Example:
        >>> number(0, 1)("0.25")
        0.25
    """
    bounds = {
        (True, True): "",
        (False, True): f" of at least {low:g}",
        (True, False): f" of at most {high:g}",
        (False, False): f" from {low:g} to {high:g}",
    }[math.isinf(low), math.isinf(high)]

    def kind(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and low <= value <= high):
            raise ArgumentTypeError(f"{text} is not a number{bounds}")
        return value

    return kind


def named(
    what: str, known: Collection[str], remedy: str = "", aliases: Mapping[str, str] | None = None
) -> Callable[[str], str]:
    """One of some names, the nearest of which is suggested to whoever misses it.

    Args:
        what: is named.
        known: the names.
        remedy: where they are shown; default: they are listed.
        aliases: other spellings, and the names that they stand for.

    Example:
        >>> named("algorithm", ("grpo", "drgrpo"), aliases={"dr-grpo": "drgrpo"})("dr-grpo")
        'drgrpo'
    """
    shown = remedy or f"choose one of {', '.join(known)}"

    def kind(text: str) -> str:
        name = (aliases or {}).get(text, text)
        if name not in known:
            raise ArgumentTypeError(unknown(what, text, known, shown))
        return name

    return kind

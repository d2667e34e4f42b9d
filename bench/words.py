"""Figures and lists as sentences write them."""

from collections.abc import Sequence

import numpy as np

from bench.stats import Estimate

INFORMATIVE = "Groups that taught nothing, all right or all wrong"
_NAMES = {"bots": "BOTS"}
_SMALL = 0.005  # a difference of solve rates


def name(strategy: str) -> str:
    """A strategy as a sentence names it."""
    return _NAMES.get(strategy, strategy)


def percent(share: float) -> str:
    """A share in whole percent; `never` for infinity.

    Example:
        >>> percent(0.853), percent(float("inf"))
        ('85 %', 'never')
    """
    return "never" if np.isinf(share) else f"{100 * share:.0f} %"


def span(estimate: Estimate) -> str:
    """The interval of a share in whole percent.

    Example:
        >>> span(Estimate(0.7, 0.66, 0.781)), span(Estimate(0.7, 0.66, float("inf")))
        ('66 to 78 %', '66 % to never')
    """
    low = f"{100 * estimate.low:.0f}"
    return f"{low} % to never" if np.isinf(estimate.high) else f"{low} to {percent(estimate.high)}"


def percent_span(estimate: Estimate) -> str:
    """The interval of a share in brackets, in percent; nothing without one."""
    if np.isnan(estimate.low):
        return ""
    high = "never" if np.isinf(estimate.high) else f"{100 * estimate.high:.0f}"
    return f" [{100 * estimate.low:.0f}, {high}]"


def points(difference: float) -> str:
    """A difference of solve rates in points; negative ones keep their sign.

    Example:
        >>> points(0.0312)
        '3.1 points'
    """
    return f"{100 * difference:.{_digits(difference)}f} points"


def points_span(estimate: Estimate) -> str:
    """The interval of a difference of solve rates, in points, in brackets; nothing without one."""
    if np.isnan(estimate.low):
        return ""
    digits = _digits(estimate.value)
    return f" [{100 * estimate.low:.{digits}f}, {100 * estimate.high:.{digits}f}]"


def counted(count: int, noun: str) -> str:
    """A number of things.

    Example:
        >>> counted(1, "seed"), counted(4, "seed")
        ('1 seed', '4 seeds')
    """
    return f"{count} {noun}{'' if count == 1 else 's'}"


def listed(words: Sequence[str]) -> str:
    """Words with commas and an `and`.

    Example:
        >>> listed(["a", "b", "c"])
        'a, b and c'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _digits(difference: float) -> int:
    """Decimals of a difference in points: more for small ones."""
    return 1 if abs(difference) >= _SMALL else 2

"""The state of any selector as text: settings, numbers, and arrays with their ranges."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from bots.inspection.layout import clean, header, line, number
from bots.inspection.stored import Stored

_MOST_ENTRIES = 100
_KNOWN = ("selector", "version", "pool", "config", "rng")


def contents(stored: Stored) -> str:
    """What the state of any selector holds: its settings, numbers, and arrays with their ranges."""
    rest = {k: v for k, v in stored.state.items() if k not in _KNOWN}
    lines = list(_entries(rest, ""))
    more = len(lines) - _MOST_ENTRIES
    if more > 0:
        lines = [*lines[:_MOST_ENTRIES], f"  ... and {more:,} more"]
    settings = [line(clean(k), clean(v)) for k, v in stored.settings.items()]
    sections = [header(stored), ["settings", *settings], ["state", *lines]]
    return "\n\n".join("\n".join(lines) for lines in sections if len(lines) > 1)


def _entries(state: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """A line per number and array, whatever is nested in what."""
    for name, value in state.items():
        path = prefix + name
        if isinstance(value, dict):
            yield from _entries(value, f"{path}/")
        else:
            yield line(
                clean(path), _array(value) if isinstance(value, np.ndarray) else clean(value)
            )


def _array(values: np.ndarray) -> str:
    text = f"{values.dtype} {values.shape}"
    if values.dtype.kind not in "biuf" or values.size == 0:
        return text
    if not np.isnan(values).any():
        return f"{text}  {number(values.min())} to {number(values.max())}"
    missing = np.isnan(values)
    if missing.all():
        return f"{text}  all NaN"
    return (
        f"{text}  {number(np.nanmin(values))} to {number(np.nanmax(values))}, {missing.sum():,} NaN"
    )

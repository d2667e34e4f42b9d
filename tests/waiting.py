"""Waiting for what must happen, however slow the machine is."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 600.0  # seconds; only what never happens takes as long


def until(happened: Callable[[], T]) -> T:
    """What it answers, once that is true.

    Raises:
        AssertionError: when it has not after `PATIENCE`.
    """
    end = time.monotonic() + PATIENCE
    while not (answer := happened()):
        assert time.monotonic() < end, f"still waiting after {PATIENCE:g} s"
        time.sleep(0.01)
    return answer

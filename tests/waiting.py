"""Waiting for what must happen, however slow the machine is."""

import time
from collections.abc import Callable

PATIENCE = 600.0  # seconds; only what never happens takes as long


def until(happened: Callable[[], object]) -> None:
    """Returns once it has happened.

    Raises:
        AssertionError: when it has not after `PATIENCE`.
    """
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end, f"still waiting after {PATIENCE:g} s"
        time.sleep(0.01)

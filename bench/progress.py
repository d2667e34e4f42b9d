"""Tells how a run of many cells goes: its plan, and a bar or a line now and then."""

import logging
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from bench.engines import Plan, Watch
from bench.settings import Setting

_LOGGER = logging.getLogger(__name__)
_SECONDS, _SECONDS_OF_REAL = 5.0, 30.0  # between lines
_MINUTE, _HOUR = 60, 3600


def plan_line(cells: Sequence[Plan], pending: int, where: str) -> str:
    """What a run is about to do, in a sentence."""
    kinds = {
        "model" if any(_real(plan.setting) for plan in cells) else "pool": {
            plan.setting.name for plan in cells
        },
        "strategy": {plan.strategy for plan in cells},
        "seed": {plan.seed for plan in cells},
    }
    counts = [_counted(len(names), noun) for noun, names in kinds.items()]
    product = 1
    for names in kinds.values():
        product *= len(names)
    sizes = " x ".join(counts) if product == len(cells) else ", ".join(counts)
    there = len(cells) - pending
    done = f"; {there} are there already" if there else ""
    return f"{_counted(len(cells), 'cell')}: {sizes}, {where}{done}"


def interval(cells: Sequence[Plan]) -> float:
    """Seconds between lines about these cells: real ones take minutes each."""
    return _SECONDS_OF_REAL if any(_real(plan.setting) for plan in cells) else _SECONDS


@contextmanager
def progress(total: int, watch: Watch, seconds: float) -> Iterator["Progress"]:
    """Follows a run: a bar on a terminal, elsewhere a log line every so many seconds.

    Args:
        total: cells to run.
        watch: what is being worked on.
        seconds: between lines.
    """
    on_terminal = sys.stderr.isatty() and _LOGGER.isEnabledFor(logging.INFO)
    state = Progress(total, watch, _bar(total) if on_terminal else None)
    over = threading.Event()

    def tell() -> None:
        while not over.wait(seconds):
            if not state.over:
                _LOGGER.info(state.line())

    teller = threading.Thread(target=tell, daemon=True)
    with _beside_bar(on_terminal):
        if not on_terminal:
            teller.start()
        try:
            yield state
        finally:
            over.set()
            if teller.is_alive():
                teller.join()
            state.close()


class Progress:
    """How many cells have ended, and when the rest will have.

    Args:
        total: cells to run.
        watch: what is being worked on.
        bar: of tqdm, or None.
    """

    def __init__(self, total: int, watch: Watch, bar: Any = None) -> None:
        self._total, self._watch, self._bar = total, watch, bar
        self._ended: list[float] = []

    def ended(self) -> None:
        """Counts a cell, however it ended."""
        self._ended.append(time.monotonic())
        if self._bar is not None:
            self._bar.update()

    def close(self) -> None:
        """Leaves the bar as it is."""
        if self._bar is not None:
            self._bar.close()

    @property
    def over(self) -> bool:
        """Whether all cells have ended."""
        return len(self._ended) == self._total

    def line(self) -> str:
        """Cells that have ended, time left if it can be known, and what is at work for long."""
        done = len(self._ended)
        left = self._seconds_left()
        soon = "" if left is None else f", about {duration(left)} left"
        long = [
            f"{job} for {duration(seconds)}"
            for job, seconds in self._watch.at_work()
            if seconds >= _SECONDS_OF_REAL
        ]
        at_work = f"; at work: {', '.join(long)}" if long else ""
        return f"{done} of {self._total} cells{soon}{at_work}"

    def _seconds_left(self) -> float | None:
        """At the pace since the first cell ended; the start of the processes is left out."""
        if len(self._ended) < 2:
            return None
        pace = (time.monotonic() - self._ended[0]) / (len(self._ended) - 1)
        return pace * (self._total - len(self._ended))


def duration(seconds: float) -> str:
    """A time in words, as exact as an estimate can be.

    Example:
        >>> duration(42), duration(200), duration(8000)
        ('42 s', '3 min', '2.2 h')
    """
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < 2 * _HOUR else f"{seconds / _HOUR:.1f} h"


def _real(setting: Setting) -> bool:
    return setting.checkpoint_seconds is not None


def _counted(count: int, noun: str) -> str:
    plural = "strategies" if noun == "strategy" else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"


def _bar(total: int) -> Any:
    from tqdm import tqdm

    return tqdm(total=total, desc="cells", unit="cell")


def _beside_bar(on_terminal: bool) -> AbstractContextManager[None]:
    """Keeps log lines from breaking the bar."""
    if not on_terminal:
        return nullcontext()
    from tqdm.contrib.logging import logging_redirect_tqdm

    return logging_redirect_tqdm([logging.getLogger("bench")])

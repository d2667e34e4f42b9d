"""Stopping a run of many cells by SIGINT or SIGTERM."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_STOPPING = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """The first signal, and the event that tells worker processes of it.

    A second signal kills the worker processes and ends this one at once.

    Attributes:
        received: number of the first signal; 0: none came.
        event: set by the first signal.
    """

    def __init__(self) -> None:
        self.received = 0
        self.event = multiprocessing.get_context("spawn").Event()

    def listen(self) -> None:
        """Takes the signals, also from a library that took them in between.

        Python delivers signals to the main thread alone: in others nothing is done.
        """
        if _in_main_thread():
            for number in _STOPPING:
                signal.signal(number, self._receive)

    def _receive(self, number: int, _: object) -> None:
        if self.received:
            kill_children()
            os._exit(128 + number)
        self.received = number
        self.event.set()


@contextmanager
def listening() -> Iterator[Signals]:
    """Listens to signals, and leaves the handlers as they were."""
    signals = Signals()
    before = {number: signal.getsignal(number) for number in _STOPPING}
    signals.listen()
    try:
        yield signals
    finally:
        if _in_main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)


def kill_children() -> None:
    """Kills the processes that this one started with multiprocessing."""
    for child in multiprocessing.active_children():
        child.kill()


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()

"""What an engine is at, for whoever tells how a run goes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Watch:
    """The jobs that are being worked on, and since when.

    One thread begins and ends jobs; others may ask at any time.

    Example:
        >>> watch = Watch()
        >>> with watch.at("base/bots/0"):
        ...     [name for name, seconds in watch.at_work()]
        ['base/bots/0']
        >>> watch.at_work()
        []
    """

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def begin(self, job: object) -> None:
        """Says that a job is being worked on."""
        self._since[str(job)] = time.monotonic()

    def end(self, job: object) -> None:
        """Says that a job has ended, however it did."""
        self._since.pop(str(job), None)

    @contextmanager
    def at(self, job: object) -> Iterator[None]:
        """A job for the time of a block."""
        self.begin(job)
        try:
            yield
        finally:
            self.end(job)

    def at_work(self) -> list[tuple[str, float]]:
        """The jobs, the longest at work first, with their seconds."""
        now = time.monotonic()
        return [(job, now - since) for job, since in self._since.copy().items()]

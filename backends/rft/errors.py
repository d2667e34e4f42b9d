"""What can end a real run, in words that say what to change."""

from collections.abc import Iterator
from contextlib import contextmanager


class DivergedError(RuntimeError):
    """The loss or the gradient is no longer a finite, sane number; the weights are still finite."""


class EngineError(RuntimeError):
    """The engine died or gave an answer that makes no sense; a fresh one may do better."""


class MemoryExhaustedError(RuntimeError):
    """There is not enough memory; the message names the setting to change."""


@contextmanager
def naming_memory(what: str, remedy: str) -> Iterator[None]:
    """Turns torch's out-of-memory errors into one that says what to do.

    Args:
        what: what was being done.
        remedy: which setting to change, and how.
    """
    try:
        yield
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        raise MemoryExhaustedError(f"out of memory while {what}: {remedy} ({error})") from error


def out_of_memory(error: BaseException | None) -> bool:
    """Whether torch, or what it wraps, ran out of memory; on a CPU it says so in words alone."""
    while error is not None:
        text = f"{type(error).__name__}: {error}"
        if "OutOfMemory" in text or "out of memory" in text or "can't allocate memory" in text:
            return True
        error = error.__cause__
    return False

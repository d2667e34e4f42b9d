"""Where the notes of a command go: the packages' loggers, on standard error."""

import logging
import sys

PACKAGES = ("bots", "simulator", "backends", "bench")
_LEVELS = {-1: logging.WARNING, 0: logging.INFO, 1: logging.DEBUG}
_PLAIN, _FULL = "%(message)s", "%(asctime)s %(levelname)s %(name)s: %(message)s"


class _StandardError(logging.Handler):
    """Writes to whatever `sys.stderr` is at the time."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            print(self.format(record), file=sys.stderr, flush=True)
        except Exception:  # a handler must not stop what it tells of
            self.handleError(record)


def start(verbosity: int = 0) -> None:
    """Shows what the packages' loggers say; a second call replaces the first.

    Libraries log, and never call this. A command line calls it once.

    Args:
        verbosity: -1 shows warnings alone, 0 also progress and notes, 1 everything, with the time
            and the logger's name.

    Raises:
        ValueError: for another number.
    """
    if verbosity not in _LEVELS:
        raise ValueError(f"verbosity is {verbosity}; it must be -1, 0 or 1")
    handler = _StandardError()
    handler.setFormatter(logging.Formatter(_FULL if verbosity > 0 else _PLAIN))
    for name in PACKAGES:
        logger = logging.getLogger(name)
        for old in [old for old in logger.handlers if isinstance(old, _StandardError)]:
            logger.removeHandler(old)
        logger.addHandler(handler)
        logger.setLevel(_LEVELS[verbosity])

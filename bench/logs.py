"""Where the log goes when a command runs: plain lines on standard error."""

import logging
import sys
from typing import Any

_PACKAGES = ("bench", "backends", "bots", "simulator")


class _StandardError(logging.StreamHandler):
    """Writes to what standard error is when a line is written, not when logging was set up."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]  # as logging's
        return sys.stderr


_TO_STANDARD_ERROR = _StandardError()


def start(level: int = logging.INFO) -> None:
    """Writes log lines of this level and above to standard error; called again, sets the level."""
    for name in _PACKAGES:
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.addHandler(_TO_STANDARD_ERROR)  # one that is there already is not added again

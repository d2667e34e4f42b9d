"""A law, and what is found when a strategy is held to it."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.checking.trial import Subject

_CHECKOUT = Path(__file__).parents[2]
_OURS = tuple(_CHECKOUT / name for name in ("backends", "bench", "simulator"))


DIFFERENT = "choices that should be equal differ"


class BrokenError(Exception):
    """A law is broken; the message says which call did what.

    Args:
        message: that.
        fault: what other laws may be broken by, too; empty when it concerns this law alone.
    """

    def __init__(self, message: str, fault: str = "") -> None:
        super().__init__(message)
        self.fault = fault


class SkippedError(Exception):
    """A law says nothing about this strategy; the message says why."""


@dataclass(frozen=True, slots=True)
class Law:
    """One thing that a strategy must do.

    Attributes:
        name: the law, as a sentence.
        check: raises `BrokenError` when the strategy breaks it, `SkippedError` when it does not
            apply.
        remedy: what to change then.
        advice: whether breaking it is only worth a warning.
        basic: whether choices that differ here make other laws pointless that compare choices.
    """

    name: str
    check: Callable[["Subject"], None]
    remedy: str
    advice: bool = False
    basic: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What came out of holding a strategy to a law.

    Attributes:
        law: the law.
        verdict: `ok`, `skipped`, `warning` or `FAILED`.
        reason: what happened, with the call that did it; empty for `ok`.
        fault: see `BrokenError`.
    """

    law: Law
    verdict: str
    reason: str = ""
    fault: str = ""

    def __str__(self) -> str:
        """One line: the verdict, the law, what happened and the remedy."""
        line = f"{self.verdict:<8} {self.law.name}"
        if self.reason:
            line += f": {self.reason}"
        broken = self.verdict in ("warning", "FAILED")
        return f"{line}. Remedy: {self.law.remedy}" if broken else line


def judge(law: Law, subject: "Subject") -> Finding:
    """What comes of holding a strategy to a law, whatever it raises."""
    try:
        law.check(subject)
    except SkippedError as skipped:
        return Finding(law, "skipped", str(skipped))
    except BrokenError as broken:
        verdict = "warning" if law.advice else "FAILED"
        return Finding(law, verdict, str(broken), broken.fault)
    return Finding(law, "ok")


@contextmanager
def calling(call: str) -> Iterator[None]:
    """Turns whatever the strategy's code raises meanwhile into a broken law."""
    try:
        yield
    except (BrokenError, SkippedError):
        raise
    except (Exception, SystemExit) as error:  # anything that foreign code raises is a finding
        fault = described(error)
        raise BrokenError(f"{call} raised {fault}", fault) from error


def require_refusal(call: str, action: Callable[[], object]) -> None:
    """Demands that a call raises `ValueError`."""
    try:
        action()
    except ValueError:
        return
    except (Exception, SystemExit) as error:  # likewise
        raise BrokenError(f"{call} raised {described(error)}, not a ValueError") from error
    raise BrokenError(f"{call} was taken; it must raise a ValueError")


def described(error: BaseException) -> str:
    """An exception in one line, with the place in the strategy's own file."""
    text = " ".join(str(error).split())
    frames = traceback.extract_tb(error.__traceback__)
    if error.__cause__ is not None:
        frames += traceback.extract_tb(error.__cause__.__traceback__)
    own = [frame for frame in frames if not _is_library(Path(frame.filename))]
    where = f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
    return f"{type(error).__name__}: {text}{where}" if text else f"{type(error).__name__}{where}"


def _is_library(path: Path) -> bool:
    ours = path.parent == _CHECKOUT / "bots" or any(path.is_relative_to(f) for f in _OURS)
    return ours or "site-packages" in path.parts

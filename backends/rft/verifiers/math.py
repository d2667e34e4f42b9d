"""Mathematical answers, compared by value."""

import importlib.util
import re

from backends.rft.verifiers.base import AbstractVerifier, VerifierError
from backends.rft.verifiers.isolated import Isolated

_LAST_CHARACTERS = 4096  # of a completion: where its answer stands
_NUMBER = re.compile(r"-?\d{1,40}(\.\d{1,40})?")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)  # an escaped brace is an escape, not a brace
_BOX = "\\boxed{"


class MathVerifier(AbstractVerifier):
    r"""1.0 when the last `\boxed{...}` of a completion equals the answer as mathematics, else 0.0.

    Without a box, the final number or formula between dollar signs counts. A box that is never
    closed is wrong, and boxes before the last are ignored, so that listing guesses does not pay;
    `math_verify` alone would join them. It parses and compares, in a process of its own, because a
    few characters, such as `9^{9^{9^9}}`, keep it busy for ever.

    Args:
        wall_seconds: longest time over one completion; beyond it, `score` raises.
        memory_bytes: memory for one completion, where the system can limit it. `math_verify` takes
            some failures to allocate for an unequal answer: 0.0, no error.

    Raises:
        ValueError: when `math_verify` is not installed.

    Example:
        >>> verifier = MathVerifier()
        >>> verifier.score(r"So it is \boxed{58}", "58"), verifier.score(r"\boxed{5", "58")
        (1.0, 0.0)
        >>> verifier.close()
    """

    def __init__(self, wall_seconds: float = 5.0, memory_bytes: int = 2**30) -> None:
        if importlib.util.find_spec("math_verify") is None:
            raise ValueError(
                "the verifier `math` needs the package math_verify: "
                "`pip install math-verify==0.9.0`"
            )
        limits = (wall_seconds, memory_bytes)
        self._equal = Isolated("backends.rft.verifiers.math:equal", *limits)

    def check(self, answer: str) -> None:
        """Any answer that `math_verify` parses and finds equal to itself."""
        if _NUMBER.fullmatch(answer.strip()):
            return
        try:
            if len(answer) <= _LAST_CHARACTERS and self._equal.call(_boxed(answer), answer):
                return
            reason = "it must be a number or a formula in LaTeX"
        except VerifierError as error:
            reason = str(error)
        raise ValueError(f"`math` cannot compare with the answer {_short(answer)}: {reason}")

    def score(self, completion: str, answer: str) -> float:
        """1.0 or 0.0."""
        tail = completion[-_LAST_CHARACTERS:]
        start = tail.rfind(_BOX)
        if start < 0:
            return self._equal.call(tail, answer) if tail.strip() else 0.0
        inside = _inside(tail, start + len(_BOX))
        if inside is None or not inside.strip():
            return 0.0
        if inside.strip() == answer.strip():
            return 1.0
        return self._equal.call(f"{_BOX}{inside}}}", answer)

    def close(self) -> None:
        """Ends the process."""
        self._equal.close()


def equal(text: str, answer: str) -> float:
    """Whether a text's final answer equals the answer, 1.0 or 0.0; may hang.

    The time limits of `math_verify` are off: they rely on SIGALRM, which not all code heeds.
    """
    from math_verify import parse, verify

    gold = parse(_boxed(answer), parsing_timeout=0)
    found = parse(text, parsing_timeout=0)
    if not any(not isinstance(value, str) for value in gold):
        return 0.0
    return float(verify(gold, found, timeout_seconds=None))


def _boxed(answer: str) -> str:
    """The answer in a box, because `math_verify` reads no formula that stands bare."""
    bare = answer.strip()
    return bare if _BOX in bare or bare.startswith(("$", "\\[", "\\(")) else f"{_BOX}{bare}}}"


def _inside(text: str, start: int) -> str | None:
    """What stands before the brace that closes the one before `start`, if one does."""
    depth = 1
    for found in _BRACE.finditer(text, start):
        depth += (found[0] == "{") - (found[0] == "}")
        if depth == 0:
            return text[start : found.start()]
    return None


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")

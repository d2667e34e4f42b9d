"""Answers to tasks of reasoning-gym, judged by its own scorers."""

import ast
import functools
import importlib.util
import json
import re
from typing import Any

from backends.rft.reasoning import FAMILIES, SCORED_BY
from backends.rft.verifiers.base import AbstractVerifier, VerifierError
from backends.rft.verifiers.isolated import Isolated

_LAST_CHARACTERS = 20_000  # of a completion: longer than the longest answer of the usual levels
_OPEN, _CLOSE = "<answer>", "</answer>"
_ARITHMETIC = re.compile(r"[0-9a-fA-FxX+\-*/%&|^~<>() ]*")
_NEED_SCORER = (*SCORED_BY, "chain_sum", "products", "decimal_chain_sum", "knights_knaves")


class ReasoningVerifier(AbstractVerifier):
    """1.0 when reasoning-gym pays a full score to what stands in the last <answer> tags, else 0.0.

    Its partial scores count as failures, since a solve rate is a share of solved attempts. We
    differ from it in two ways. The families whose full score means the very text of the answer are
    compared here, because two of their scorers, `string_insertion` and `binary_matrix`, execute
    model output as Python. And no answer to `number_sorting` may hold NaN, which compares as close
    to any number. Its tolerance of 1 per number stays.

    Args:
        wall_seconds: longest time over one completion; beyond it, `score` raises.
        memory_bytes: memory for one completion, where the system can limit it.

    Raises:
        ValueError: when reasoning-gym is not installed.
    """

    def __init__(self, wall_seconds: float = 5.0, memory_bytes: int = 2**30) -> None:
        if importlib.util.find_spec("reasoning_gym") is None:
            raise ValueError(
                "the verifier `reasoning` needs the package reasoning_gym: "
                "`pip install reasoning-gym==0.1.25`"
            )
        limits = (wall_seconds, memory_bytes)
        self._scorer = Isolated("backends.rft.verifiers.reasoning:full_score", *limits)

    def check(self, answer: str) -> None:
        """JSON as `backends.rft.reasoning` writes it, whose own answer gets a full score."""
        try:
            family, _, entry = _parts(answer)
            if self._solves(family, entry, entry["answer"]):
                return
            reason = "it does not get a full score itself"
        except (ValueError, VerifierError) as error:
            reason = str(error)
        raise ValueError(
            f"`reasoning` cannot use the answer {answer[:80]!r}: {reason}; take answers from "
            "`backends.rft.reasoning.reasoning_tasks`"
        )

    def score(self, completion: str, answer: str) -> float:
        """1.0 or 0.0."""
        try:
            family, compact, entry = _parts(answer)
        except ValueError as error:
            raise VerifierError(str(error)) from None
        tail = completion[-_LAST_CHARACTERS:]
        given = tail.strip() if compact else _tagged(tail)
        if compact and family == "number_sorting":
            given = f"[{given}]"
        return float(bool(given) and self._solves(family, entry, given))

    def close(self) -> None:
        """Ends the process."""
        self._scorer.close()

    def _solves(self, family: str, entry: dict[str, Any], given: str) -> bool:
        if given == entry["answer"]:
            return True
        if family not in _NEED_SCORER or (family == "number_sorting" and "nan" in given.lower()):
            return False
        return self._scorer.call(family, entry, given) >= 1


def full_score(family: str, entry: dict[str, Any], given: str) -> float:
    """The score that reasoning-gym gives an answer."""
    return _dataset(family).score_answer(given, entry)


@functools.cache
def _dataset(family: str) -> Any:
    from reasoning_gym.factory import create_dataset

    return create_dataset(family, seed=0, size=1)


def _tagged(text: str) -> str:
    end = text.rfind(_CLOSE)
    start = text.rfind(_OPEN, 0, max(end, 0))
    return text[start + len(_OPEN) : end].strip() if start >= 0 else ""


def _parts(answer: str) -> tuple[str, bool, dict[str, Any]]:
    """Family, whether compact, and entry; refuses what the scorers would execute as Python."""
    try:
        parts = json.loads(answer)
        family, compact, entry = parts["dataset"], parts["compact"], parts["entry"]
        oracle, metadata = entry["answer"], entry["metadata"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ValueError("it is no JSON with `dataset`, `compact` and `entry`") from None
    if family not in FAMILIES:
        raise ValueError(f"its dataset is {family!r:.80}, not one of {', '.join(FAMILIES)}")
    if not (isinstance(compact, bool) and isinstance(oracle, str) and oracle):
        raise ValueError("`compact` must be true or false, and the entry's answer a text")
    needed = SCORED_BY.get(family, ())
    if not isinstance(metadata, dict) or any(name not in metadata for name in needed):
        raise ValueError(f"the entry's metadata lacks one of {', '.join(needed)}")
    if family == "bitwise_arithmetic" and not _ARITHMETIC.fullmatch(str(metadata["problem"])):
        raise ValueError("its problem holds more than numbers and operators")
    if family == "number_sorting":
        _check_list(oracle)
    return family, compact, entry


def _check_list(oracle: str) -> None:
    try:
        numbers = ast.literal_eval(oracle)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        numbers = None
    if not isinstance(numbers, list) or not all(isinstance(n, str | int | float) for n in numbers):
        raise ValueError("its answer is not a list of numbers")

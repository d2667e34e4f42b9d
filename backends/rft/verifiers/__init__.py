"""Who decides whether a completion solves a task, by name."""

from collections.abc import Callable

from backends.rft.verifiers.base import AbstractVerifier, VerifierError
from backends.rft.verifiers.code import CodeVerifier
from backends.rft.verifiers.exact import ExactVerifier
from backends.rft.verifiers.math import MathVerifier
from backends.rft.verifiers.reasoning import ReasoningVerifier

VERIFIERS: dict[str, Callable[[], AbstractVerifier]] = {
    "code": CodeVerifier,
    "exact": ExactVerifier,
    "math": MathVerifier,
    "reasoning": ReasoningVerifier,
}

__all__ = ["VERIFIERS", "AbstractVerifier", "VerifierError"]

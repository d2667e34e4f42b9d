"""What decides whether a completion solves a task."""

from abc import ABC, abstractmethod


class VerifierError(Exception):
    """The verifier could not decide: not the completion's fault, and not a wrong answer."""


class AbstractVerifier(ABC):
    """Scores completions. They are hostile: no text may raise anything but `VerifierError`, hang,
    or reach outside.
    """

    @abstractmethod
    def check(self, answer: str) -> None:
        """Refuses an answer that this verifier cannot compare with, before any training.

        Raises:
            ValueError: naming the answer and the format.
        """

    @abstractmethod
    def score(self, completion: str, answer: str) -> float:
        """1.0 for a completion that solves the task with this answer, less otherwise, in [0, 1].

        Raises:
            VerifierError: when it cannot decide.
        """

    @abstractmethod
    def close(self) -> None:
        """Ends what it started; it is not used afterwards."""

"""Answers that must match to the letter."""

from backends.rft.verifiers.base import AbstractVerifier


class ExactVerifier(AbstractVerifier):
    """1.0 when the completion is the answer, character by character; no partial credit.

    Example:
        >>> ExactVerifier().score("58", "58"), ExactVerifier().score("58 ", "58")
        (1.0, 0.0)
    """

    def check(self, answer: str) -> None:
        """Any answer but an empty one."""
        if not answer:
            raise ValueError(
                "an answer is empty; `exact` compares with a text of at least one character"
            )

    def score(self, completion: str, answer: str) -> float:
        """1.0 or 0.0."""
        return float(completion == answer)

    def close(self) -> None:
        """Nothing to end."""

"""Implicit evidence: a guess at the solve rate of tasks that were not rolled out."""

from abc import ABC, abstractmethod
from typing import Any

from bots._types import Floats
from bots.feedback import Evidence


class AbstractImplicitEvidence(ABC):
    """Predicts every task's solve rate from what was just measured on a few.

    To write another, implement four methods; `docs/your-own-strategy.md` has one in 20 lines.
    """

    @abstractmethod
    def observe(self, evidence: Evidence) -> Floats | None:
        """Learns from one step's counts, then predicts.

        Returns:
            Solve rates, shape (N,), in [0, 1], NaN for a task it has nothing to say about; or None
            when it has nothing to say about any. The array is read before the next call, so its
            memory may be reused. Predictions for measured tasks are ignored.
        """

    @abstractmethod
    def metrics(self) -> dict[str, float]:
        """Figures to log."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Everything that `observe` changes, as JSON values and NumPy arrays."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts back what `state_dict` returned; changes nothing when it raises."""


class NoImplicitEvidence(AbstractImplicitEvidence):
    """Predicts nothing: tasks that were not rolled out are left to forgetting."""

    def observe(self, evidence: Evidence) -> None:
        """None."""

    def metrics(self) -> dict[str, float]:
        """Nothing."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Refuses anything but nothing."""
        if state != {}:
            raise ValueError(
                f"the state holds implicit evidence {state!r}, but this selector uses none: "
                "build it with the implicit evidence that the state was saved with"
            )

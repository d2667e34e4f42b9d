"""What happened in one setting, and what was predicted."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from bench.validation.fitting import Fitted
from bench.validation.outcomes import Outcomes


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """One setting: what happened, and what each mechanism predicted.

    Attributes:
        setting: its name.
        real: what happened.
        fits: by mechanism.
        predicted: by mechanism, in the same order and of the same strategies.
    """

    setting: str
    real: Outcomes
    fits: Sequence[Fitted]
    predicted: Sequence[Outcomes]

    @property
    def mechanisms(self) -> list[str]:
        """Their names."""
        return [fitted.mechanism for fitted in self.fits]

    @property
    def letters(self) -> list[str]:
        """A letter for each, for tables that are wide."""
        return list(ascii_uppercase[: len(self.fits)])

    @property
    def lettered(self) -> list[str]:
        """Letters and names."""
        return [
            f"{letter} {name}" for letter, name in zip(self.letters, self.mechanisms, strict=True)
        ]

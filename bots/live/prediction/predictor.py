"""What is predicted about tasks that were not rolled out, class by class."""

from abc import ABC, abstractmethod
from typing import Any

from bots._types import Floats, Ints
from bots.live.belief.classes import TaskClasses


class AbstractPredictor(ABC):
    """Predicts the solve rate of every class of tasks from what was measured on some of them.

    It sees tasks through their class alone, so a prediction costs O(C) however many tasks there
    are. `AbstractImplicitEvidence` is its counterpart that predicts task by task. The classes may
    grow between calls: numbers of old classes and domains keep their meaning.
    """

    @abstractmethod
    def observe(
        self,
        classes: TaskClasses,
        class_U: Ints,
        successes_U: Floats,
        trials_U: Floats,
        versions: float,
    ) -> None:
        """Learns from the counts of U measured tasks; changes nothing when it raises.

        Args:
            classes: the pool's classes.
            class_U: shape (U,), the measured tasks' classes; repeats are usual, U may be 0.
            successes_U: shape (U,), in [0, trials].
            trials_U: shape (U,), at least 0; a task without trials counts for nothing.
            versions: at least 0, how many versions the policy moved on since the last call.
        """

    @abstractmethod
    def predict(self, classes: TaskClasses) -> Floats | None:
        """Solve rates, shape (C,), in [0, 1], NaN for a class it has nothing to say about.

        None when it has nothing to say about any. Changes nothing.
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


class NoPrediction(AbstractPredictor):
    """Predicts nothing: tasks that were not rolled out are left to forgetting.

    Example:
        >>> import numpy as np
        >>> classes = TaskClasses(np.empty((1, 0)), (), np.array([0]), ("",))
        >>> NoPrediction().predict(classes) is None
        True
    """

    def observe(
        self,
        classes: TaskClasses,
        class_U: Ints,
        successes_U: Floats,
        trials_U: Floats,
        versions: float,
    ) -> None:
        """Nothing."""

    def predict(self, classes: TaskClasses) -> None:
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
                f"the state holds a predictor's {state!r}, but this selector predicts nothing: "
                "build it with the predictor that the state was saved with"
            )

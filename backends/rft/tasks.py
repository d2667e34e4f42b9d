"""Tasks of a real run: a prompt, an answer, and who compares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bots import Pool

Chat = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Task:
    """One task.

    Attributes:
        key: a stable name, distinct within a task set.
        prompt: text that is continued as it is, or a chat, (role, content) pairs that the
            tokenizer's chat template turns into text.
        answer: what the verifier compares a completion with, in the verifier's own format.
        verifier: a name in `backends.rft.verifiers.VERIFIERS`.
        domain: a label, such as family and level.
    """

    key: str
    prompt: str | Chat
    answer: str
    verifier: str = "exact"
    domain: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class TaskSet:
    """Tasks to train on, tasks to test on, and what is known of the former.

    Attributes:
        train_N: the pool.
        heldout: never trained on.
        references: solve rates of the pool's tasks under other models, by name; see `bots.Pool`.
        reference_rollouts: how many rollouts these rates cost; None when nobody counted.

    Raises:
        ValueError: for an empty part, or a key that occurs twice.
    """

    train_N: tuple[Task, ...]
    heldout: tuple[Task, ...]
    references: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    reference_rollouts: int | None = None

    def __post_init__(self) -> None:
        for name, tasks in (("to train on", self.train_N), ("held out", self.heldout)):
            if not tasks:
                raise ValueError(
                    f"there are 0 tasks {name}; a run needs at least one: give more tasks, or "
                    "another share to hold out"
                )
        _distinct_keys((*self.train_N, *self.heldout))

    @property
    def pool(self) -> Pool:
        """The pool as a selector may see it."""
        return Pool(
            np.array([task.key for task in self.train_N]),
            self.references,
            np.array([task.domain for task in self.train_N]),
        )


def _distinct_keys(tasks: Sequence[Task]) -> None:
    seen: set[str] = set()
    for task in tasks:
        if task.key in seen:
            raise ValueError(
                f"key {task.key!r} names two tasks; keys must be distinct over the tasks to train "
                "on and those held out: drop the repeated task or give it its own key"
            )
        seen.add(task.key)

"""The interface of everything that a selector can be run against."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from bots import Feedback, Pool, RolloutBatch

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class AbstractBackend(ABC):
    """A learner that can be sampled and trained.

    Generation and training are separate calls, so that strategies which filter rollouts can be
    expressed and every rollout can be charged. Nothing here reveals a true solve rate of a pool
    task: that is `AbstractTruth`, which strategies are never handed.
    """

    @property
    @abstractmethod
    def pool(self) -> Pool:
        """What may be known about the tasks beforehand."""

    @abstractmethod
    def absent(self) -> Ints:
        """Positions of the pool's tasks that cannot be rolled out now; none on most backends."""

    @abstractmethod
    def rollout(self, task_ids_B: Ints, group_size: int) -> RolloutBatch:
        """Generates and grades `group_size` rollouts of each task with the current policy.

        Payloads, if the batch has any, have a `len`, which is how many rollouts they hold, and a
        `+`, which makes one of those of two groups of the same task: groups that are joined need
        both (`RolloutBatch.joined`).

        Raises:
            ValueError: for a task that is not in the pool, or a group size below 1.
        """

    @abstractmethod
    def train(self, batch: RolloutBatch) -> dict[str, float]:
        """Takes one training step on these groups; figures to log."""

    @abstractmethod
    def deliver(self, batch: RolloutBatch) -> tuple[Feedback, ...]:
        """Counts that reach the selector after this step, oldest first; call it once per step.

        Those of `batch`, every group generated in the step, unless feedback is late on this
        backend; then those of earlier steps, or none. What is still on its way is part of the
        backend's state. Tokens and the policy's versions are given where the backend knows them;
        feedback that is neither late nor from an older policy has age 0.
        """

    @abstractmethod
    def hold(self, batch: RolloutBatch | None) -> None:
        """Keeps these groups, instead of those held before, so that later steps can train on them.

        They are part of the backend's state. None: no group.
        """

    @abstractmethod
    def held(self) -> RolloutBatch | None:
        """The groups that are held, in order."""

    @abstractmethod
    def charge(self, forward_passes: int) -> None:
        """Takes note that the strategy had a model read this many prompts in this step.

        A backend with a simulated clock adds their time; elsewhere they have taken their own.
        """

    @abstractmethod
    def skip(self) -> dict[str, float]:
        """Lets a step pass in which no group was worth training on; figures to log."""

    @abstractmethod
    def evaluate(self) -> float:
        """Solve rate on held-out tasks that are never trained on, in [0, 1]."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """A copy of everything that later calls depend on, as JSON values and NumPy arrays."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts back what `state_dict` returned; refuses the state of another learner or pool."""

    @abstractmethod
    def close(self) -> None:
        """Releases what the backend holds; it is not used afterwards."""


class AbstractTruth(ABC):
    """What only a benchmark may know: the true solve rates behind the rollouts.

    It scores strategies and feeds oracles. It is built beside a backend, never reachable from it.
    """

    @abstractmethod
    def solve_rates(self, task_ids: Ints | None = None) -> Floats:
        """Current true solve rates of these pool tasks, or of all."""

    @abstractmethod
    def expected_gains(self) -> Floats:
        """Gain in held-out solve rate to be expected of one group of each task, shape (N,).

        Up to a factor that all tasks share.
        """

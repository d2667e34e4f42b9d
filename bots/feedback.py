"""What a selector learns from a training step: counts of successes and trials, group by group."""

from dataclasses import dataclass

import numpy as np

from bots import checks
from bots._types import Bools, Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """The counts of one feedback, merged to one entry per measured task.

    Attributes:
        task_ids_U: shape (U,), distinct, ascending.
        successes_U: shape (U,), in [0, trials].
        trials_U: shape (U,), > 0.
        group_size: mean trials of the groups that these counts came from; 0 when U = 0.
    """

    task_ids_U: Ints
    successes_U: Floats
    trials_U: Floats
    group_size: float

    @property
    def solve_rates_U(self) -> Floats:
        """Measured solve rates, shape (U,), in [0, 1]."""
        return self.successes_U / self.trials_U


@dataclass(frozen=True, slots=True, eq=False)
class Feedback:
    """The outcome of B groups of rollouts.

    Counts rather than mean rewards: a group that lost members to a timeout, groups of differing
    sizes and a task that was rolled out twice then all weigh what they should.

    Attributes:
        task_ids_B: shape (B,), positions in the pool; a task may occur more than once.
        successes_B: shape (B,), rollouts that solved the task, in [0, trials].
        trials_B: shape (B,), rollouts that came back; 0 for a group that was lost whole.

    Raises:
        ValueError: for empty input, lengths that differ, NaN, negative counts, successes > trials.

    Example:
        >>> Feedback([7, 3, 7], [2, 0, 3], [4, 4, 3]).evidence().solve_rates_U.round(3).tolist()
        [0.0, 0.714]
    """

    task_ids_B: Ints
    successes_B: Floats
    trials_B: Floats

    def __post_init__(self) -> None:
        task_ids_B = checks.task_ids(self.task_ids_B)
        successes_B = checks.vector("successes", self.successes_B)
        trials_B = checks.vector("trials", self.trials_B)
        if not task_ids_B.size == successes_B.size == trials_B.size:
            raise ValueError(
                f"{task_ids_B.size} task ids, {successes_B.size} successes and {trials_B.size} "
                "trials; give one of each per group"
            )
        bad = np.flatnonzero((successes_B < 0) | (trials_B < 0) | (successes_B > trials_B))
        if bad.size:
            b = bad[0]
            raise ValueError(
                f"group {b} (task {task_ids_B[b]}) has {successes_B[b]:g} successes in "
                f"{trials_B[b]:g} trials; counts must satisfy 0 <= successes <= trials: "
                "count rollouts, do not sum rewards"
            )
        object.__setattr__(self, "task_ids_B", task_ids_B)
        object.__setattr__(self, "successes_B", successes_B)
        object.__setattr__(self, "trials_B", trials_B)

    @property
    def informative_B(self) -> Bools:
        """Which groups hold both successes and failures, shape (B,).

        With rewards of 0 and 1 the others carry no gradient. With other rewards a group may teach
        without a success: `RolloutBatch.informative_B` goes by the rewards themselves.
        """
        return (self.successes_B > 0) & (self.successes_B < self.trials_B)

    def evidence(self) -> Evidence:
        """The same counts, one entry per task that has at least one trial."""
        measured_B = self.trials_B > 0
        task_ids_U, places = np.unique(self.task_ids_B[measured_B], return_inverse=True)
        successes_U, trials_U = np.zeros(task_ids_U.size), np.zeros(task_ids_U.size)
        np.add.at(successes_U, places, self.successes_B[measured_B])
        np.add.at(trials_U, places, self.trials_B[measured_B])
        group_size = float(self.trials_B[measured_B].mean()) if task_ids_U.size else 0.0
        return Evidence(task_ids_U, successes_U, trials_U, group_size)

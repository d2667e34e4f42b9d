"""A batch of graded rollouts, on its way from the backend to the trainer and the selector."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from bots import checks
from bots._types import Bools, Floats, Ints
from bots.feedback import Feedback


@dataclass(frozen=True, slots=True, eq=False)
class RolloutBatch:
    """B groups of up to G graded rollouts each.

    Attributes:
        task_ids_B: shape (B,), the task of each group.
        rewards_BG: shape (B, G), NaN where a rollout was lost or a group is smaller than G.
        payload_B: what the backend needs to train on each group (tokens, log-probabilities), opaque
            to everyone else; empty when there is nothing.

    Raises:
        ValueError: for shapes that do not fit, or an infinite reward.
    """

    task_ids_B: Ints
    rewards_BG: Floats
    payload_B: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        task_ids_B = checks.task_ids(self.task_ids_B)
        rewards_BG = checks.numbers("rewards", self.rewards_BG)
        if rewards_BG.ndim != 2 or len(rewards_BG) != task_ids_B.size:
            raise ValueError(
                f"rewards have shape {rewards_BG.shape}; they must be ({task_ids_B.size}, G)"
            )
        if np.isinf(rewards_BG).any():
            raise ValueError(
                "a reward is infinite; rewards must be finite, or NaN for a lost rollout"
            )
        if self.payload_B and len(self.payload_B) != task_ids_B.size:
            raise ValueError(
                f"{len(self.payload_B)} payloads for {task_ids_B.size} groups; give one each"
            )
        rewards_BG.setflags(write=False)
        object.__setattr__(self, "task_ids_B", task_ids_B)
        object.__setattr__(self, "rewards_BG", rewards_BG)

    @staticmethod
    def concatenate(batches: Sequence["RolloutBatch"]) -> "RolloutBatch":
        """One batch with the groups of all, in order; smaller groups are padded with NaN."""
        if not batches:
            raise ValueError(
                "there is no batch to concatenate; a step rolls out at least one group"
            )
        if len(batches) == 1:
            return batches[0]
        width = max(batch.rewards_BG.shape[1] for batch in batches)
        padded = [
            np.pad(
                batch.rewards_BG,
                ((0, 0), (0, width - batch.rewards_BG.shape[1])),
                constant_values=np.nan,
            )
            for batch in batches
        ]
        payload_B = tuple(item for batch in batches for item in batch.payload_B)
        task_ids_B = np.concatenate([batch.task_ids_B for batch in batches])
        return RolloutBatch(task_ids_B, np.concatenate(padded), payload_B)

    def take(self, groups: Ints) -> "RolloutBatch":
        """The groups at these places, in this order."""
        payload_B = tuple(self.payload_B[int(b)] for b in groups) if self.payload_B else ()
        return RolloutBatch(self.task_ids_B[groups], self.rewards_BG[groups], payload_B)

    def joined(self) -> "RolloutBatch":
        """One group per task: its groups one after another, tasks in order of appearance.

        Payloads are joined with `+`; each holds as many rollouts as its `len`.

        Example:
            >>> batch = RolloutBatch([5, 9, 5], [[1, 0], [0, 0], [1, np.nan]], ("ab", "cd", "e"))
            >>> joined = batch.joined()
            >>> joined.task_ids_B.tolist(), joined.payload_B, joined.rewards_BG[0].tolist()
            ([5, 9], ('abe', 'cd'), [1.0, 0.0, 1.0])
        """
        task_ids, first, places_B = np.unique(
            self.task_ids_B, return_index=True, return_inverse=True
        )
        if task_ids.size == self.num_groups:
            return self
        order = np.argsort(first)
        groups = [np.flatnonzero(places_B == place) for place in order]
        rows = [np.concatenate([self._rewards(int(b)) for b in members]) for members in groups]
        rewards_BG = np.full((len(rows), max(row.size for row in rows)), np.nan)
        for b, row in enumerate(rows):
            rewards_BG[b, : row.size] = row
        payload_B = [
            reduce(add, (self.payload_B[int(b)] for b in members))
            for members in groups
            if self.payload_B
        ]
        return RolloutBatch(task_ids[order], rewards_BG, tuple(payload_B))

    @property
    def num_groups(self) -> int:
        """B."""
        return int(self.task_ids_B.size)

    @property
    def num_rollouts(self) -> int:
        """How many rollouts came back."""
        return int(self.trials_B.sum())

    @property
    def trials_B(self) -> Ints:
        """How many rollouts of each group came back, shape (B,)."""
        return (~np.isnan(self.rewards_BG)).sum(axis=1)

    @property
    def informative_B(self) -> Bools:
        """Which groups hold at least two different rewards, shape (B,)."""
        lowest_B, highest_B = self._extremes()
        return highest_B > lowest_B

    def unanimous_B(self, reward: float) -> Bools:
        """Which groups hold this reward and no other, shape (B,); lost rollouts do not count.

        Example:
            >>> batch = RolloutBatch([5, 9, 2], [[1, np.nan], [0.5, 1], [np.nan, np.nan]])
            >>> batch.unanimous_B(1.0).tolist()
            [True, False, False]
        """
        lowest_B, highest_B = self._extremes()
        return (lowest_B == reward) & (highest_B == reward)

    @property
    def mean_reward(self) -> float:
        """Mean over the rollouts that came back; 0 when none did."""
        return float(np.nansum(self.rewards_BG)) / max(self.num_rollouts, 1)

    def feedback(
        self,
        success_threshold: float | None = 1.0,
        tokens_B: Floats | None = None,
        batch_id: int | None = None,
        policy_version: float | None = None,
        current_version: float | None = None,
    ) -> Feedback:
        """Counts for the selector, or moments where rewards are fractional.

        Args:
            success_threshold: a rollout succeeds when its reward reaches it. None: rewards lie in
                [0, 1] and count as the part of a success that they are; their squares are summed
                too.
            tokens_B: as in `Feedback`, like the rest.
            batch_id: of the selection.
            policy_version: of the policy that generated the rollouts.
            current_version: of the policy that the trainer holds.

        Raises:
            ValueError: for a reward outside [0, 1] when no threshold is given, and what `Feedback`
                refuses.

        Example:
            >>> batch = RolloutBatch([5, 9], [[1, 0, np.nan], [0.5, 0.2, 0.0]])
            >>> batch.feedback().successes_B.tolist(), batch.feedback().trials_B.tolist()
            ([1.0, 0.0], [2.0, 3.0])
            >>> fractional = batch.feedback(success_threshold=None)
            >>> fractional.successes_B.tolist(), fractional.squares_B.round(2).tolist()
            ([1.0, 0.7], [1.0, 0.29])
        """
        squares_B = None
        if success_threshold is None:
            self._check_shares()
            successes_B = np.nansum(self.rewards_BG, axis=1)
            squares_B = np.nansum(np.square(self.rewards_BG), axis=1)
        else:
            checks.number("success_threshold", success_threshold, -np.inf)
            successes_B = (self.rewards_BG >= success_threshold).sum(axis=1)
        return Feedback(
            self.task_ids_B,
            successes_B,
            self.trials_B.astype(np.float64),
            squares_B,
            tokens_B,
            batch_id,
            policy_version,
            current_version,
        )

    def _check_shares(self) -> None:
        bad = np.argwhere((self.rewards_BG < 0) | (self.rewards_BG > 1))
        if bad.size:
            b, g = bad[0]
            raise ValueError(
                f"a rollout of task {self.task_ids_B[b]} has reward {self.rewards_BG[b, g]:g}; "
                "rewards that count as parts of a success lie in [0, 1]: rescale them, or give a "
                "success_threshold"
            )

    def _rewards(self, b: int) -> Floats:
        """The rewards of one group, without those that pad it."""
        width = len(self.payload_B[b]) if self.payload_B else self.rewards_BG.shape[1]
        return self.rewards_BG[b, :width]

    def _extremes(self) -> tuple[Floats, Floats]:
        """Lowest and highest reward of each group; inf and -inf when all were lost."""
        lost_BG = np.isnan(self.rewards_BG)
        lowest_B = np.where(lost_BG, np.inf, self.rewards_BG).min(axis=1, initial=np.inf)
        highest_B = np.where(lost_BG, -np.inf, self.rewards_BG).max(axis=1, initial=-np.inf)
        return lowest_B, highest_B

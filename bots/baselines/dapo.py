"""DAPO's dynamic sampling: oversample, and keep only the groups that carry a gradient."""

import numpy as np

from bots import checks
from bots.collector import AbstractCollector, Rollout, Select
from bots.rollouts import RolloutBatch


class DynamicSampling(AbstractCollector):
    """Rolls out batch after batch until B groups hold both successes and failures.

    Each round selects and rolls out `batch_size` tasks and keeps the groups whose rewards are not
    all equal; it stops at B kept groups or after `max_rounds`. The expected cost of a step is
    B / P(0 < successes < n) groups: every one is charged, the surplus of the last round included.

    Source: arXiv 2503.14476, with a generation batch of B and at most 10 rounds, as verl's recipes
    set them. Difference: when the rounds run out, verl stops the run with an error; this trains on
    the groups that were found.

    Args:
        max_rounds: at least 1.
    """

    def __init__(self, max_rounds: int = 10) -> None:
        self._max_rounds = checks.integer("max_rounds", max_rounds, 1)

    def collect(
        self, select: Select, rollout: Rollout, batch_size: int, group_size: int
    ) -> RolloutBatch | None:
        """The first B informative groups."""
        kept: list[RolloutBatch] = []
        missing = batch_size
        for _ in range(self._max_rounds):
            batch = rollout(select(batch_size), group_size)
            informative = np.flatnonzero(batch.informative_B)[:missing]
            if informative.size:
                kept.append(batch.take(informative))
                missing -= informative.size
            if missing == 0:
                break
        return RolloutBatch.concatenate(kept) if kept else None

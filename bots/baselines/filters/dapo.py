"""DAPO's dynamic sampling: oversample, and keep only the groups that carry a gradient."""

from operator import attrgetter

import numpy as np

from bots import checks
from bots.baselines.filters.rounds import fill
from bots.collector import AbstractCollector, Collected, Gathering


class DynamicSampling(AbstractCollector):
    """Rolls out round after round until B groups hold both successes and failures.

    A round selects and rolls out `oversample` x B tasks and keeps the groups whose rewards are not
    all equal; rounds end at B kept groups or after `max_rounds`. With P the share of informative
    groups, a step needs at least B / P groups; whole rounds need more, 2 B for P between 1/2 and 1
    at `oversample` 1. Every group is charged, the surplus of the last round included.

    Source: arXiv 2503.14476; at most 10 rounds, as in verl's recipe. Its published 32B script sets
    `oversample` 3, the recipe's configuration 1, the cheaper of the two and the default here.
    Differences: when the rounds run out, verl stops the run with an error, this trains on the
    groups that were found; `refill` is not verl's.

    Args:
        max_rounds: at least 1.
        oversample: size of a round in units of B, positive.
        refill: roll out only as many tasks as are still missing, after the first round: the
            cheapest form of the idea, about B / P groups per step.
    """

    def __init__(self, max_rounds: int = 10, oversample: float = 1.0, refill: bool = False) -> None:
        self._max_rounds = checks.integer("max_rounds", max_rounds, 1)
        self._oversample = checks.number("oversample", oversample, np.nextafter(0.0, 1.0))
        self._refill = refill

    def collect(self, step: Gathering) -> Collected:
        """The first B informative groups."""
        size = max(round(self._oversample * step.batch_size), 1)
        keeps = attrgetter("informative_B")
        return Collected(fill(step, keeps, size, self._max_rounds, self._refill))

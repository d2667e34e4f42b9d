"""What both ways of choosing share: ranks, strata, and tasks drawn at random from many."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bots._types import Bools, Floats, Ints

_FEW = 64  # tries per task wanted, before all tasks are listed


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """The best tasks, stratum by stratum, best first in each.

    Attributes:
        task_ids: distinct.
        ranks: 1 - u / kappa in [0, 1], with u the utility and kappa >= 1 the relative cost.
        strata: the stratum of each, ascending.
        lottery_S: by stratum, the chance that one of the tasks that tie for the last places won;
            1 where none tie.
        beyond_S: by stratum, the rank of the best task that is not listed; inf where all are, or
            where nobody asks.
    """

    task_ids: Ints
    ranks: Floats
    strata: Ints
    lottery_S: Floats
    beyond_S: Floats

    def first(self, places_S: Ints) -> Bools:
        """Which of them take these numbers of places."""
        begins_S = np.searchsorted(self.strata, np.arange(places_S.size))
        return np.arange(self.strata.size) - begins_S[self.strata] < places_S[self.strata]

    def nth(self, numbers_S: Ints) -> Floats:
        """The rank at this place, from 1, of each stratum; inf where there are fewer, -inf at 0."""
        begins_S = np.searchsorted(self.strata, np.arange(numbers_S.size))
        ends_S = np.searchsorted(self.strata, np.arange(numbers_S.size), side="right")
        places_S = begins_S + numbers_S - 1
        there = (numbers_S > 0) & (places_S < ends_S)
        ranks_S = np.where(places_S == ends_S, self.beyond_S, np.inf)
        ranks_S[there] = self.ranks[places_S[there]]
        return np.where(numbers_S == 0, -np.inf, ranks_S)


def ordered(
    task_ids: Ints, ranks: Floats, strata: Ints, lottery_S: Floats, beyond_S: Floats
) -> Ranked:
    """These tasks, put in order."""
    order = np.lexsort((ranks, strata)) if lottery_S.size > 1 else np.argsort(ranks)
    return Ranked(task_ids[order], ranks[order], strata[order], lottery_S, beyond_S)


def pick(
    members: Callable[[Ints], Ints],
    size: int,
    count: int,
    usable: Callable[[Ints], Bools],
    rng: np.random.Generator,
) -> Ints:
    """`count` distinct usable tasks, uniformly, out of `size` that are numbered 0 to `size` - 1.

    Places are tried at random, which is fast where most are usable; else all are listed.

    Args:
        members: tasks by number.
        size: how many there are.
        count: at most as many as are usable.
        usable: which tasks may be picked.
        rng: random numbers.
    """
    picked = np.empty(0, np.int64)
    if count == 0:
        return picked
    if 2 * count < size:
        for _ in range(_FEW):
            tried = members(rng.integers(size, size=2 * (count - picked.size) + 8))
            tried = tried[usable(tried)]
            picked = _distinct(np.concatenate([picked, tried]))[:count]
            if picked.size == count:
                return picked
    every = members(np.arange(size))
    return rng.choice(every[usable(every)], count, replace=False)


def among(values: Ints, ascending: Ints) -> Bools:
    """Which of these values are in a sorted array; `numpy.isin` sorts both each time.

    Example:
        >>> among(np.array([4, 1, 7]), np.array([1, 2, 4])).tolist()
        [True, True, False]
    """
    if ascending.size == 0:
        return np.zeros(values.size, np.bool_)
    places = np.minimum(np.searchsorted(ascending, values), ascending.size - 1)
    return ascending[places] == values


def _distinct(values: Ints) -> Ints:
    """Without repeats, in order of appearance."""
    _, first = np.unique(values, return_index=True)
    return values[np.sort(first)]

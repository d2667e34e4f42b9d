"""Epochs over a part of the pool."""

from copy import copy
from typing import Any

import numpy as np

from bots import state as states
from bots._types import Floats, Ints
from bots.baselines.schedules.shuffle import EpochOrder


class SubsetEpochs:
    """Walks in epochs through the `size` tasks of lowest `distance`; the others are stand-ins.

    While a request can be met from the subset, it is, as by `EpochOrder`. When too few tasks of the
    subset are left by exclusions, all of those are taken, and the next tasks by distance stand in.
    Tasks that tie are put in order at random, once.

    Args:
        distance_N: shape (N,); NaN comes last of all.
        size: of the subset, at most N; 0 leaves stand-ins alone.
        rng: breaks ties.
    """

    def __init__(self, distance_N: Floats, size: int, rng: np.random.Generator) -> None:
        order = (rng.permutation(distance_N.size), np.nan_to_num(distance_N, nan=np.inf))
        self._ranking_N = np.lexsort(order)
        self._size = size
        self._epoch = EpochOrder(size)

    def take(self, count: int, rng: np.random.Generator, excluded: Ints) -> Ints:
        """The next `count` tasks, distinct, none of them excluded; the pool must have as many."""
        subset, others = np.split(self._ranking_N, [self._size])
        gone_N = np.zeros(self._ranking_N.size, dtype=np.bool_)
        gone_N[excluded] = True
        gone = np.flatnonzero(gone_N[subset])
        inside = min(count, self._size - gone.size)
        chosen = subset[self._epoch.take(inside, rng, gone)]
        if inside == count:
            return chosen
        return np.concatenate([chosen, others[~gone_N[others]][: count - inside]])

    def state_dict(self) -> dict[str, Any]:
        """The ranking, and the place in the epoch."""
        return {"ranking": self._ranking_N.copy(), **self._epoch.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts both back."""
        ranking_N = states.permutation("ranking", state["ranking"], self._ranking_N.size)
        epoch = copy(self._epoch)
        epoch.load_state_dict({name: state[name] for name in epoch.state_dict()})
        self._ranking_N, self._epoch = ranking_N, epoch

"""Contenders of this checkout for `bench/peers/serve.py`: the selectors, and plain NumPy."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

from bots import BOTSSelector, Feedback, Pool
from bots._types import Floats, Ints
from bots.live.config import LiveConfig
from bots.live.selector import LiveSelector
from bots.selector import AbstractSelector

_SEED = 1


class OurContender:
    """A selector of `bots`, built from the pool that a user would build."""

    def __init__(
        self,
        make: Callable[[Pool, np.random.Generator], AbstractSelector],
        weak_N: Floats,
        strong_N: Floats,
        group_size: float,
    ) -> None:
        self._make = make
        self._pool = Pool.numbered(weak_N.size, {"weak": weak_N, "strong": strong_N})
        self._group_size = group_size
        self.given = (self._pool,)
        self.versions = {name: version(name) for name in ("numba", "numpy")}

    def build(self) -> AbstractSelector:
        """The selector."""
        self._selector = self._make(self._pool, np.random.default_rng(_SEED))
        return self._selector

    def select(self, batch_size: int) -> Ints:
        """Its `select`."""
        return self._selector.select(batch_size)

    def update(self, ids_B: Ints, solved_B: Floats) -> None:
        """Its `update`, with the checks of `Feedback`."""
        trials_B = np.full(ids_B.size, self._group_size)
        self._selector.update(Feedback(ids_B, solved_B, trials_B))


def live(weak_N: Floats, strong_N: Floats, setting: dict[str, Any]) -> OurContender:
    """`LiveSelector` at its defaults."""
    return OurContender(LiveSelector, weak_N, strong_N, setting["group_size"])


def never_forgets(weak_N: Floats, strong_N: Floats, setting: dict[str, Any]) -> OurContender:
    """`LiveSelector` at lambda = 0: whatever was visited stays apart from its class."""
    config = LiveConfig(forgetting=0.0)
    return OurContender(
        lambda pool, rng: LiveSelector(pool, rng, config),
        weak_N,
        strong_N,
        setting["group_size"],
    )


def plain_bots(weak_N: Floats, strong_N: Floats, setting: dict[str, Any]) -> OurContender:
    """`BOTSSelector` at its defaults."""
    return OurContender(BOTSSelector, weak_N, strong_N, setting["group_size"])


class PlainNumPy:
    """The arithmetic of BOTS as one would write it down, without checks and without our code."""

    def __init__(self, weak_N: Floats, strong_N: Floats, setting: dict[str, Any]) -> None:
        self.given = (weak_N, strong_N)
        self.versions = {"numpy": version("numpy")}
        self._weak_N, self._strong_N = weak_N, strong_N
        self._group_size = setting["group_size"]
        self._rng = np.random.default_rng(_SEED)

    def build(self) -> "PlainNumPy":
        """Beliefs."""
        self._alpha_N, self._beta_N = np.ones(self._weak_N.size), np.ones(self._weak_N.size)
        self._capability = np.nan
        return self

    def select(self, batch_size: int) -> Ints:
        """The closest draws to 1/2."""
        drawn_N = self._rng.beta(self._alpha_N, self._beta_N)
        return np.argpartition(np.abs(drawn_N - 0.5), batch_size)[:batch_size]

    def update(self, ids_B: Ints, solved_B: Floats) -> None:
        """Lambda = rho = 0.1, gamma = 0.9."""
        rates_B, size = solved_B / self._group_size, self._group_size
        weak, strong = self._weak_N[ids_B].mean(), self._strong_N[ids_B].mean()
        capability = (rates_B.mean() - weak) / (strong - weak)
        if not np.isnan(self._capability):
            capability = 0.9 * self._capability + 0.1 * capability
        self._capability = capability
        rates_N = np.clip(capability * self._strong_N + (1 - capability) * self._weak_N, 0, 1)
        rates_N[ids_B] = rates_B
        weight_N = np.full(self._weak_N.size, 0.1 * size)
        weight_N[ids_B] = size
        self._alpha_N = 0.9 * self._alpha_N + 0.1 + weight_N * rates_N
        self._beta_N = 0.9 * self._beta_N + 0.1 + weight_N * (1 - rates_N)

    def mean(self) -> Floats:
        """Expected solve rates, shape (N,)."""
        return self._alpha_N / (self._alpha_N + self._beta_N)

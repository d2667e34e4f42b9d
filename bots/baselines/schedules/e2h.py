"""E2H: levels of difficulty whose shares of a batch shift from easy to hard."""

from typing import ClassVar

import numpy as np

from bots import checks
from bots._types import Floats, Ints
from bots.baselines.base import COUNT, ORDER, AbstractBaseline
from bots.baselines.labels import weak_rates
from bots.feedback import Evidence
from bots.pool import Pool

SCHEDULES = ("cosine", "gaussian")
_LEAST_WIDTH = 0.01


def cosine_shares(progress: float, levels: int) -> Floats:
    """Each level's share of a batch, shape (K,), easiest first: a falling line that turns rising.

    Example:
        >>> (cosine_shares(0.0, 3) * 6).round(2).tolist()
        [3.0, 2.0, 1.0]
        >>> (cosine_shares(0.5, 3) * 6).round(2).tolist()
        [2.0, 2.0, 2.0]
    """
    rising_K = np.arange(1, levels + 1) / (levels * (levels + 1) / 2)
    early = (1 + np.cos(np.pi * progress)) / 2
    return early * rising_K[::-1] + (1 - early) * rising_K


def gaussian_shares(
    progress: float, levels: int, exponent: float, width: float, floor: float
) -> Floats:
    """Each level's share of a batch, shape (K,), easiest first: a bell that moves to the hardest.

    Example:
        >>> gaussian_shares(1.0, 3, exponent=0.5, width=0.5, floor=0.1).round(3).tolist()
        [0.1, 0.183, 0.716]
    """
    mean = progress**exponent * (levels - 1)
    log_K = -(((np.arange(levels) - mean) / width) ** 2) / 2
    bell_K = np.exp(log_K - log_K.max())
    return floor + (1 - levels * floor) * bell_K / bell_K.sum()


class E2HSelector(AbstractBaseline):
    """Draws a level of difficulty for every place in the batch, easy ones early, hard ones late.

    The measured tasks are cut, by the weak reference's solve rate, into `levels` (K) groups of
    equal size, i = 0 the easiest. After t of `steps` (T) updates a place goes to level i with
    probability P_i, independently of the others. With schedule `cosine`::

        P_i = a (K - i) / S + (1 - a) (i + 1) / S
        a = (1 + cos(pi t / T)) / 2,    S = K (K + 1) / 2

    and with `gaussian`::

        P_i = floor + (1 - K floor) Q_i,    Q_i proportional to exp(-(i - m)^2 / (2 width^2))
        m = (K - 1) (t / T)^exponent

    Each level is walked through in a random order, and when it ends in the same order again.

    A schedule has to know how long the run is: `steps` is the number of updates after which it has
    arrived at its end, where it stays. The benchmark's runs have 200 steps, hence the default.
    Rewards are ignored, but each feedback with at least one rollout counts as a step; when feedback
    is late, the schedule is as late.

    Excluded tasks are passed over and are next in their level as soon as they may be chosen. Places
    that a level cannot fill go to those that can, by the same probabilities. Tasks that were not
    measured belong to no level and come only when all levels are empty.

    Source: arXiv 2506.06632 and its released code.
    Cost: the reference's rollouts, before the run; none in it.
    Defaults: 4 levels, `exponent` 0.5, `width` 0.5 and `floor` 2 / (K (K + 1)), as the released
    configuration sets them; `steps` is ours.
    Differences: the code takes levels from the data set where it has them, here they are quantile
    groups of the weak rate, and tasks that tie at an edge are put on either side at random, once.
    A batch never holds a task twice; the code's may, when a level is smaller than its share. The
    code also puts a floor of 1 / S under the cosine's probabilities, which they never fall below.

    Args:
        pool: the tasks; needs `weak` among its references.
        rng: the selector's own random numbers.
        schedule: `cosine` or `gaussian`.
        levels: K, at least 2.
        steps: T, at least 1.
        exponent: of the bell's course, positive; below 1 it leaves the easy levels fast, above 1
            late. `gaussian` only.
        width: standard deviation of the bell in levels, at least 0.01. `gaussian` only.
        floor: least probability of a level, in [0, 1 / K]; None: 2 / (K (K + 1)). `gaussian` only.

    Raises:
        ValueError: when the pool has no weak solve rates.
    """

    NAME = "e2h"
    STATE: ClassVar = {"queues_N": ORDER, "updates": COUNT}

    def __init__(
        self,
        pool: Pool,
        rng: np.random.Generator,
        schedule: str = "cosine",
        levels: int = 4,
        steps: int = 200,
        exponent: float = 0.5,
        width: float = 0.5,
        floor: float | None = None,
    ) -> None:
        if schedule not in SCHEDULES:
            raise ValueError(f"schedule is {schedule!r}; choose one of {', '.join(SCHEDULES)}")
        self._schedule = schedule
        self._levels = checks.integer("levels", levels, 2)
        self._steps = checks.integer("steps", steps, 1)
        self._exponent = checks.number("exponent", exponent, np.nextafter(0.0, 1.0))
        self._width = checks.number("width", width, _LEAST_WIDTH)
        floor = 2 / (self._levels * (self._levels + 1)) if floor is None else floor
        self._floor = checks.number("floor", floor, 0, 1 / self._levels)
        rates_N = weak_rates(self.NAME, pool)
        super().__init__(
            pool,
            rng,
            schedule=schedule,
            levels=self._levels,
            steps=self._steps,
            exponent=self._exponent,
            width=self._width,
            floor=self._floor,
        )
        measured = np.count_nonzero(~np.isnan(rates_N))
        self._edges = [measured * i // self._levels for i in range(1, self._levels + 1)]
        hardness_N = np.nan_to_num(1 - rates_N, nan=np.inf)
        easy_to_hard_N = np.lexsort([self._rng.permutation(pool.num_tasks), hardness_N])
        groups = np.split(easy_to_hard_N, self._edges)
        self._queues_N = np.concatenate([self._rng.permutation(group) for group in groups])
        self._updates = 0

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        free_N = np.ones(self._pool.num_tasks, dtype=np.bool_)
        free_N[excluded] = False
        queues = np.split(self._queues_N, self._edges)
        free = [np.flatnonzero(free_N[queue]) for queue in queues]
        counts = self._places(batch_size, np.array([places.size for places in free]))
        turns = zip(queues, free, counts, strict=True)
        return np.concatenate([_serve(queue, places[:count]) for queue, places, count in turns])

    def _learn(self, evidence: Evidence) -> None:
        self._updates += 1

    def shares(self) -> Floats:
        """P_i of the next batch, shape (K,), easiest level first."""
        progress = min(self._updates / self._steps, 1.0)
        if self._schedule == "cosine":
            return cosine_shares(progress, self._levels)
        return gaussian_shares(progress, self._levels, self._exponent, self._width, self._floor)

    def metrics(self) -> dict[str, float]:
        """`e2h/mean_level`: expected level of the next batch, from 0 to K - 1."""
        return {"e2h/mean_level": float(self.shares() @ np.arange(self._levels))}

    def _places(self, batch_size: int, room: Ints) -> Ints:
        """How many places each level gets, and last the unmeasured tasks; at most its `room`."""
        tiny = np.finfo(np.float64).tiny  # a level of no share still comes before the unmeasured
        shares = np.append(self.shares() + tiny, 0.0)
        counts = np.zeros_like(room)
        while (missing := batch_size - counts.sum()) > 0:
            open_shares = np.where(counts < room, shares, 0.0)
            if not open_shares.any():
                open_shares[-1] = 1.0
            drawn = self._rng.multinomial(missing, open_shares / open_shares.sum())
            counts = np.minimum(counts + drawn, room)
        return counts


def _serve(queue: Ints, places: Ints) -> Ints:
    """The tasks at these places, which go to the end of the queue, in place."""
    served = queue[places]
    queue[:] = np.concatenate([np.delete(queue, places), served])
    return served

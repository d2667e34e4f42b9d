"""Epoch shuffle without the tasks that the model has solved."""

from typing import ClassVar

import numpy as np

from bots import checks
from bots._types import Ints
from bots.acquisition import top_b
from bots.baselines.base import AbstractBaseline, Within, available
from bots.baselines.schedules.shuffle import EpochOrder
from bots.feedback import Evidence
from bots.pool import Pool


class ExcludeSolvedSelector(AbstractBaseline):
    """Walks through the pool in epochs, and drops a task for good once a group nearly solves it.

    Task k is out from the first group whose success rate s / n reaches `threshold`. The others come
    in epoch order, as by `shuffle`. When fewer than B of them may be chosen, all of those are, and
    the batch is filled with dropped tasks, lowest last success rate first, ties at random.

    Source: open-instruct, `no_resampling_pass_rate`. Cost: none beyond the rollouts trained on; it
    saves rollouts on solved tasks, and never looks whether they were forgotten. Defaults: 0.875, as
    its released scripts for RL on mathematics set it; the option itself is off by default there.
    Differences: it ends an epoch short when too few tasks are left for a batch, this falls back on
    dropped ones. It drops a task from the next epoch on, this at once, which is the same as long as
    a task is rolled out once per epoch. Its scripts combine the option with active sampling,
    which replaces groups that carry no gradient; this does not.

    Args:
        pool: the tasks; only their number is used.
        rng: the selector's own random numbers.
        threshold: in (0, 1].
    """

    NAME = "exclude-solved"
    STATE: ClassVar = {"last_N": Within(0, 1, missing=True), "solved_N": Within(0, 1)}
    PARTS = ("epoch",)

    def __init__(self, pool: Pool, rng: np.random.Generator, threshold: float = 0.875) -> None:
        self._threshold = checks.number("threshold", threshold, np.nextafter(0.0, 1.0), 1)
        super().__init__(pool, rng, threshold=threshold)
        self._epoch = EpochOrder(pool.num_tasks)
        self._last_N = np.full(pool.num_tasks, np.nan)
        self._solved_N = np.zeros(pool.num_tasks, dtype=np.bool_)

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        out_N = self._solved_N.copy()
        out_N[excluded] = True
        gone = np.flatnonzero(out_N)
        count = min(batch_size, self._pool.num_tasks - gone.size)
        chosen = self._epoch.take(count, self._rng, gone)
        if count == batch_size:
            return chosen
        others = available(self._pool.num_tasks, np.concatenate([excluded, chosen]))
        fill = top_b(-self._last_N[others], batch_size - count, self._rng)
        return np.concatenate([chosen, others[fill]])

    def _learn(self, evidence: Evidence) -> None:
        tasks_U = evidence.task_ids_U
        self._last_N[tasks_U] = evidence.solve_rates_U
        self._solved_N[tasks_U] |= evidence.solve_rates_U >= self._threshold

    def metrics(self) -> dict[str, float]:
        """`exclude_solved/dropped`: the share of the pool that is out."""
        return {"exclude_solved/dropped": float(self._solved_N.mean())}

"""Prompt Replay: tasks of medium difficulty come back between epochs."""

from typing import ClassVar

import numpy as np

from bots import checks
from bots._types import Ints
from bots.acquisition import closeness, top_b
from bots.baselines.base import COUNT, AbstractBaseline, Within
from bots.baselines.schedules.shuffle import EpochOrder
from bots.feedback import Evidence
from bots.pool import Pool

_MIDDLE = 0.5  # where a group's advantages are largest
_LOST_AFTER = 50  # steps without feedback after which a group counts as lost; ours


class PromptReplaySelector(AbstractBaseline):
    """Mixes the tasks of an epoch shuffle with a replay of those that were of medium difficulty.

    With p_k the success rate of the last group of task k, the tasks ready for replay have::

        lowest <= p_k <= highest
        steps since they were last chosen or measured >= cooldown
        feedback for every time they were chosen
        times replayed so far < max_reuses

    A batch takes the floor(`replay_share` x B) of them with the smallest |p_k - 1/2|, fewer if
    fewer are ready, ties at random, and fills up with the next tasks of an epoch shuffle. Only
    tasks are replayed: their rollouts are generated anew, so training stays on-policy. A step is a
    batch chosen. Each replay renews p_k, which may put the task out of the window. The first replay
    of a new task waits for the cooldown as well, as in the code. A task that waits for feedback,
    however late, is not replayed on a rate that is about to change; after 50 steps without a sign
    of it the group counts as lost and the task is ready again on its former rate. A replay that was
    lost counts towards `max_reuses`.

    Source: arXiv 2603.21177 and the authors' released code, which reports faster gains at first and
    a plateau at the level of plain shuffling. Cost: none beyond the rollouts trained on. Defaults:
    the code's: share 0.5, cooldown 5, window [0.24, 0.7]; 5 reuses is what its scripts set, the
    code's own default is 20. Differences: ties are broken at random, not in favour of lower rates;
    `max_reuses` 0 replays nothing, where the code takes it as no limit: give a number above the
    steps of the run for that. The code counts the cooldown from the measurement alone, awaits
    feedback of replays but not of tasks that the walk chose again, and awaits a lost group for
    ever. A fresh task is any task of the walk that is not replayed in the same batch, as in the
    code, even if it waits for replay or feedback; the code's further curricula, off by default, are
    left out.

    Args:
        pool: the tasks; only their number is used.
        rng: the selector's own random numbers.
        replay_share: largest share of a batch that is replayed, in [0, 1].
        cooldown: steps to wait after a task was chosen or measured, whichever was later, at least
            0.
        max_reuses: replays of one task in the whole run, at least 0; 0 is plain shuffling.
        lowest: in [0, 1].
        highest: between `lowest` and 1.
    """

    NAME = "prompt-replay"
    VERSION = 2
    STATE: ClassVar = {
        "last_N": Within(0, 1, missing=True),
        "last_used_N": COUNT,
        "awaited_N": COUNT,
        "reuses_N": COUNT,
        "step": COUNT,
    }
    PARTS = ("epoch",)

    def __init__(
        self,
        pool: Pool,
        rng: np.random.Generator,
        replay_share: float = 0.5,
        cooldown: int = 5,
        max_reuses: int = 5,
        lowest: float = 0.24,
        highest: float = 0.7,
    ) -> None:
        self._replay_share = checks.number("replay_share", replay_share, 0, 1)
        self._cooldown = checks.integer("cooldown", cooldown, 0)
        self._max_reuses = checks.integer("max_reuses", max_reuses, 0)
        self._lowest = checks.number("lowest", lowest, 0, 1)
        self._highest = checks.number("highest", highest, self._lowest, 1)
        super().__init__(
            pool,
            rng,
            replay_share=replay_share,
            cooldown=cooldown,
            max_reuses=max_reuses,
            lowest=lowest,
            highest=highest,
        )
        self._epoch = EpochOrder(pool.num_tasks)
        self._last_N = np.full(pool.num_tasks, np.nan)
        self._last_used_N = np.zeros(pool.num_tasks, dtype=np.int64)  # step chosen or measured at
        self._awaited_N = np.zeros(pool.num_tasks, dtype=np.int64)  # groups without feedback yet
        self._reuses_N = np.zeros(pool.num_tasks, dtype=np.int64)
        self._step = 0

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        self._step += 1
        replayed = self._replayed(int(self._replay_share * batch_size), excluded)
        self._reuses_N[replayed] += 1
        taken = np.concatenate([excluded, replayed])
        fresh = self._epoch.take(batch_size - replayed.size, self._rng, taken)
        chosen = np.concatenate([replayed, fresh])
        self._awaited_N[chosen[self._idle_N()[chosen] >= _LOST_AFTER]] = 0
        self._awaited_N[chosen] += 1
        self._last_used_N[chosen] = self._step
        return chosen

    def _replayed(self, count: int, excluded: Ints) -> Ints:
        """Up to `count` tasks that are ready, the nearest to the middle."""
        ready_N = (self._last_N >= self._lowest) & (self._last_N <= self._highest)
        ready_N &= self._idle_N() >= self._cooldown
        ready_N &= (self._awaited_N == 0) | (self._idle_N() >= _LOST_AFTER)
        ready_N &= self._reuses_N < self._max_reuses
        ready_N[excluded] = False
        ready = np.flatnonzero(ready_N)
        if count == 0 or ready.size <= count:
            return ready[:count]
        return ready[top_b(closeness(self._last_N[ready], _MIDDLE), count, self._rng)]

    def _idle_N(self) -> Ints:
        """Steps since each task was last chosen or measured."""
        return self._step - self._last_used_N

    def _learn(self, evidence: Evidence) -> None:
        tasks_U = evidence.task_ids_U
        self._last_N[tasks_U] = evidence.solve_rates_U
        self._last_used_N[tasks_U] = self._step
        self._awaited_N[tasks_U] = np.maximum(self._awaited_N[tasks_U] - 1, 0)

    def metrics(self) -> dict[str, float]:
        """Replays so far, and the share of the pool whose replays are used up."""
        return {
            "prompt_replay/replays": float(self._reuses_N.sum()),
            "prompt_replay/used_up": float((self._reuses_N >= self._max_reuses).mean()),
        }

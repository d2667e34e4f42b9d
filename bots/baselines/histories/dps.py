"""DPS: dynamics-predictive sampling, a hidden Markov model for every task."""

from typing import ClassVar

import numpy as np

from bots import checks
from bots._types import Floats, Ints
from bots.acquisition import top_b
from bots.baselines.base import POSITIVE, RATE, AbstractBaseline, Within
from bots.baselines.schedules.shuffle import EpochOrder
from bots.feedback import Evidence
from bots.pool import Pool

_NUM_STATES = 3
_PARTIAL = 1  # 0: no rollout of the group succeeds, 1: some do, 2: all do


class DPSSelector(AbstractBaseline):
    """Chooses the tasks most likely to be partially solved, as a Markov model of each predicts.

    A task is in one of three states: a group of its rollouts has no success, some, or all. Task k
    has pseudo-counts A[i, j] of moves from state j to state i, all equal to `prior` at first, which
    give transition probabilities P[i, j] = A[i, j] / sum_i A[i, j], and a predicted distribution q
    of its next state, uniform at first. Each step: take the next `candidate_ratio` x B tasks of an
    epoch shuffle, and keep the B with the largest q[1], ties at random. Afterwards, with pi the
    distribution one step back, a measured task in state i gets::

        xi[i, j] proportional to P[i, j] pi[j] over j, and 0 for other rows
        A <- decay A + (1 - decay) prior + xi
        q <- P e_i,  pi <- e_i

    and any other task that was ever measured moves on unobserved::

        A <- decay A + (1 - decay) prior
        pi <- q,  q <- P q

    A task never measured keeps q = (1/3, 1/3, 1/3). Candidates are all tasks that are not excluded
    when these are fewer than `candidate_ratio` x B.

    Source: arXiv 2603.10887 (ICLR 2026) and its released code. Cost: none beyond the rollouts
    trained on. Defaults: decay 0.7, 32 candidates per choice and prior 1, as its MATH scripts set
    them (its Countdown and Geometry scripts use 0.5 and 8). Differences: tied tasks are drawn at
    random, where the code leaves them to its sort; its structured priors and its entropy bonus, off
    in its scripts, are left out. A feedback is taken for a step: one that measured nothing moves
    nothing, and late feedback counts when it comes.

    Args:
        pool: the tasks; only their number is used.
        rng: the selector's own random numbers.
        decay: in [0, 1]; what is kept of the moves counted so far, at every step.
        candidate_ratio: candidates per task of the batch, at least 1.
        prior: pseudo-count of every move, in [0.001, 1000].
    """

    NAME = "dps"
    STATE: ClassVar = {
        "moves_N33": POSITIVE,
        "past_N3": RATE,
        "next_N3": RATE,
        "seen_N": Within(0, 1),
    }
    PARTS = ("epoch",)

    def __init__(
        self,
        pool: Pool,
        rng: np.random.Generator,
        decay: float = 0.7,
        candidate_ratio: int = 32,
        prior: float = 1.0,
    ) -> None:
        self._decay = checks.number("decay", decay, 0, 1)
        self._candidate_ratio = checks.integer("candidate_ratio", candidate_ratio, 1)
        self._prior = checks.number("prior", prior, 1e-3, 1e3)
        super().__init__(pool, rng, decay=decay, candidate_ratio=candidate_ratio, prior=prior)
        self._epoch = EpochOrder(pool.num_tasks)
        self._moves_N33 = np.full((pool.num_tasks, _NUM_STATES, _NUM_STATES), self._prior)
        self._past_N3 = np.full((pool.num_tasks, _NUM_STATES), 1 / _NUM_STATES)
        self._next_N3 = self._past_N3.copy()
        self._seen_N = np.zeros(pool.num_tasks, dtype=np.bool_)

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        count = min(self._candidate_ratio * batch_size, self._pool.num_tasks - excluded.size)
        candidates = self._epoch.take(count, self._rng, excluded)
        return candidates[top_b(self._next_N3[candidates, _PARTIAL], batch_size, self._rng)]

    def _learn(self, evidence: Evidence) -> None:
        tasks_U, states_U = evidence.task_ids_U, _states(evidence)
        origins_U3 = self._origins(tasks_U, states_U)
        self._seen_N[tasks_U] = True
        seen = np.flatnonzero(self._seen_N)
        self._past_N3[seen] = self._next_N3[seen]
        self._past_N3[tasks_U] = np.eye(_NUM_STATES)[states_U]
        moves_M33 = self._prior + self._decay * (self._moves_N33[seen] - self._prior)
        moves_M33[np.searchsorted(seen, tasks_U), states_U] += origins_U3
        self._moves_N33[seen] = moves_M33
        self._next_N3[seen] = _moved(moves_M33, self._past_N3[seen])

    def _origins(self, tasks_U: Ints, states_U: Ints) -> Floats:
        """The state each task came from, as a distribution, given the one it was found in."""
        moves_U33 = self._moves_N33[tasks_U]
        joint_U3 = (moves_U33 / moves_U33.sum(1, keepdims=True))[np.arange(tasks_U.size), states_U]
        joint_U3 *= self._past_N3[tasks_U]
        return joint_U3 / joint_U3.sum(1, keepdims=True)

    def metrics(self) -> dict[str, float]:
        """Mean probability of partial success, and the share of the pool ever measured."""
        return {
            "dps/partial": float(self._next_N3[:, _PARTIAL].mean()),
            "dps/seen": float(self._seen_N.mean()),
        }


def _states(evidence: Evidence) -> Ints:
    """0 where nothing succeeded, 2 where everything did, 1 otherwise."""
    some_U, all_U = evidence.successes_U > 0, evidence.successes_U >= evidence.trials_U
    return some_U.astype(np.int64) + all_U


def _moved(moves_M33: Floats, states_M3: Floats) -> Floats:
    """The distributions one step on."""
    shares_M3 = states_M3 / np.einsum("mij->mj", moves_M33)
    moved_M3 = np.einsum("mij,mj->mi", moves_M33, shares_M3)
    return moved_M3 / np.einsum("mi->m", moved_M3)[:, None]

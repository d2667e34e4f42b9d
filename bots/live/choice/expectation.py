"""The best tasks by the expectation of their utility, ties broken at random."""

from dataclasses import dataclass

import numpy as np

from bots._types import Bools, Floats, Ints
from bots.live.belief.beliefs import Beliefs
from bots.live.choice.inclusion import window_probability
from bots.live.choice.kernels import BARRED, REMOVED, Recall
from bots.live.choice.ranked import Ranked, ordered, pick
from bots.live.choice.utility import CODES, scores

_CERTAIN = 1e9  # pseudo-counts at which a belief is as good as a number
_HALVINGS = 40


@dataclass(frozen=True, slots=True, eq=False)
class ExpectationLaw:
    """How a belief becomes a rank, 1 - u / kappa with u the expected utility.

    A task that is due to be tested again has no belief to go by: a solve rate is drawn from the
    prior, and its utility counts. Otherwise all due tasks would rank alike, and best of all.

    Attributes:
        utility: a name of `CODES`.
        parameter: p* or n, see `bots.live.utility.score`.
        cost_C: kappa >= 1, by class.
        stratum_C: the stratum of each class.
        num_strata: S.
        recall: when tasks are due again.
    """

    utility: str
    parameter: float
    cost_C: Floats
    stratum_C: Ints
    num_strata: int
    recall: Recall

    def utilities(self, alpha: Floats, beta: Floats) -> Floats:
        """Expected utilities under these beliefs."""
        return scores(CODES[self.utility], alpha, beta, self.parameter)

    def at(self, rates: Floats) -> Floats:
        """Utilities of known solve rates."""
        inner = np.clip(rates, 1e-9, 1 - 1e-9)
        return self.utilities(_CERTAIN * inner, _CERTAIN * (1 - inner))

    def chances(self, beliefs: Beliefs, task_ids: Ints, reach: Floats) -> Floats:
        """The chance of each task to rank better than its `reach`: 0 or 1, unless it is due."""
        cost = self.cost_C[beliefs.table.class_N[task_ids]]
        ranks = 1 - self.utilities(*beliefs.pseudo_counts(task_ids)) / cost
        needed, chance = cost * (1 - reach), (ranks < reach).astype(np.float64)
        due = beliefs.due(task_ids, self.recall)
        if due.any():
            chance[due] = window_probability(*beliefs.prior, self._centre, self._half(needed[due]))
        return chance

    def ties(self, beliefs: Beliefs, task_ids: Ints, reach: Floats) -> Bools:
        """Which of these tasks rank exactly at their `reach`, as their beliefs say."""
        cost = self.cost_C[beliefs.table.class_N[task_ids]]
        ranks = 1 - self.utilities(*beliefs.pseudo_counts(task_ids)) / cost
        return (ranks == reach) & ~beliefs.due(task_ids, self.recall)

    @property
    def _centre(self) -> float:
        return self.parameter if self.utility == "closeness" else 0.5

    def _half(self, utility: Floats) -> Floats:
        """How far from the centre a solve rate may be that has more than this utility."""
        low = np.zeros(utility.size)
        high = np.full(utility.size, max(self._centre, 1 - self._centre))
        away = 1.0 if self._centre <= 0.5 else -1.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            more = self.at(self._centre + away * middle) > utility
            low, high = np.where(more, middle, low), np.where(more, high, middle)
        return low


def rank_best(
    beliefs: Beliefs, law: ExpectationLaw, wanted_S: Ints, barred: Ints, rng: np.random.Generator
) -> Ranked:
    """The `wanted_S` best tasks of each stratum, all of them where fewer are there.

    The unvisited tasks of a class rank alike, so classes are ranked rather than tasks, beside the
    visited tasks. Those that tie for the last places draw lots.

    Args:
        beliefs: about all tasks.
        law: from beliefs to ranks.
        wanted_S: by stratum, how many of the best are needed.
        barred: tasks flagged `BARRED`, distinct.
        rng: random numbers.
    """
    sums, class_N = beliefs.sums, beliefs.table.class_N
    rank_C = 1 - law.utilities(sums.alpha_C, sums.beta_C) / law.cost_C
    size_C = beliefs.unvisited(barred)
    visited_V = beliefs.visited_V
    visited_V = visited_V[beliefs.table.flags_N[visited_V] & (REMOVED | BARRED) == 0]
    visited_V = visited_V.astype(np.int64)
    rank_V = _visited_ranks(beliefs, law, visited_V, rng)
    stratum_V = law.stratum_C[class_N[visited_V]]
    parts, lottery_S, beyond_S = [], np.ones(law.num_strata), np.full(law.num_strata, np.inf)
    for stratum, wanted in enumerate(wanted_S):
        own_V, own_C = stratum_V == stratum, np.flatnonzero(law.stratum_C == stratum)
        entries = _Entries(visited_V[own_V], rank_V[own_V], own_C, rank_C[own_C], size_C[own_C])
        tasks, ranks, lottery_S[stratum] = entries.best(beliefs, int(wanted), rng)
        beyond_S[stratum] = entries.nth(int(wanted) + 1)
        parts.append((tasks, ranks, np.full(tasks.size, stratum)))
    tasks, ranks, strata = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return ordered(tasks, ranks, strata, lottery_S, beyond_S)


def _visited_ranks(
    beliefs: Beliefs, law: ExpectationLaw, visited_V: Ints, rng: np.random.Generator
) -> Floats:
    utility_V = law.utilities(*beliefs.pseudo_counts(visited_V))
    due = np.flatnonzero(beliefs.due(visited_V, law.recall))
    if due.size:
        utility_V[due] = law.at(rng.beta(*beliefs.prior, due.size))
    return 1 - utility_V / law.cost_C[beliefs.table.class_N[visited_V]]


@dataclass(frozen=True, slots=True, eq=False)
class _Entries:
    """One stratum: visited tasks one by one, and classes with the number of their other tasks."""

    visited_V: Ints
    rank_V: Floats
    classes: Ints
    rank_C: Floats
    size_C: Ints

    def best(
        self, beliefs: Beliefs, wanted: int, rng: np.random.Generator
    ) -> tuple[Ints, Floats, float]:
        """The best tasks, their ranks, and the chance of those that tie for the last places."""
        wanted = min(wanted, self.visited_V.size + int(self.size_C.sum()))
        if wanted == 0:
            return np.empty(0, np.int64), np.empty(0), 1.0
        last = self.nth(wanted)
        above_V, above_C = self.rank_V < last, self.rank_C < last
        left = wanted - int(above_V.sum()) - int(self.size_C[above_C].sum())
        tied_V, tied_C = np.flatnonzero(self.rank_V == last), np.flatnonzero(self.rank_C == last)
        ties = np.concatenate([[tied_V.size], self.size_C[tied_C]]).astype(np.int64)
        won = rng.multivariate_hypergeometric(ties, left)
        take_C = np.where(above_C, self.size_C, 0)
        take_C[tied_C] = won[1:]
        visited = np.concatenate(
            [np.flatnonzero(above_V), rng.choice(tied_V, won[0], replace=False)]
        )
        chosen = np.flatnonzero(take_C)
        members = [_members(beliefs, self.classes[c], int(take_C[c]), rng) for c in chosen]
        tasks = np.concatenate([self.visited_V[visited], *members])
        ranks = np.concatenate(
            [self.rank_V[visited], np.repeat(self.rank_C[chosen], take_C[chosen])]
        )
        return tasks, ranks, left / int(ties.sum())

    def nth(self, number: int) -> float:
        """The rank of the task at this place, from 1; inf where there are fewer."""
        some = self.size_C > 0
        ranks = np.concatenate([self.rank_V, self.rank_C[some]])
        sizes = np.concatenate([np.ones(self.rank_V.size, np.int64), self.size_C[some]])
        order = np.argsort(ranks)
        entry = np.searchsorted(np.cumsum(sizes[order]), number)
        return float(ranks[order][entry]) if entry < order.size else np.inf


def _members(beliefs: Beliefs, c: int, count: int, rng: np.random.Generator) -> Ints:
    """Unvisited tasks of a class that are not barred, uniformly."""
    first, size = int(beliefs.starts_C[c]), int(beliefs.starts_C[c + 1] - beliefs.starts_C[c])

    def members(places: Ints) -> Ints:
        return beliefs.table.member_N[first + places].astype(np.int64)

    def usable(tasks: Ints) -> Bools:
        return beliefs.table.flags_N[tasks] == 0

    return pick(members, size, count, usable, rng)

"""Exact Thompson sampling of the best tasks, without a draw for every task."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from bots._types import Bools, Floats, Ints
from bots.live.belief.beliefs import Beliefs
from bots.live.choice.inclusion import window_probability
from bots.live.choice.kernels import (
    BARRED,
    REMOVED,
    Proposals,
    Recall,
    accept,
    class_chances,
    count_proposals,
    list_proposals,
    mark_visited,
    propose,
)
from bots.live.choice.ranked import Ranked, ordered

_SPARE = 4.0  # standard deviations of draws inside the window, beyond what is needed
_WIDER = 1.2, 4.0  # how much the window grows, at least and at most, when it held too few


@dataclass(frozen=True, slots=True, eq=False)
class DrawLaw:
    """How a draw of a solve rate becomes a rank.

    A task's utility at a draw p is u = 1 - |p - p*| / m with m = max(p*, 1 - p*), and its rank is
    1 - u / kappa. So rank < tau if and only if |p - p*| < m (1 - kappa (1 - tau)).

    Attributes:
        target: p*.
        cost_C: kappa >= 1, by class.
        stratum_C: the stratum of each class.
        num_strata: S.
        recall: when tasks are due again.
    """

    target: float
    cost_C: Floats
    stratum_C: Ints
    num_strata: int
    recall: Recall

    @property
    def span(self) -> float:
        """M."""
        return max(self.target, 1 - self.target)

    def windows(self, reach_C: Floats) -> Floats:
        """Half-widths around p* inside which a draw ranks better than `reach_C`, by class."""
        return np.maximum(self.span * (1 - self.cost_C * (1 - reach_C)), 0.0)

    def chances(self, beliefs: Beliefs, task_ids: Ints, reach: Floats) -> Floats:
        """The chance of each task to rank better than its `reach`."""
        alpha, beta = beliefs.drawn(task_ids, self.recall)
        windows = self.span * (1 - self.cost_C[beliefs.table.class_N[task_ids]] * (1 - reach))
        return window_probability(alpha, beta, self.target, windows)

    def ranks(self, draws: Floats, classes: Ints) -> Floats:
        """The ranks of these draws of tasks of these classes."""
        utility = 1 - np.abs(draws - self.target) / self.span
        return 1 - utility / self.cost_C[classes]


def draw_best(
    beliefs: Beliefs, law: DrawLaw, wanted_S: Ints, density_S: Floats, rng: np.random.Generator
) -> tuple[Ranked, Floats]:
    """At least the `wanted_S` best tasks of each stratum, by independent draws from all beliefs.

    The result is distributed exactly as if every task that is not barred had drawn
    p_k ~ Beta(alpha_k, beta_k) and the best had been kept. Draws that cannot matter are not made:
    for a window around p* that should hold a few more draws than are wanted, a task is proposed
    with a chance that bounds that of its draw to fall inside, and a proposal is accepted with the
    ratio of the two. Tasks of a class have the same bound, so that geometric gaps between the
    proposed ones skip the others. When a window held too few, a wider one is looked at, given that
    the tasks not yet found are outside the first.

    Args:
        beliefs: about all tasks.
        law: from draws to ranks.
        wanted_S: by stratum, how many of the best are needed.
        density_S: draws to be expected per unit of rank; a guess costs time, never exactness.
        rng: random numbers.

    Returns:
        The tasks, all of them when fewer are there; and the densities that were met, for next time.
    """
    expected_S = wanted_S + _SPARE * np.sqrt(wanted_S) + 8
    reach_S = np.minimum(expected_S / density_S, 1.0)
    inner_C = np.zeros(law.cost_C.size)
    found = _Found.none()
    while True:
        windows_C = law.windows(reach_S[law.stratum_C])
        found = found.plus(_ring(beliefs, law, (inner_C, windows_C), found, rng))
        classes = beliefs.table.class_N[found.task_ids]
        ranks, strata = law.ranks(found.draws, classes), law.stratum_C[classes]
        reached = ranks < reach_S[strata]
        have_S = np.bincount(strata[reached], minlength=law.num_strata)
        short_S = (have_S < wanted_S) & (reach_S < 1)
        if not short_S.any():
            break
        wider_S = np.clip(expected_S / np.maximum(have_S, 1), *_WIDER) * reach_S
        inner_C, reach_S = windows_C, np.where(short_S, np.minimum(wider_S, 1), reach_S)
    whole = rng.permutation(np.flatnonzero(reached | (reach_S[strata] >= 1)))  # ties are no one's
    no_ties, no_end = np.ones(law.num_strata), np.full(law.num_strata, np.inf)
    ranked = ordered(found.task_ids[whole], ranks[whole], strata[whole], no_ties, no_end)
    last_S = ranked.nth(wanted_S)
    enough_S = np.isfinite(last_S) & (last_S > 0)
    density_S = np.where(enough_S, wanted_S / np.where(enough_S, last_S, 1.0), have_S / reach_S)
    return ranked, np.maximum(density_S, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Draws that are known."""

    task_ids: Ints
    draws: Floats

    @staticmethod
    def none() -> "_Found":
        return _Found(np.empty(0, np.int64), np.empty(0))

    def plus(self, other: "_Found") -> "_Found":
        return _Found(
            np.concatenate([self.task_ids, other.task_ids]),
            np.concatenate([self.draws, other.draws]),
        )


def _ring(
    beliefs: Beliefs,
    law: DrawLaw,
    rings: tuple[Floats, Floats],
    found: _Found,
    rng: np.random.Generator,
) -> _Found:
    """New draws that fall in these rings around the target, by class; a few others too."""
    inner_C, windows_C = rings
    keys = rng.integers(2**63, size=2).astype(np.uint64)
    chance_C = class_chances(beliefs.sums, windows_C, inner_C, law.target)
    count_C = count_proposals(keys[0], beliefs.starts_C, chance_C)
    members = list_proposals(keys[0], beliefs.starts_C, chance_C, count_C, beliefs.table.member_N)
    plain = members[beliefs.table.flags_N[members] == 0]
    visited_V = beliefs.visited_V
    shared = (law.recall, windows_C, inner_C, law.target)
    marked_V = mark_visited(keys[1], beliefs.table, beliefs.sums, visited_V, *shared)
    seen = visited_V[marked_V]
    seen = seen[beliefs.table.flags_N[seen] & (REMOVED | BARRED) == 0]
    proposed = np.concatenate([plain, seen]).astype(np.int64)
    if found.task_ids.size:
        proposed = proposed[~np.isin(proposed, found.task_ids)]
    task = propose(beliefs.table, beliefs.sums, proposed, *shared)
    draws, accepted = _drawn(task, rng)
    return _Found(proposed[accepted], draws[accepted])


def _drawn(task: Proposals, rng: np.random.Generator) -> tuple[Floats, Bools]:
    """The draw of each proposed task, and which of them are accepted."""
    draws, accepted = _in_ring(task, rng)
    if task.plain.all():
        return draws, accepted
    few = np.flatnonzero(~task.plain)
    draws[few], accepted[few] = _outside(task, few, rng), True
    return draws, accepted


def _in_ring(task: Proposals, rng: np.random.Generator) -> tuple[Floats, Bools]:
    """Points of the rings, those of plain proposals accepted or not; see `accept`."""
    remains = np.ones(task.low.size)
    some = task.plain & (task.inner_high > task.inner_low)
    if some.any():
        remains[some] = sum(_tails(task, some))
    places, coins = rng.random((2, remains.size))
    return accept(task, remains, places, coins)


def _outside(task: Proposals, few: Ints, rng: np.random.Generator) -> Floats:
    """Draws of these tasks from their beliefs, given that they are not in the inner window."""
    alpha, beta = task.alpha[few], task.beta[few]
    draws = rng.beta(alpha, beta)
    inner = np.flatnonzero(task.inner_high[few] > task.inner_low[few])
    if inner.size:
        low, high = _tails(task, few[inner])
        place = rng.random(inner.size) * (low + high)
        draws[inner] = np.where(
            place < low,
            special.betaincinv(alpha[inner], beta[inner], np.minimum(place, low)),
            special.betainccinv(alpha[inner], beta[inner], np.clip(low + high - place, 0, high)),
        )
    return draws


def _tails(task: Proposals, places: Ints | Bools) -> tuple[Floats, Floats]:
    """The chances of a draw below and above the inner window."""
    alpha, beta = task.alpha[places], task.beta[places]
    return (
        special.betainc(alpha, beta, task.inner_low[places]),
        special.betaincc(alpha, beta, task.inner_high[places]),
    )

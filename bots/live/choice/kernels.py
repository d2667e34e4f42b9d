"""Compiled passes over classes and visited tasks: who may be chosen, found by cheap bounds.

Random numbers here are hashes of (key, what is drawn for), so that the same key gives the same bits
whatever the number of threads. `tests/bots/live/naive.py` has a plain twin of every function.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange

from bots._types import Bools, Floats, Floats32, Ints

Number = Any  # an element of an array, which is no float to a type checker

VISITED, REMOVED, BARRED = np.uint8(1), np.uint8(2), np.uint8(4)

_HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)
_MULTIPLIER_A = np.uint64(0xBF58476D1CE4E5B9)  # of splitmix64
_MULTIPLIER_B = np.uint64(0x94D049BB133111EB)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_UNIT = 2.0**-53
_LARGEST_EXPONENT = 709.0
_LOOSE = 1.05  # over the square of a binomial probability, extended to real counts
_WORTH = 0.5  # above this chance, a draw is made rather than bounded
_MOST_DOUBLINGS = 16
_WORTH_THREADS = 1 << 15  # visited tasks, below which one thread is faster
_BLOCK = 4096  # visited tasks that one thread looks at in a row


class Table(NamedTuple):
    """What is stored per task, 20 bytes; with the list of visited tasks at most 24.

    Attributes:
        class_N: the class.
        excess_N2: pseudo-counts of success and of failure beyond those of the class, divided by
            `Sums.scale`; side by side, so that one line of memory holds both.
        last_N: policy version at the last visit; -inf: never.
        member_N: all tasks, class by class.
        streak_N: how many visits in a row were all solved (> 0) or all failed (< 0).
        flags_N: bits `VISITED`, `REMOVED`, `BARRED`.
    """

    class_N: np.ndarray
    excess_N2: Floats32
    last_N: Floats32
    member_N: np.ndarray
    streak_N: np.ndarray
    flags_N: np.ndarray


class Sums(NamedTuple):
    """The belief of each class's unvisited tasks, and what turns residuals into pseudo-counts.

    Attributes:
        alpha_C: pseudo-counts of success, the prior's included.
        beta_C: likewise of failure.
        scale: what `Table.excess_N2` is multiplied by.
        alpha_0: the prior's; no belief has less.
        beta_0: likewise.
    """

    alpha_C: Floats
    beta_C: Floats
    scale: float
    alpha_0: float
    beta_0: float


class Recall(NamedTuple):
    """When a task that was all solved or all failed is tested again.

    Attributes:
        now: the policy version.
        interval: versions until the first test; it doubles with every visit that changes nothing.
            inf: never.
    """

    now: float
    interval: float


@njit(cache=True)
def uniform(key: np.uint64, what: np.uint64) -> float:
    """A number in (0, 1) for each pair: the finaliser of splitmix64, on 53 bits."""
    z = key + (what + np.uint64(1)) * _GOLDEN
    z = (z ^ (z >> np.uint64(30))) * _MULTIPLIER_A
    z = (z ^ (z >> np.uint64(27))) * _MULTIPLIER_B
    z = z ^ (z >> np.uint64(31))
    return (float(z >> np.uint64(11)) + 0.5) * _UNIT


@njit(cache=True)
def belief(table: Table, sums: Sums, k: int) -> tuple[Number, Number]:
    """Alpha and beta of task `k`."""
    c = table.class_N[k]
    alpha = sums.alpha_C[c] + sums.scale * float(table.excess_N2[k, 0])
    beta = sums.beta_C[c] + sums.scale * float(table.excess_N2[k, 1])
    return max(alpha, sums.alpha_0), max(beta, sums.beta_0)


@njit(cache=True)
def material(table: Table, sums: Sums, visited_V: np.ndarray, share: float) -> Bools:
    """Which visited tasks have residuals above this share of alpha + beta."""
    found_V = np.empty(visited_V.size, np.bool_)
    for v in range(visited_V.size):
        k = visited_V[v]
        alpha, beta = belief(table, sums, k)
        residual = abs(float(table.excess_N2[k, 0])) + abs(float(table.excess_N2[k, 1]))
        found_V[v] = sums.scale * residual > share * (alpha + beta)
    return found_V


@njit(cache=True)
def _stirling(x: Number) -> float:
    """Below log Gamma(x), by less than 1 / (12 x)."""
    return (x - 0.5) * math.log(x) - x + _HALF_LOG_TAU


@njit(cache=True)
def density_bound(alpha: Number, beta: Number, low: Number, high: Number) -> float:
    """At least the density of Beta(alpha, beta) anywhere in [low, high]; inf where it has a pole.

    The density is log-concave where both parameters are at least 1, so it is greatest at its mode
    or at the end that is nearer to it; elsewhere it is greatest at an end or at an inner mode.
    log Gamma is bounded from both sides by Stirling's series.
    """
    at = low
    if alpha > 1 and beta > 1:
        share = (alpha - 1) / (alpha - 1 + (beta - 1))
        if low <= share <= high:
            return _exp(_log_constant(alpha, beta) + _log_power_at_mode(alpha - 1, beta - 1))
        at = low if share < low else high
    elif alpha < 1 and beta < 1:
        at = low if _log_power(alpha, beta, low) > _log_power(alpha, beta, high) else high
    elif beta <= 1 and alpha >= 1:
        at = high
    return _exp(_log_constant(alpha, beta) + _log_power(alpha, beta, at))


@njit(cache=True)
def _exp(x: float) -> float:
    """exp(x), infinite where plain Python would raise."""
    return math.exp(x) if x < _LARGEST_EXPONENT else math.inf


@njit(cache=True)
def _log_constant(alpha: float, beta: float) -> float:
    """At least -log B(alpha, beta)."""
    total = alpha + beta
    return _stirling(total) + 1 / (12 * total) - _stirling(alpha) - _stirling(beta)


@njit(cache=True)
def _log_power_at_mode(a: float, b: float) -> float:
    """`_log_power` at a / (a + b), without rounding that to 1 when b is tiny."""
    return a * math.log(a / (a + b)) + b * math.log(b / (a + b))


@njit(cache=True)
def _log_power(alpha: Number, beta: Number, x: Number) -> float:
    value = 0.0
    if alpha != 1:
        value += (alpha - 1) * (math.log(x) if x > 0 else -math.inf)
    if beta != 1:
        value += (beta - 1) * (math.log1p(-x) if x < 1 else -math.inf)
    return value


@njit(cache=True)
def peak_bound(alpha: Number, beta: Number) -> float:
    """At least the greatest density of Beta(alpha, beta); inf where it has a pole.

    With A = alpha - 1, B = beta - 1 and M = A + B the greatest density is M + 1 times a binomial
    probability, which is at most 1 and, by Stirling, at most e^(1 / 12 M) sqrt(M / (2 pi A B)).
    It needs no logarithm, so that a pass over all visited tasks costs little.
    """
    if alpha < 1 or beta < 1:
        return math.inf
    a, b = alpha - 1, beta - 1
    m = a + b
    squared = _LOOSE
    if m > 0.5:
        squared = min(squared, (m + 0.2) / (2 * math.pi * max(a * b, 1e-9)))
    return (m + 1) * math.sqrt(squared)


@njit(cache=True)
def chance_bound(width: Number, inner: Number, density: Number) -> float:
    """At least the chance of a draw in a ring, given that it is not inside; 1: not worth a bound.

    Args:
        width: the ring's measure.
        inner: that of the window inside it.
        density: at least the density anywhere in both.
    """
    if width <= 0:
        return 0.0
    if inner * density >= _WORTH:
        return 1.0
    chance = width * density
    if inner > 0:  # dividing by 1 costs as much as any division
        chance /= 1 - inner * density
    return chance if chance < _WORTH else 1.0


@njit(cache=True)
def class_chances(sums: Sums, windows_C: Floats, inner_C: Floats, target: float) -> Floats:
    """`chance_bound` for the unvisited members of each class.

    Args:
        sums: beliefs.
        windows_C: half-widths of the windows around `target` whose rings are looked at.
        inner_C: half-widths of the windows inside, which were looked at before.
        target: p*.
    """
    chance_C = np.zeros(windows_C.size)
    for c in range(windows_C.size):
        if windows_C[c] > inner_C[c]:
            low, high = max(target - windows_C[c], 0.0), min(target + windows_C[c], 1.0)
            inner = inside(target, inner_C[c])
            density = density_bound(sums.alpha_C[c], sums.beta_C[c], low, high)
            chance_C[c] = chance_bound(high - low - inner, inner, density)
    return chance_C


@njit(cache=True)
def inside(target: Number, half: Number) -> float:
    """The measure of the window of this half-width, cut to [0, 1]."""
    return min(target + half, 1.0) - max(target - half, 0.0)


@njit(cache=True)
def count_proposals(key: np.uint64, starts_C: Ints, chance_C: Floats) -> Ints:
    """How many of each class's members are proposed, each with `chance_C` independently."""
    count_C = np.zeros(chance_C.size, np.int64)
    for c in range(chance_C.size):
        if chance_C[c] > 0:
            count_C[c] = _skip(key, c, starts_C[c + 1] - starts_C[c], chance_C[c], None)
    return count_C


@njit(cache=True)
def list_proposals(
    key: np.uint64, starts_C: Ints, chance_C: Floats, count_C: Ints, member_N: np.ndarray
) -> Ints:
    """The members that `count_proposals` counted, class by class."""
    ends_C = np.cumsum(count_C)
    proposed = np.empty(ends_C[-1], np.int64)
    for c in range(chance_C.size):
        if count_C[c] > 0:
            first, out = starts_C[c], proposed[ends_C[c] - count_C[c] : ends_C[c]]
            _skip(key, c, starts_C[c + 1] - first, chance_C[c], out)
            for i in range(out.size):
                out[i] = member_N[first + out[i]]
    return proposed


@njit(cache=True)
def _skip(key: np.uint64, c: int, size: int, chance: float, out: Ints | None) -> int:
    """Places in `size` that succeed independently with `chance`, found by geometric gaps."""
    slope = math.log1p(-chance) if chance < 1 else -math.inf
    stream = np.uint64(c) << np.uint64(40)
    place, found = -1, 0
    while True:
        gap = math.log(uniform(key, stream + np.uint64(found))) / slope
        if gap >= size - place - 1:
            return found
        place += 1 + int(gap)
        if out is not None:
            out[found] = place
        found += 1


def mark_visited(
    key: np.uint64,
    table: Table,
    sums: Sums,
    visited_V: np.ndarray,
    recall: Recall,
    windows_C: Floats,
    inner_C: Floats,
    target: float,
) -> Bools:
    """Which visited tasks are proposed: each with `chance_bound`, its density being `peak_bound`.

    Tasks that may not be chosen are proposed too: looking up their flags costs more than a hash.

    Args:
        key: of the random numbers.
        table: what is stored per task.
        sums: beliefs of the classes.
        visited_V: tasks.
        recall: when tasks are due again.
        windows_C: as in `class_chances`.
        inner_C: likewise.
        target: p*.
    """
    inside_C = _inside(target, inner_C)
    width_C = _inside(target, windows_C) - inside_C
    marked_V = np.zeros(visited_V.size, np.bool_)
    mark = _mark if visited_V.size < _WORTH_THREADS else _mark_in_blocks
    mark(key, table, sums, visited_V, recall, width_C, inside_C, marked_V)
    return marked_V


def _inside(target: float, half_C: Floats) -> Floats:
    """`inside` for many windows."""
    return np.minimum(target + half_C, 1.0) - np.maximum(target - half_C, 0.0)


@njit(cache=True, parallel=True)
def _mark_in_blocks(
    key: np.uint64,
    table: Table,
    sums: Sums,
    visited_V: np.ndarray,
    recall: Recall,
    width_C: Floats,
    inside_C: Floats,
    marked_V: Bools,
) -> None:
    for block in prange((visited_V.size + _BLOCK - 1) // _BLOCK):
        part = slice(block * _BLOCK, (block + 1) * _BLOCK)
        _mark(key, table, sums, visited_V[part], recall, width_C, inside_C, marked_V[part])


@njit(cache=True)
def _mark(
    key: np.uint64,
    table: Table,
    sums: Sums,
    visited_V: np.ndarray,
    recall: Recall,
    width_C: Floats,
    inside_C: Floats,
    marked_V: Bools,
) -> None:
    recalls = recall.interval < math.inf
    for v in range(visited_V.size):
        k = visited_V[v]
        c = table.class_N[k]
        alpha, beta = belief(table, sums, k)
        if recalls and is_due(table.streak_N[k], table.last_N[k], recall):
            alpha, beta = sums.alpha_0, sums.beta_0
        chance = chance_bound(width_C[c], inside_C[c], peak_bound(alpha, beta))
        marked_V[v] = uniform(key, np.uint64(k)) < chance


@njit(cache=True)
def drawn_belief(table: Table, sums: Sums, recall: Recall, k: int) -> tuple[float, float]:
    """What task `k` is drawn from: its belief, or the prior when it is due to be tested again."""
    if is_due(table.streak_N[k], table.last_N[k], recall):
        return sums.alpha_0, sums.beta_0
    return belief(table, sums, k)


@njit(cache=True)
def is_due(streak: Number, last: Number, recall: Recall) -> bool:
    """Whether a task that was all solved or all failed `streak` times running is due again."""
    if streak == 0 or not recall.interval < math.inf:
        return False
    doublings = min(abs(int(streak)), _MOST_DOUBLINGS) - 1
    return recall.now - last >= recall.interval * (1 << doublings)  # 2.0 ** is slow, used or not


@njit(cache=True)
def due_again(streak: np.ndarray, last: np.ndarray, recall: Recall) -> Bools:
    """`is_due` for many tasks."""
    due = np.empty(streak.size, np.bool_)
    for i in range(streak.size):
        due[i] = is_due(streak[i], last[i], recall)
    return due


class Proposals(NamedTuple):
    """Tasks that may have a draw in a ring.

    Attributes:
        alpha: of the Beta that each is drawn from.
        beta: likewise.
        low: lower end of the window.
        high: its upper end.
        inner_low: lower end of the window inside, which was looked at before.
        inner_high: its upper end; not above its lower end when there was none.
        bound: at least the density; with it the task was proposed.
        plain: whether it was proposed with the chance `chance_bound`; False: with certainty.
    """

    alpha: Floats
    beta: Floats
    low: Floats
    high: Floats
    inner_low: Floats
    inner_high: Floats
    bound: Floats
    plain: Bools


@njit(cache=True)
def propose(
    table: Table,
    sums: Sums,
    task_ids: Ints,
    recall: Recall,
    windows_C: Floats,
    inner_C: Floats,
    target: float,
) -> Proposals:
    """What there is to know about these tasks; arguments as in `mark_visited`."""
    out = np.empty((7, task_ids.size))
    plain = np.empty(task_ids.size, np.bool_)
    for i in range(task_ids.size):
        k = task_ids[i]
        c = table.class_N[k]
        low, high = max(target - windows_C[c], 0.0), min(target + windows_C[c], 1.0)
        inner_low, inner_high = max(target - inner_C[c], 0.0), min(target + inner_C[c], 1.0)
        if table.flags_N[k] & VISITED:
            alpha, beta = drawn_belief(table, sums, recall, k)
            bound = peak_bound(alpha, beta)
        else:
            alpha, beta = sums.alpha_C[c], sums.beta_C[c]
            bound = density_bound(alpha, beta, low, high)
        inner = inner_high - inner_low
        plain[i] = chance_bound(high - low - inner, inner, bound) < 1
        out[0, i], out[1, i], out[2, i], out[3, i] = alpha, beta, low, high
        out[4, i], out[5, i], out[6, i] = inner_low, inner_high, bound
    return Proposals(out[0], out[1], out[2], out[3], out[4], out[5], out[6], plain)


@njit(cache=True)
def accept(task: Proposals, remains: Floats, places: Floats, coins: Floats) -> tuple[Floats, Bools]:
    """A point of its ring for each proposal, and whether it is the task's draw.

    It is with the ratio of the conditional density there to the bound, so that accepted points are
    distributed like draws that fall in the ring.

    Args:
        task: proposals; of those that are not plain nothing is accepted.
        remains: the chance of a draw outside the inner window.
        places: uniform numbers that say where.
        coins: uniform numbers that say whether.
    """
    draws, accepted = np.zeros(places.size), np.zeros(places.size, np.bool_)
    for i in range(places.size):
        if task.plain[i]:
            below = task.inner_low[i] - task.low[i]
            place = places[i] * (below + task.high[i] - task.inner_high[i])
            draw = task.low[i] + place if place < below else task.inner_high[i] + (place - below)
            alpha, beta = task.alpha[i], task.beta[i]
            constant = math.lgamma(alpha + beta) - math.lgamma(alpha) - math.lgamma(beta)
            density = _exp(constant + _log_power(alpha, beta, draw)) / remains[i]
            inner = task.inner_high[i] - task.inner_low[i]
            draws[i] = draw
            accepted[i] = coins[i] * task.bound[i] < density * (1 - inner * task.bound[i])
    return draws, accepted

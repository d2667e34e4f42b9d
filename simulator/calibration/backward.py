"""The compiled backward recursion of the state-space model, see `state_space`."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.compiler import compiled

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEVEL_SCALE = 3.0  # logits at which the level term levels off, as in the simulator's sharpening
_LONGEST_PART = 20.0  # steps of the flow's integration
_LEAST = 1e-300
_FURTHEST = 60.0  # logits
_MOST_PARTS = 64  # of one random walk; only walks far longer than the grid would need more


class Rows(NamedTuple):
    """Observed groups, by task and within a task by time."""

    start_K: Ints  # first row of each task, and the number of rows
    gap_R: Floats  # training steps since the task's row before, or since the start
    drift_R: Floats  # shared drift accumulated in that gap
    successes_R: Ints
    failures_R: Ints
    shift_R: Floats  # logits that the group's own training adds, after it was observed


class Motion(NamedTuple):
    """What moves logits besides shared drift and shifts."""

    slope: float  # response to the shared drift
    level: float
    middle: float
    walk_variance: float  # per step


@compiled
def backward(rows, motion, points_M, messages_KM, scale_K, logits_VM, work_M):
    """Writes P(all groups of task k | logit m at the start), up to the factor exp(`scale_K`).

    The grid follows a task's expected path: its points are carried along by drift, level and middle
    terms and by the shifts of the task's own groups, so that these need no interpolation. The
    random walk between two groups is a three-point law on the grid.

    Args:
        rows: the groups.
        motion: how logits move.
        points_M: the grid at the start, rising.
        messages_KM: written.
        scale_K: written.
        logits_VM: overwritten; V is the largest number of rows of a task.
        work_M: overwritten.
    """
    for task in range(scale_K.size):
        first, last = rows.start_K[task], rows.start_K[task + 1]
        _follow(rows, motion, points_M, first, last, logits_VM)
        message_M = messages_KM[task]
        for m in range(work_M.size):
            message_M[m] = 1.0
        scale_K[task] = 0.0
        for r in range(last - 1, first - 1, -1):
            scale_K[task] += _observe(
                message_M, logits_VM[r - first], rows.successes_R[r], rows.failures_R[r]
            )
            before_M = logits_VM[r - first - 1] if r > first else points_M
            _diffuse(message_M, work_M, before_M, motion.walk_variance * rows.gap_R[r])


@compiled
def _follow(rows, motion, points_M, first, last, logits_VM):
    """Where the grid's points are at each of a task's rows."""
    for r in range(first, last):
        before_M = logits_VM[r - first - 1] if r > first else points_M
        shift = rows.shift_R[r - 1] if r > first else 0.0
        parts = max(1, math.ceil(rows.gap_R[r] / _LONGEST_PART))
        gap, drift = rows.gap_R[r] / parts, motion.slope * rows.drift_R[r] / parts
        for m in range(points_M.size):
            logit = before_M[m] + shift
            for _ in range(parts):
                third = math.exp(min(max(logit, -_FURTHEST), _FURTHEST) / LEVEL_SCALE)
                square, odds = third * third, third * third * third
                logit += drift + gap * motion.level * (square - 1.0) / (square + 1.0)
                logit += gap * motion.middle * 4.0 * odds / ((1.0 + odds) * (1.0 + odds))
            logits_VM[r - first, m] = logit


@compiled
def _observe(message_M, logits_M, successes, failures):
    """Multiplies by P(outcome | logit), scales to a maximum of 1; the log of the scale."""
    largest = _LEAST  # a slope far out can make every point impossible
    for m in range(logits_M.size):
        odds = math.exp(min(max(logits_M[m], -_FURTHEST), _FURTHEST))
        wrong = 1.0 / (1.0 + odds)
        message_M[m] *= (odds * wrong) ** successes * wrong**failures
        largest = max(largest, message_M[m])
    for m in range(logits_M.size):
        message_M[m] /= largest
    return math.log(largest)


@compiled
def _diffuse(message_M, work_M, logits_M, variance):
    """E[message(logit + move)] for a move of mean 0 and of this variance.

    A three-point law with exactly these moments, in as many parts as keep its weights positive.
    """
    if variance == 0.0:
        return
    finest = np.inf
    for m in range(1, logits_M.size):
        finest = min(finest, logits_M[m] - logits_M[m - 1])
    if finest <= 0.0:  # parameters far out squeeze the grid together
        return
    parts = min(max(1, math.ceil(2.0 * variance / finest**2)), _MOST_PARTS)
    variance = min(variance, parts * finest**2 / 2.0)
    for _ in range(parts):
        for m in range(work_M.size):
            work_M[m] = message_M[m]
        for m in range(1, work_M.size - 1):
            up, down = logits_M[m + 1] - logits_M[m], logits_M[m] - logits_M[m - 1]
            bend = (work_M[m + 1] - work_M[m]) / up + (work_M[m - 1] - work_M[m]) / down
            message_M[m] = work_M[m] + variance / parts * bend / (up + down)

"""The compiled backward recursion of the state-space model, see `state_space`."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.compiler import compiled

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Grid(NamedTuple):
    """Logits that move with the shared drift, at each of T times."""

    steps_T: Floats  # training steps taken; the first is 0
    logits_TM: Floats  # rising in M
    finest_T: Floats  # smallest spacing


class Rows(NamedTuple):
    """Observed groups, latest first."""

    task_R: Ints
    time_R: Ints  # place among the grid's times
    cell_R: Ints  # row of the emissions
    shift_R: Floats  # logits that the group's own training adds, after it was observed


@compiled
def backward(rows, grid, emissions_CM, walk_variance, messages_KM, work_M, scale_K, last_K):
    """Writes P(all groups of task k | logit m at step 0), up to the factor exp(`scale_K`).

    Between two groups a logit moves by the earlier one's shift, and by a random walk of variance
    `walk_variance` per step: a three-point law on the grid with exactly this variance, in as many
    parts as keep its weights positive.

    Args:
        rows: the groups.
        grid: where the logits are.
        emissions_CM: P(outcome | logit) of each cell, a pair of time and outcome.
        walk_variance: per training step.
        messages_KM: written; must be 1.
        work_M: overwritten.
        scale_K: written; must be 0.
        last_K: overwritten; must be -1.
    """
    for r in range(rows.task_R.size):
        task, time, cell = rows.task_R[r], rows.time_R[r], rows.cell_R[r]
        message_M = messages_KM[task]
        if last_K[task] >= 0:
            gap = grid.steps_T[last_K[task]] - grid.steps_T[time]
            _diffuse(message_M, work_M, grid, time, walk_variance * gap)
            _shift(message_M, work_M, grid, time, rows.shift_R[r])
        largest = 1e-300  # a slope far out can make every point impossible
        for m in range(work_M.size):
            message_M[m] *= emissions_CM[cell, m]
            largest = max(largest, message_M[m])
        for m in range(work_M.size):
            message_M[m] /= largest
        scale_K[task] += math.log(largest)
        last_K[task] = time
    for task in range(scale_K.size):
        if last_K[task] > 0:
            variance = walk_variance * grid.steps_T[last_K[task]]
            _diffuse(messages_KM[task], work_M, grid, 0, variance)


@compiled
def _diffuse(message_M, work_M, grid, time, variance):
    """E[message(logit + move)] for a move of mean 0 and of this variance."""
    if variance == 0.0:
        return
    logits_M = grid.logits_TM[time]
    parts = max(1.0, math.ceil(2.0 * variance / grid.finest_T[time] ** 2))
    for _ in range(int(parts)):
        for m in range(work_M.size):
            work_M[m] = message_M[m]
        for m in range(1, work_M.size - 1):
            up, down = logits_M[m + 1] - logits_M[m], logits_M[m] - logits_M[m - 1]
            rise = (work_M[m + 1] - work_M[m]) / up + (work_M[m - 1] - work_M[m]) / down
            message_M[m] = work_M[m] + variance / parts * rise / (up + down)


@compiled
def _shift(message_M, work_M, grid, time, shift):
    """message(logit + shift), by interpolation through the five nearest points."""
    if shift == 0.0:
        return
    logits_M, last = grid.logits_TM[time], work_M.size - 1
    for m in range(work_M.size):
        work_M[m] = message_M[m]
    for m in range(work_M.size):
        below, above = max(m - 1, 0), min(m + 1, last)
        place = shift * (above - below) / (logits_M[above] - logits_M[below])
        nearest = math.floor(place + 0.5)
        u, at = place - nearest, m + int(nearest)
        outer, inner = u * (u * u - 1.0) / 24.0, u * (u * u - 4.0) / 6.0
        value = outer * (u - 2.0) * work_M[min(max(at - 2, 0), last)]
        value -= inner * (u - 1.0) * work_M[min(max(at - 1, 0), last)]
        value += (u * u - 1.0) * (u * u - 4.0) / 4.0 * work_M[min(max(at, 0), last)]
        value -= inner * (u + 1.0) * work_M[min(max(at + 1, 0), last)]
        value += outer * (u + 2.0) * work_M[min(max(at + 2, 0), last)]
        message_M[m] = max(value, 0.0)

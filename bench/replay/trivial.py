"""Estimators that anyone can write down, for others to be held against."""

import numpy as np

from bench.replay.log import Log
from bots._types import Bools, Floats, Ints

OWN = "own mean rate"
_LEAST_REFERENCE = 0.02  # 0 of 16 rollouts is no proof; a rate of 0 would lose without bound


def trivial(log: Log) -> dict[str, Floats]:
    """Predictions of each row by name, each from rows of earlier steps alone.

    `mean so far`: of all rollouts. `own last rate`: (s + 1/2) / (n + 1) of the task's last group,
    `own mean rate`: of all its groups so far, both the mean so far before its first. And the rates
    of each reference that the log has, kept within [.02, .98], the mean so far where there is none.
    """
    trace = log.trace
    mean_R = _mean_so_far(log)
    first_R, before_R = trace.visit_R == 0, np.maximum(np.arange(trace.task_R.size) - 1, 0)
    last_R = (trace.successes_R[before_R] + 0.5) / (trace.trials_R[before_R] + 1)
    solved_R, tried_R = _earlier(trace.successes_R, first_R), _earlier(trace.trials_R, first_R)
    found = {
        "mean so far": mean_R,
        "own last rate": np.where(first_R, mean_R, last_R),
        OWN: np.where(first_R, mean_R, (solved_R + 0.5) / (tried_R + 1)),
    }
    for name, rates_N in sorted(log.pool.references.items()):
        rates_R = np.clip(rates_N[trace.task_R], _LEAST_REFERENCE, 1 - _LEAST_REFERENCE)
        found[f"reference {name}"] = np.where(np.isnan(rates_R), mean_R, rates_R)
    return found


def _mean_so_far(log: Log) -> Floats:
    mean_R, solved, tried = np.empty(log.step_R.size), 0.5, 1.0
    for rows_B in log.batches():
        mean_R[rows_B] = solved / tried
        solved += log.trace.successes_R[rows_B].sum()
        tried += log.trace.trials_R[rows_B].sum()
    return mean_R


def _earlier(counts_R: Ints, first_R: Bools) -> Ints:
    """Sum of the counts of the same task's rows before each row; rows are ordered by task."""
    before_R = np.cumsum(counts_R) - counts_R
    starts = np.flatnonzero(first_R)
    return before_R - before_R[starts][np.cumsum(first_R) - 1]

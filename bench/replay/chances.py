"""The chance that a task had to be in a logged batch."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bench.replay.log import Log
from bots._types import Bools, Floats

RULES = ("uniform", "shuffle")


@dataclass(frozen=True, slots=True, eq=False)
class Chances:
    """Of one logged step.

    Attributes:
        logged_B: the chance of each task that was in the batch, given the history before it.
        reached_N: which tasks had a chance at all.
    """

    logged_B: Floats
    reached_N: Bools


def chances(log: Log, rule: str | None) -> list[Chances] | None:
    """The chances of every step that has rows, in order; None where nothing is known of them.

    Args:
        log: the run.
        rule: how its batches were chosen. `uniform`: B / N. `shuffle`: B / W for the W tasks that
            wait in the epoch, 0 for others. None: as the log's column `inclusion` says, where it
            has one; every task is then taken to have had a chance.

    Raises:
        ValueError: for an unknown rule, or a log that is not in epoch order but said to be.
    """
    if rule is None:
        return None if log.inclusion_R is None else list(_logged(log, log.inclusion_R))
    if rule not in RULES:
        raise ValueError(f"the rule is {rule!r}; it must be one of {', '.join(RULES)}")
    return list(_uniform(log) if rule == "uniform" else _shuffled(log))


def _logged(log: Log, inclusion_R: Floats) -> Iterator[Chances]:
    everyone_N = np.ones(log.pool.num_tasks, dtype=np.bool_)
    for rows_B in log.batches():
        yield Chances(inclusion_R[rows_B], everyone_N)


def _uniform(log: Log) -> Iterator[Chances]:
    everyone_N = np.ones(log.pool.num_tasks, dtype=np.bool_)
    for rows_B in log.batches():
        yield Chances(np.full(rows_B.size, rows_B.size / log.pool.num_tasks), everyone_N)


def _shuffled(log: Log) -> Iterator[Chances]:
    """By visit, tasks with a row in this visit wait until it comes; by step, all until theirs.

    Where fewer than a batch wait, a loader either drops them or fills up from the next epoch.
    """
    trace, waiting_N = log.trace, np.ones(log.pool.num_tasks, dtype=np.bool_)
    visit = -1
    for rows_B in log.batches():
        tasks_B = trace.task_R[rows_B]
        if not trace.by_step and int(trace.when_R[rows_B[0]]) != visit:
            visit = int(trace.when_R[rows_B[0]])
            waiting_N = np.zeros(log.pool.num_tasks, dtype=np.bool_)
            waiting_N[trace.task_R[trace.when_R == visit]] = True
        fits_B, waiting = waiting_N[tasks_B], int(waiting_N.sum())
        if waiting >= tasks_B.size and not fits_B.all():
            raise ValueError(
                f"at step {log.step_R[rows_B[0]]} task {trace.names_K[tasks_B[~fits_B][0]]} comes "
                f"again while {waiting} others wait, so the log is not in epoch order: leave "
                "--logged out, or log the column inclusion"
            )
        if waiting >= tasks_B.size:
            yield Chances(np.full(tasks_B.size, tasks_B.size / waiting), waiting_N)
            waiting_N = waiting_N.copy()
        else:
            filled = int(fits_B.sum()) == waiting
            rest = waiting if filled else 0
            share = (tasks_B.size - rest) / (log.pool.num_tasks - rest)
            logged_B = np.where(fits_B & filled, 1.0, share)
            waiting_N = np.ones(log.pool.num_tasks, dtype=np.bool_)
            yield Chances(logged_B, waiting_N)
            waiting_N = waiting_N.copy()
            tasks_B = tasks_B[~(fits_B & filled)]
        waiting_N[tasks_B] = False

"""Laws of whose an array is: the caller's or the selector's.

The arrays of a pool cannot be written to, so a strategy that tries raises.
"""

import numpy as np

from bench.checking.law import BrokenError, Law
from bench.checking.trial import BATCH, Subject, require_same
from bots import Feedback


def _handed(subject: Subject) -> None:
    trial = subject.trial()
    gone = np.array([7, 3, 7])
    ids = trial.choose(BATCH, gone if trial.takes_exclude() else None).copy()
    if gone.tolist() != [7, 3, 7]:
        raise BrokenError(f"select({BATCH}, exclude=[7, 3, 7]) left {gone.tolist()} in exclude")
    counts = np.full(BATCH, 3.0), np.full(BATCH, 8.0)
    told, meant = trial.tell(ids, *counts), Feedback(ids, *counts)
    for name in ("task_ids_B", "successes_B", "trials_B"):
        if not np.array_equal(getattr(told, name), getattr(meant, name)):
            raise BrokenError(f"update(feedback) changed feedback.{name}")


def _returned(subject: Subject) -> None:
    careful, careless = subject.trial(), subject.trial()
    batches: tuple[list[list[int]], list[list[int]]] = ([], [])
    for step in range(6):
        for trial, own in ((careful, batches[0]), (careless, batches[1])):
            ids = trial.choose(BATCH)
            own.append(ids.tolist())
            trial.learn(ids.copy(), step)
            if trial is careless:
                _overwrite(ids)
                _overwrite(trial.rates())
    require_same(*batches, "after what select and solve_rates had returned was overwritten")


def _overwrite(array: object) -> None:
    if isinstance(array, np.ndarray) and array.flags.writeable:
        array[:] = 0


OWNING = (
    Law(
        "what it is handed stays as it is: exclude and feedback",
        _handed,
        "copy an array before you change or sort it in place",
    ),
    Law(
        "what it returns is the caller's: batches and beliefs",
        _returned,
        "return a copy rather than a view of what the selector keeps: .copy()",
    ),
)

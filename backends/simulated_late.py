"""Feedback of the synthetic learner that is on its way, as arrays in a backend's state."""

from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np

from bots import Feedback, checks

_COLUMNS = ("late_tasks", "late_successes", "late_trials", "late_squares", "late_tokens")
ENTRIES = ("late_sizes", "late_versions", *_COLUMNS)


def packed(late: Iterable[Feedback]) -> dict[str, np.ndarray]:
    """Feedbacks that have squares, tokens and versions, as arrays; `unpacked` is the way back.

    The groups of all stand one after another. The trainer's versions are not kept: they are those
    of the steps that hand the feedback over.
    """
    late = tuple(late)
    rows = [(f.task_ids_B, f.successes_B, f.trials_B, f.squares_B, f.tokens_B) for f in late]
    nothing = np.empty(0, dtype=np.int64), *[np.empty(0)] * (len(_COLUMNS) - 1)
    columns = (np.concatenate(parts) for parts in zip(nothing, *rows, strict=True))
    return dict(zip(_COLUMNS, columns, strict=True)) | {
        "late_sizes": np.array([feedback.task_ids_B.size for feedback in late], dtype=np.int64),
        "late_versions": np.array([feedback.policy_version for feedback in late], np.float64),
    }


def unpacked(state: dict[str, Any], num_tasks: int) -> deque[Feedback]:
    """The feedback that `packed` made these arrays of, oldest first.

    Its current version is the state's step.

    Raises:
        ValueError: for arrays that do not fit together, tasks outside a pool of `num_tasks`,
            impossible counts, or a policy from after the state's step.
    """
    try:
        late = deque(
            Feedback(*columns, policy_version=version, current_version=state.get("step"))
            for *columns, version in _parts(state)
        )
        for feedback in late:
            checks.within(feedback.task_ids_B, num_tasks)
    except ValueError as error:
        raise ValueError(
            f"feedback in the state is damaged ({error}): go back to an earlier checkpoint"
        ) from None
    return late


def _parts(state: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The columns of each feedback, and the version of its policy."""
    sizes, versions = np.asarray(state["late_sizes"]), np.asarray(state["late_versions"])
    columns = [np.asarray(state[name]) for name in _COLUMNS]
    if sizes.ndim != 1 or sizes.dtype.kind not in "iu" or (sizes < 1).any():
        raise ValueError("sizes are no vector of positive integers")
    if versions.shape != sizes.shape or any(c.shape != (sizes.sum(),) for c in columns):
        raise ValueError("sizes do not add up")
    ends = np.cumsum(sizes)[:-1]
    split = [np.split(column, ends) for column in columns] if sizes.size else [[]] * len(columns)
    return list(zip(*split, versions, strict=True))

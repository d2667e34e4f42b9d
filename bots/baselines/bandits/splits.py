"""A binary tree of tasks with similar embeddings."""

import numpy as np

from bots._types import Floats, Floats32, Ints

_POWER_STEPS = 10


def principal_splits(features_ND: Floats32, depth: int) -> Ints:
    """The leaf of each task, shape (N,), in a tree of `depth` splits from the root to any leaf.

    A node is halved at the median along the direction in which its tasks vary most, so leaves that
    are siblings hold similar tasks, and their sizes differ by 1 at most within the whole tree. The
    leaves count from left to right, 0 to 2^depth - 1: leaf // 2 is the parent's place in the level
    above. The same features always give the same tree.

    Args:
        features_ND: shape (N, D), finite.
        depth: at least 0; 2^depth must not exceed N.

    Example:
        >>> principal_splits(np.array([[5.0], [0.0], [9.0], [1.0]], dtype=np.float32), 1).tolist()
        [1, 0, 1, 0]
    """
    parts = [np.arange(len(features_ND))]
    for _ in range(depth):
        parts = [half for part in parts for half in _halves(features_ND, part)]
    leaf_N = np.empty(len(features_ND), dtype=np.int64)
    for leaf, part in enumerate(parts):
        leaf_N[part] = leaf
    return leaf_N


def _halves(features_ND: Floats32, tasks_M: Ints) -> tuple[Ints, Ints]:
    centred_MD = features_ND[tasks_M].astype(np.float64)
    centred_MD -= centred_MD.mean(axis=0)
    order_M = np.argsort(centred_MD @ _principal_direction(centred_MD), kind="stable")
    middle = tasks_M.size // 2
    return tasks_M[order_M[:middle]], tasks_M[order_M[middle:]]


def _principal_direction(centred_MD: Floats) -> Floats:
    """The first principal direction, up to its length, by a few steps of power iteration.

    It starts from the task farthest from the centre and points to its side; 0 if all tasks are one.
    """
    direction_D = centred_MD[(centred_MD**2).sum(axis=1).argmax()]
    for _ in range(_POWER_STEPS):
        length = float(np.linalg.norm(direction_D))
        if length == 0:
            break
        direction_D = centred_MD.T @ (centred_MD @ (direction_D / length))
    return direction_D

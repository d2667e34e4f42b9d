"""A batch of high utility whose tasks are not alike."""

import numpy as np

from bots._types import Floats, Floats32, Ints
from bots.acquisition import top_b

_SHORTLIST = 4  # tasks per place in the batch


def diverse_b(
    utility_N: Floats,
    features_ND: Floats32,
    batch_size: int,
    diversity: float,
    rng: np.random.Generator,
) -> Ints:
    """`batch_size` distinct tasks, each of high utility and unlike those taken before it.

    Of the 4 B tasks of highest utility, one after another is taken that has the largest::

        u_k - diversity max(0, max_{j taken} cos(x_k, x_j))

    where u_k is in `utility_N` and x_k in `features_ND`. With a `diversity` of 0 that is `top_b`.

    Args:
        utility_N: shape (N,), no NaN; -inf for tasks that must not be chosen.
        features_ND: shape (N, D).
        batch_size: B; as many utilities must be finite.
        diversity: what being alike costs, in units of utility.
        rng: breaks ties on the way to the shortlist.

    Example:
        >>> features = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
        >>> rng = np.random.default_rng(0)
        >>> diverse_b(np.array([0.0, -0.1, -0.3]), features, 2, 0.5, rng).tolist()
        [0, 2]
    """
    if diversity == 0:
        return top_b(utility_N, batch_size, rng)
    possible = int(np.isfinite(utility_N).sum())
    shortlist = top_b(utility_N, min(_SHORTLIST * batch_size, possible), rng)
    features_SD = features_ND[shortlist]
    features_SD = features_SD / np.maximum(np.linalg.norm(features_SD, axis=1, keepdims=True), 1e-9)
    return shortlist[_unlike(utility_N[shortlist], features_SD, batch_size, diversity)]


def _unlike(utility_S: Floats, features_SD: Floats32, batch_size: int, diversity: float) -> Ints:
    """Places in the shortlist; `features_SD` have unit length."""
    penalty_SS = (diversity * np.maximum(features_SD @ features_SD.T, 0)).astype(np.float64)
    utility_S, penalty_S = utility_S.copy(), np.zeros(utility_S.size)
    taken_B = np.empty(batch_size, dtype=np.int64)
    for b in range(batch_size):
        best = np.argmax(utility_S - penalty_S)
        taken_B[b] = best
        utility_S[best] = -np.inf
        np.maximum(penalty_S, penalty_SS[best], out=penalty_S)
    return taken_B

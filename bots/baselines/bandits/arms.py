"""Arms that stand for several tasks each: how a batch is shared out, and drawn within them."""

import numpy as np

from bots._types import Floats, Ints
from bots.pool import Pool


class Arms:
    """A partition of the pool into K arms.

    Args:
        arm_N: shape (N,), the arm of each task, 0 to K - 1.
        num_arms: K.
    """

    def __init__(self, arm_N: Ints, num_arms: int) -> None:
        self.arm_N = arm_N
        self.size_K = np.bincount(arm_N, minlength=num_arms)
        order_N = np.argsort(arm_N, kind="stable")
        self._tasks_K = np.split(order_N, np.cumsum(self.size_K)[:-1])

    @property
    def num_arms(self) -> int:
        """K."""
        return self.size_K.size

    def left(self, excluded: Ints) -> Ints:
        """How many tasks of each arm are not in `excluded` (distinct), shape (K,)."""
        if excluded.size == 0:
            return self.size_K
        return self.size_K - np.bincount(self.arm_N[excluded], minlength=self.num_arms)

    def draw(self, counts_K: Ints, excluded: Ints, rng: np.random.Generator) -> Ints:
        """Distinct tasks, `counts_K[k]` of arm k, uniformly among those not in `excluded`."""
        away_N = np.zeros(self.arm_N.size, dtype=np.bool_)
        away_N[excluded] = True
        chosen = []
        for arm in np.flatnonzero(counts_K):
            tasks = self._tasks_K[arm]
            tasks = tasks[~away_N[tasks]] if excluded.size else tasks
            chosen.append(rng.choice(tasks, counts_K[arm], replace=False, shuffle=False))
        return np.concatenate(chosen)

    def means(self, task_ids_U: Ints, values_U: Floats, weights_U: Floats) -> tuple[Ints, Floats]:
        """The arms of some tasks, ascending, and in each the weighted mean of their values."""
        arm_U = self.arm_N[task_ids_U]
        weight_K = np.bincount(arm_U, weights_U, self.num_arms)
        total_K = np.bincount(arm_U, weights_U * values_U, self.num_arms)
        arms = np.flatnonzero(weight_K)
        return arms, total_K[arms] / weight_K[arms]


def by_domain(strategy: str, pool: Pool) -> Arms:
    """One arm per domain of the pool, in the order of their labels.

    Raises:
        ValueError: when the pool has no domains.
    """
    if pool.domains_N is None:
        raise ValueError(
            f"the arms of {strategy} are domains and the pool has none: "
            "give Pool(domains_N=...) a label per task"
        )
    labels, arm_N = np.unique(pool.domains_N, return_inverse=True)
    return Arms(arm_N.astype(np.int64), labels.size)


def softmax(logits_K: Floats) -> Floats:
    """Probabilities in proportion to exp(logit); the largest logit must be finite."""
    weights_K = np.exp(logits_K - logits_K.max())
    return weights_K / weights_K.sum()


def entropy(probabilities_K: Floats) -> float:
    """-sum p ln p, in nats."""
    positive = probabilities_K[probabilities_K > 0]
    return float(-(positive * np.log(positive)).sum())


def share_out(logits_K: Floats, left_K: Ints, batch_size: int, rng: np.random.Generator) -> Ints:
    """How many tasks of each arm a batch gets, shape (K,), never more than are left.

    Every place of the batch draws an arm from softmax(`logits_K`). Places that drew an arm with no
    task left draw again among the other arms, with the same weights.

    Args:
        logits_K: shape (K,), finite.
        left_K: shape (K,), tasks left per arm, `batch_size` or more in all.
        batch_size: B.
        rng: draws the arms.
    """
    counts_K = np.zeros(left_K.size, dtype=np.int64)
    missing = batch_size
    while missing:
        room_K = left_K - counts_K
        chances_K = softmax(np.where(room_K > 0, logits_K, -np.inf))
        drawn_K = np.minimum(rng.multinomial(missing, chances_K), room_K)
        counts_K += drawn_K
        missing -= int(drawn_K.sum())
    return counts_K

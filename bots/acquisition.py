"""From believed solve rates to a batch: the utility of a task, and the choice of B tasks."""

import numpy as np

from bots._types import Floats, Ints

_SAMPLE_RANK = 16


def closeness(rates_N: Floats, target: float) -> Floats:
    """Utilities -|p - p*|, shape (N,), in [-1, 0]: how near each solve rate is to `target` (p*).

    Source: arXiv 2510.26374, task selection, with p* = 0.5. A group of rollouts teaches most when
    successes and failures are balanced, and nothing when all of one kind.

    Example:
        >>> closeness(np.array([0.0, 0.4, 0.9]), 0.5).round(2).tolist()
        [-0.5, -0.1, -0.4]
    """
    utility_N = rates_N - target
    np.abs(utility_N, out=utility_N)
    return np.negative(utility_N, out=utility_N)


def top_b(utility_N: Floats, batch_size: int, rng: np.random.Generator) -> Ints:
    """The `batch_size` tasks of highest utility, distinct, in no particular order.

    Tasks that tie for the last places are drawn at random. The reference code leaves ties to its
    sort, so its first greedy batch, when all beliefs are equal, is an accident of the file's order.

    Thompson sampling with this rule has a simple exact picture: for B much smaller than N, a task
    is picked in proportion to its posterior density at p*.

    Args:
        utility_N: shape (N,), no NaN.
        batch_size: B, between 1 and N.
        rng: breaks ties; untouched when there are none.

    Raises:
        ValueError: for a NaN utility.

    Example:
        >>> sorted(top_b(np.array([0.1, 0.9, 0.3, 0.8]), 2, np.random.default_rng(0)).tolist())
        [1, 3]
    """
    if np.isnan(utility_N).any():
        raise ValueError(
            f"{np.isnan(utility_N).sum()} utilities are NaN; every task needs a number: "
            "use -inf for tasks that must not be chosen"
        )
    shortlist = _shortlist(utility_N, batch_size)
    utility = utility_N[shortlist]
    threshold = np.partition(utility, utility.size - batch_size)[utility.size - batch_size]
    above = shortlist[utility > threshold]
    tied = shortlist[utility == threshold]
    missing = batch_size - above.size
    if missing < tied.size:
        tied = rng.choice(tied, missing, replace=False)
    return np.concatenate([above, tied])


def _shortlist(utility_N: Floats, batch_size: int) -> Ints:
    """All tasks above some utility that at least B tasks reach; a few times B of them, as a rule.

    The bar is the 16th best of every (B/4)-th task, which about 4 B tasks clear. If fewer than B
    should do so, all tasks are returned: the choice is exact either way, this only saves sorting.
    """
    sample = utility_N[:: max(batch_size // 4, 1)]
    if sample.size > _SAMPLE_RANK:
        bar = np.partition(sample, -_SAMPLE_RANK)[-_SAMPLE_RANK]
        shortlist = np.flatnonzero(utility_N >= bar)
        if shortlist.size >= batch_size:
            return shortlist
    return np.arange(utility_N.size)


def softmax_b(
    utility_N: Floats, batch_size: int, temperature: float, rng: np.random.Generator
) -> Ints:
    """Distinct tasks drawn one after another in proportion to exp(utility / temperature).

    Adding independent Gumbel noise to utility / temperature and taking the B largest draws exactly
    from that law (Plackett-Luce). As `temperature` falls to 0 this becomes `top_b`. Utilities of
    `closeness` span [-1, 0], so a temperature of 1, the reference code's default, is nearly
    uniform.
    """
    return top_b(utility_N / temperature + rng.gumbel(size=utility_N.size), batch_size, rng)

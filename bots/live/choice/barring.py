"""Which tasks may not be chosen now."""

import numpy as np

from bots import checks
from bots._types import Ints
from bots.live.belief.beliefs import Beliefs
from bots.live.choice.kernels import REMOVED


def barred(
    beliefs: Beliefs,
    flying: Ints,
    rest: tuple[float, float],
    batch_size: int,
    exclude: Ints | None = None,
) -> Ints:
    """Excluded tasks, and if enough others are left those in flight and those at rest.

    Args:
        beliefs: about all tasks.
        flying: tasks in flight, repeats allowed.
        rest: the policy version, and for how many versions a task rests after a visit.
        batch_size: how many tasks must be left.
        exclude: as in `AbstractSelector.select`.

    Returns:
        Distinct tasks, none of them removed.

    Raises:
        ValueError: when fewer than `batch_size` tasks are neither excluded nor removed.
    """
    given = checks.excluded(exclude, batch_size, beliefs.num_tasks)
    away = given[beliefs.table.flags_N[given] & REMOVED == 0]
    left = beliefs.num_tasks - beliefs.removed.size
    if left - away.size < batch_size:
        raise ValueError(
            f"{left - away.size} of {left} tasks are left when {away.size} are excluded, but "
            f"{batch_size} were asked for: lower batch_size, or add tasks"
        )
    resting = _resting(beliefs, *rest)
    if flying.size == resting.size == 0:
        return away
    for avoided in ((flying, resting), (flying,)):
        together = np.unique(np.concatenate([away, *avoided]))
        if left - together.size >= batch_size:
            return together
    return away


def _resting(beliefs: Beliefs, now: float, cooldown: float) -> Ints:
    if cooldown == 0:
        return np.empty(0, np.int64)
    visited_V = beliefs.visited_V
    rests_V = now - beliefs.table.last_N[visited_V] < cooldown
    resting = visited_V[rests_V].astype(np.int64)
    return resting[beliefs.table.flags_N[resting] & REMOVED == 0]

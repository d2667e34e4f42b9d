"""How often a run meets each of its tasks, and what to do where that is too often."""

import math

_MANY = 12  # visits of a task; runs on real pools rarely meet one more than a few times
_FEW = 5
_LEAST_BATCH = 4


def often_met(name: str, num_tasks: int, batch_size: int, steps: int) -> str | None:
    """A warning with its remedy when each task is met many times; None otherwise.

    Args:
        name: of the pool.
        num_tasks: in the pool.
        batch_size: tasks per step.
        steps: of the run.

    Example:
        >>> often_met("tasks", 90, 64, 120)
        'tasks has 90 tasks to train on: 120 steps of 64 meet each of them about 85 times. A \
strategy has little to choose there; give --batch-size 4, --steps 8, or more tasks.'
        >>> often_met("tasks", 9_000, 64, 120) is None
        True
    """
    visits = steps * batch_size / num_tasks
    if visits < _MANY:
        return None
    batch, fewer = _FEW * num_tasks // steps, math.ceil(_FEW * num_tasks / batch_size)
    options = [f"--batch-size {max(batch, _LEAST_BATCH)}", f"--steps {fewer}"]
    return (
        f"{name} has {num_tasks} tasks to train on: {steps} steps of {batch_size} meet each of "
        f"them about {visits:.0f} times. A strategy has little to choose there; give "
        f"{', '.join(options)}, or more tasks."
    )

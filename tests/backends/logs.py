"""Small logs of runs whose solve rates are known."""

import numpy as np

from simulator.calibration.trace import Trace, from_columns


def path(num_tasks: int, time: float) -> np.ndarray:
    """Rates that rise from task to task, and with time, shape (K,)."""
    logits_K = np.linspace(-3, 3, num_tasks) + time / 40
    return 1 / (1 + np.exp(-logits_K))


def trace(num_tasks: int, steps: int = 40, every: int = 5, group: int = 8, seed: int = 0) -> Trace:
    """Task k is visited at steps k modulo `every`, and every so many steps after."""
    rng = np.random.default_rng(seed)
    rows = [
        (k, step, rng.binomial(group, rates_K[k]))
        for step in range(steps)
        for rates_K in [path(num_tasks, step)]
        for k in range(step % every, num_tasks, every)
    ]
    task_R, step_R, successes_R = np.array(rows).T
    names_R = np.array([f"{k:05d}" for k in task_R])
    return from_columns(names_R, step_R, successes_R, np.full(task_R.size, group), by_step=True)

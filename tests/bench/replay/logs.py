"""Small logs of runs whose rates are known."""

import numpy as np

from bench.replay import Log, log_of
from simulator.calibration.trace import from_columns

Batches = list[list[int]]


def rates(num_tasks: int) -> np.ndarray:
    return np.linspace(0.02, 0.98, num_tasks)


def of_batches(batches: Batches, num_tasks: int, seed: int = 0, **columns) -> Log:
    """Groups of 8 at constant rates; columns of their own in the order of the batches."""
    rng = np.random.default_rng(seed)
    task_R = np.concatenate([np.asarray(batch) for batch in batches])
    step_R = np.repeat(np.arange(len(batches)), [len(batch) for batch in batches])
    solved_R = rng.binomial(8, rates(num_tasks)[task_R])
    names_R = np.array([f"{task:04d}" for task in task_R])
    trace = from_columns(names_R, step_R, solved_R, np.full(task_R.size, 8), by_step=True)
    order = np.lexsort((step_R, names_R))
    return log_of(trace, {name: np.asarray(values)[order] for name, values in columns.items()})


def uniform(num_tasks: int = 60, size: int = 10, steps: int = 80, seed: int = 0) -> Log:
    rng = np.random.default_rng([1, seed])
    batches = [rng.choice(num_tasks, size, replace=False).tolist() for _ in range(steps)]
    return of_batches(batches, num_tasks, seed)


def shuffled(num_tasks: int = 60, size: int = 10, epochs: int = 8, seed: int = 0) -> Log:
    """Epoch after epoch; a remainder too small for a batch is dropped."""
    rng = np.random.default_rng([2, seed])
    batches = [
        order[first : first + size].tolist()
        for order in (rng.permutation(num_tasks) for _ in range(epochs))
        for first in range(0, num_tasks - size + 1, size)
    ]
    return of_batches(batches, num_tasks, seed)

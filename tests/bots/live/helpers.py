"""Pools, beliefs and laws that the tests of the live selector share."""

import numpy as np
from scipy import stats

from bots import Feedback, Pool
from bots.live.belief.beliefs import Beliefs
from bots.live.choice.kernels import Recall
from bots.live.config import LiveConfig
from bots.live.selector import LiveSelector

NEVER = Recall(0.0, np.inf)
NOWHERE = np.empty(0, np.int64)
TASKS, CLASSES = 300, 11  # of `lived_beliefs`


def pool_of(num_tasks: int, seed: int = 0, domains: int = 0, first: int = 0) -> Pool:
    """Tasks with reference rates in eighths; keys count from `first`."""
    rng = np.random.default_rng(seed)
    weak_N = rng.integers(0, 7, num_tasks) / 8
    strong_N = np.minimum(weak_N + rng.integers(1, 4, num_tasks) / 8, 1)
    labels = np.array([f"d{i}" for i in rng.integers(0, domains, num_tasks)]) if domains else None
    keys = np.arange(first, first + num_tasks)
    return Pool(keys, {"weak": weak_N, "strong": strong_N}, labels)


def believed(
    class_N,
    means_C,
    counts_C,
    visited: dict[int, tuple[float, float]] | None = None,
    prior: tuple[float, float] = (1.0, 1.0),
) -> Beliefs:
    """Classes with these means and pseudo-counts beyond the prior; visited tasks with theirs."""
    class_N = np.asarray(class_N, np.uint16)
    beliefs = Beliefs(class_N, len(means_C), prior)
    for c, (mean, count) in enumerate(zip(means_C, counts_C, strict=True)):
        beliefs.update(1.0, (count, one_class(mean, c, len(means_C))), NOWHERE, (np.empty(0),) * 2)
    tasks = np.array(sorted(visited or {}), np.int64)
    if tasks.size:
        wanted = np.array([visited[k] for k in tasks.tolist()])
        now = np.stack(beliefs.pseudo_counts(tasks), axis=1)
        beliefs.update(1.0, (0.0, None), tasks, tuple((wanted - now).T))
    return beliefs


def lived_beliefs(seed: int, updates: int = 60, prior=(1.0, 1.0), keep: float = 0.9) -> Beliefs:
    """Beliefs about 300 tasks after some updates."""
    rng = np.random.default_rng(seed)
    beliefs = Beliefs(rng.integers(0, CLASSES, TASKS).astype(np.uint16), CLASSES, prior)
    for now in range(updates):
        measure(beliefs, rng, keep, now)
    return beliefs


def measure(beliefs: Beliefs, rng, keep: float = 0.9, now: float = 0.0) -> None:
    """One update, by ten tasks' groups of eight."""
    tasks_U = rng.choice(TASKS, 10, replace=False)
    solved_U = rng.binomial(8, 0.5, 10).astype(float)
    beliefs.update(keep, (0.8, rng.random(CLASSES)), tasks_U, (solved_U, 8 - solved_U))
    beliefs.visit(tasks_U, (solved_U, 8 - solved_U), now)
    beliefs.tidy()


def one_class(mean: float, c: int, num_classes: int):
    rates_C = np.full(num_classes, np.nan)
    rates_C[c] = mean
    return rates_C


def feedback(task_ids, solved, trials: int = 8, **rest) -> Feedback:
    """Groups of equal size."""
    ids = np.asarray(task_ids)
    return Feedback(ids, np.broadcast_to(solved, ids.shape), np.full(ids.size, trials), **rest)


def step(selector: LiveSelector, rng: np.random.Generator, batch_size: int = 8) -> np.ndarray:
    """Selects, and solves each rollout with a chance that grows with the task's position."""
    selection = selector.draw(batch_size)
    ids = selection.task_ids_B
    chance = 0.1 + 0.8 * ids / selector.pool.num_tasks
    selector.update(feedback(ids, rng.binomial(8, chance), batch_id=selection.batch_id))
    return ids


def make_selector(
    num_tasks: int = 200, seed: int = 0, domains: int = 3, **settings
) -> LiveSelector:
    """A selector of a pool with three domains."""
    pool = pool_of(num_tasks, domains=domains)
    return LiveSelector(pool, np.random.default_rng(seed), LiveConfig(**settings))


def lived_selector(steps: int = 10, num_tasks: int = 200, **settings) -> LiveSelector:
    """A selector after some steps."""
    selector, rng = make_selector(num_tasks, **settings), np.random.default_rng(1)
    for _ in range(steps):
        step(selector, rng)
    return selector


def flat(state: dict, prefix: str = "") -> dict[str, object]:
    """State as comparable values, arrays as bytes."""
    values: dict[str, object] = {}
    for key, value in state.items():
        if isinstance(value, dict):
            values |= flat(value, f"{prefix}{key}.")
        elif isinstance(value, np.ndarray):
            values[prefix + key] = (value.dtype.str, value.shape, value.tobytes())
        else:
            values[prefix + key] = value
    return values


def same_distribution(one, other, least: float = 10.0) -> float:
    """p-value of the two-sample chi-square test on labels; rare labels are taken together."""
    labels, code = np.unique(np.concatenate([one, other]), return_inverse=True)
    counts = np.stack(
        [np.bincount(c, minlength=labels.size) for c in (code[: len(one)], code[len(one) :])]
    )
    expected = counts.sum(axis=0) * min(len(one), len(other)) / (len(one) + len(other))
    common = expected >= least
    if not common.all():
        counts = np.column_stack([counts[:, common], counts[:, ~common].sum(axis=1)])
    counts = counts[:, counts.sum(axis=0) > 0]
    return 1.0 if counts.shape[1] == 1 else float(stats.chi2_contingency(counts).pvalue)

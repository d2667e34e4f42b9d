"""Selectors with a history, and what is believed of their tasks, one by one."""

import numpy as np

from bots import BOTSConfig, BOTSSelector, Feedback, Pool
from bots.live import LiveConfig, LiveSelector

CONFIGS = {
    "default": LiveConfig(),
    "uniform places": LiveConfig(coverage=0.25, learned_weight=True, cooldown=2, retest=3),
    "expectations": LiveConfig(
        thompson=False, utility="informative", predictor="logit", per_token=True
    ),
    "divided": LiveConfig(
        predictor="logit", domain_floor=0.1, allocation="progress", prior_successes=0.5
    ),
    "blind": LiveConfig(predictor="none", forgetting=0.3, allocation="size"),
}
DOMAINS = ("algebra", "code", "logic")


def pool(num_tasks: int = 120, domains: tuple[str, ...] = DOMAINS, seed: int = 0) -> Pool:
    rng = np.random.default_rng(seed)
    weak_N = rng.binomial(4, 0.3, num_tasks) / 4
    labels_N = rng.choice(domains, num_tasks) if domains else None
    return Pool(
        np.arange(num_tasks), {"weak": weak_N, "strong": np.minimum(weak_N + 0.25, 1)}, labels_N
    )


def trained(
    config: LiveConfig, steps: int = 30, domains: tuple[str, ...] = DOMAINS, seed: int = 1
) -> LiveSelector:
    """With batches in flight, lost groups, groups of several sizes, and tasks removed and added."""
    rng = np.random.default_rng(seed)
    selector = LiveSelector(pool(domains=domains), rng, config)
    solvable_N = rng.random(400)
    waiting = []
    for step in range(steps):
        waiting.append((step, selector.draw(7)))
        if len(waiting) < 3:
            continue
        version, drawn = waiting.pop(0)
        trials_B = rng.integers(0, 9, drawn.task_ids_B.size).astype(float)
        successes_B = rng.binomial(trials_B.astype(int), solvable_N[drawn.task_ids_B])
        feedback = Feedback(
            drawn.task_ids_B,
            successes_B,
            trials_B,
            tokens_B=trials_B * rng.integers(100, 900, trials_B.size),
            batch_id=drawn.batch_id,
            policy_version=version,
            current_version=step,
        )
        selector.update(feedback)
        if step == steps // 2:
            selector.remove(rng.choice(120, 11, replace=False))
            keys = np.arange(1000, 1006)
            half = {name: np.full(6, 0.5) for name in ("weak", "strong")}
            selector.add(Pool(keys, half, np.array(["new"] * 6) if domains else None))
    return selector


def bots(config: BOTSConfig, steps: int = 20, seed: int = 2) -> BOTSSelector:
    rng = np.random.default_rng(seed)
    selector = BOTSSelector(pool(), rng, config)
    for _ in range(steps):
        task_ids = selector.select(6)
        selector.update(Feedback(task_ids, rng.binomial(8, 0.4, 6), np.full(6, 8)))
    return selector

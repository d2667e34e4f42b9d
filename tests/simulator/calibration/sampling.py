"""Traces drawn from the state-space model itself."""

import numpy as np

from simulator.calibration.backward import LEVEL_SCALE
from simulator.calibration.state_space import Dynamics, Initial
from simulator.calibration.trace import Trace, from_columns


def draw(
    initial: Initial,
    dynamics: Dynamics,
    tasks: int,
    visits: int,
    gap: float,
    trials: int,
    rng: np.random.Generator,
) -> Trace:
    """A trace with a visit of every task each `gap` steps, in Euler steps of at most one step."""
    shares = [part.share for part in initial.logit]
    part_K = rng.choice(len(shares), tasks, p=shares)
    mean_K = np.array([part.mean for part in initial.logit])[part_K]
    logit_K = rng.normal(mean_K, np.array([part.sd for part in initial.logit])[part_K])
    solvable_K = rng.random(tasks) >= initial.unsolvable
    means, sds = ([getattr(part, name) for part in initial.logit] for name in ("mean", "sd"))
    mean = np.dot(shares, means)
    sd = np.sqrt(np.dot(shares, np.square(sds) + np.square(np.subtract(means, mean))))
    rho = initial.slope_correlation
    own_K = np.sqrt(1 - rho**2) * rng.standard_normal(tasks)
    slope_K = np.exp(dynamics.slope_sd * (own_K + rho * (logit_K - mean) / sd))
    parts = int(np.ceil(gap))
    duration = max(gap * (visits - 1), 1.0)
    columns = []
    for visit in range(visits):
        rate_K = solvable_K / (1 + np.exp(-logit_K))
        solved_K = rng.binomial(trials, rate_K)
        columns.append(solved_K)
        mean_K = solved_K / trials
        logit_K = logit_K + dynamics.own * 2 * np.sqrt(mean_K * (1 - mean_K))
        for part in range(parts):
            time = gap * (visit + part / parts)
            segment = min(int(len(dynamics.drifts) * time / duration), len(dynamics.drifts) - 1)
            push_K = slope_K * dynamics.drifts[segment]
            push_K = push_K + dynamics.level * np.tanh(logit_K / LEVEL_SCALE)
            noise_K = dynamics.walk_sd * np.sqrt(gap / parts) * rng.standard_normal(tasks)
            logit_K = logit_K + push_K * gap / parts + noise_K
    successes_R = np.concatenate(columns)
    names_R = np.tile(np.arange(tasks).astype(str), visits)
    visit_R = np.repeat(np.arange(visits), tasks)
    return from_columns(names_R, visit_R, successes_R, np.full(visit_R.size, trials), by_step=False)

"""Paired differences of normalised scores, and the cost of reaching shuffle's best."""

from collections.abc import Callable, Sequence

import numpy as np

from bench import metrics, stats
from bench.contest.aggregate import iqm
from bench.contest.runs import ROLLOUTS, Run
from bench.contest.scores import Scores, grouped
from bench.metrics import Floats
from bench.stats import Estimate
from bench.strategies import REFERENCE

_RESAMPLES = 2_000
_LEVEL = (2.5, 97.5)  # percent


def scores_of(scores: Scores, strategy: str, axis: str = ROLLOUTS) -> dict[str, Floats]:
    """By scenario, a strategy's scores by seed, NaN where there is no cell."""
    row_MS = scores.scores[axis][scores.strategies.index(strategy)]
    return dict(zip(scores.scenarios, row_MS, strict=True))


def differences(
    scores: Scores, strategy: str, rival: str, axis: str = ROLLOUTS
) -> dict[str, Floats]:
    """By scenario on which both were run, by how much a strategy scores above a rival.

    By seed, NaN where either has no cell; scenarios with too few seeds are left out.
    """
    mine, theirs = (scores_of(scores, name, axis) for name in (strategy, rival))
    found = {name: mine[name] - theirs[name] for name in mine}
    return {name: row_S for name, row_S in found.items() if enough(row_S)}


def enough(row_S: Floats) -> bool:
    """Whether there are seeds enough for an interval."""
    return int(np.isfinite(row_S).sum()) >= stats.LEAST_SEEDS


def known(row_S: Floats) -> Floats:
    """The seeds that were run."""
    return row_S[np.isfinite(row_S)]


def overall(rows: dict[str, Floats]) -> Estimate:
    """The interquartile mean over scenarios, with Student's interval over seeds, at 95 %."""
    return across(rows, iqm)


def across(rows: dict[str, Floats], mean: Callable[[Floats], Floats]) -> Estimate:
    """A mean over scenarios, seed by seed, with Student's interval over seeds, at 95 %.

    Seeds that some scenario lacks are left out. NaN for no scenario.

    Args:
        rows: by scenario, shape (S,).
        mean: from (S, M) to (S,).
    """
    if not rows:
        return Estimate(float("nan"), float("nan"), float("nan"))
    values_SM = np.array(list(rows.values())).T
    return stats.paired(mean(values_SM[np.isfinite(values_SM).all(axis=1)]))


def verdict(estimate: Estimate) -> str:
    """Whether an interval lies above 0, below it, or neither."""
    if estimate.low > 0:
        return "better"
    return "worse" if estimate.high < 0 else "undecided"


def costs_to_best(runs: Sequence[Run], strategy: str, scenarios: Sequence[str]) -> list[Floats]:
    """TTB 100 % in rollouts by scenario and seed: cost to reach shuffle's best, over shuffle's own.

    Infinite where a run never gets there.
    """
    cells, found = grouped(runs), []
    for name in scenarios:
        mine, shuffled = cells[name].get(strategy, {}), cells[name][REFERENCE]
        seeds = sorted(mine.keys() & shuffled.keys())
        if seeds:
            found.append(np.array([_cost_to_best(mine[s], shuffled[s]) for s in seeds]))
    return found


def _cost_to_best(run: Run, reference: Run) -> float:
    target = metrics.until(
        reference.costs[ROLLOUTS], reference.heldout_E, reference.budgets[ROLLOUTS]
    )
    return metrics.time_to_best((run.costs[ROLLOUTS], run.heldout_E), target, 1.0)


def median_cost(costs: Sequence[Floats], seed: int = 0) -> Estimate:
    """The median over all scenarios and seeds, with a 95 % bootstrap interval over seeds."""
    if not costs:
        return Estimate(float("nan"), float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    drawn = [row_S[rng.integers(row_S.size, size=(_RESAMPLES, row_S.size))] for row_S in costs]
    medians = stats.median(np.concatenate(drawn, axis=1), axis=1)
    low, high = np.percentile(medians, _LEVEL, method="nearest")
    value = float(stats.median(np.concatenate(list(costs))))
    return Estimate(value, float(low), float(high))

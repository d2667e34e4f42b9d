"""How well solve rates were foretold, with intervals over tasks."""

import numpy as np

from bench.replay.log import Log
from bench.stats import Estimate
from bots._types import Floats, Ints

NAMES = ("log_loss", "brier", "auc", "calibration_error")
RESAMPLES = 400
_BINS = 15
_SMALLEST_RATE = 1e-6  # as in `bench.metrics`


def scores(predicted_R: Floats, log: Log, seed: int = 0) -> dict[str, Estimate]:
    """The scores `NAMES` of predictions of the log's rollouts, one per row.

    Each rollout counts as one: with prediction q and outcome y, log-loss is the mean of
    -y log q - (1 - y) log(1 - q), Brier that of (y - q)^2, AUC the chance that a success was
    predicted higher than a failure, ties counting half. Calibration error is the mean of
    |mean q - mean y| over 15 bins of equally many rollouts in order of q, ties in one bin.

    Intervals of 95 % are percentiles over resamples of the tasks: rows of one task are one unit.
    """
    trace = log.trace
    judge = _Judge(predicted_R, trace.successes_R, trace.trials_R)
    values = judge.scores(np.ones(predicted_R.size))
    rng, size = np.random.default_rng(seed), trace.num_tasks
    drawn = np.array([judge.scores(_resampled(rng, size)[trace.task_R]) for _ in range(RESAMPLES)])
    low, high = np.nanquantile(drawn, [0.025, 0.975], axis=0)
    return {
        name: Estimate(float(values[i]), float(low[i]), float(high[i]))
        for i, name in enumerate(NAMES)
    }


def loss_over(predicted_R: Floats, other_R: Floats, log: Log, seed: int = 0) -> Estimate:
    """Log-loss of the first predictions minus that of the others, paired: the same tasks are drawn.

    Below 0 where the first are better.
    """
    trace = log.trace
    gap_R = _losses(predicted_R, trace.successes_R, trace.trials_R)
    gap_R = gap_R - _losses(other_R, trace.successes_R, trace.trials_R)
    gap_K = np.bincount(trace.task_R, gap_R, trace.num_tasks)
    tried_K = np.bincount(trace.task_R, trace.trials_R, trace.num_tasks)
    rng, size = np.random.default_rng(seed), trace.num_tasks
    weights = [_resampled(rng, size) for _ in range(RESAMPLES)]
    drawn = np.array([(weight_K @ gap_K) / (weight_K @ tried_K) for weight_K in weights])
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Estimate(float(gap_K.sum() / tried_K.sum()), float(low), float(high))


def _losses(predicted_R: Floats, successes_R: Ints, trials_R: Ints) -> Floats:
    """Of all rollouts of each row together."""
    q_R = np.clip(predicted_R, _SMALLEST_RATE, 1 - _SMALLEST_RATE)
    failures_R = trials_R - successes_R
    return -(successes_R * np.log(q_R) + failures_R * np.log1p(-q_R)).astype(np.float64)


def _resampled(rng: np.random.Generator, size: int) -> Floats:
    """How often each of so many tasks is drawn."""
    return rng.multinomial(size, np.full(size, 1 / size)).astype(np.float64)


class _Judge:
    """Scores of weighted rows; what does not depend on the weights is done once."""

    def __init__(self, predicted_R: Floats, successes_R: Ints, trials_R: Ints) -> None:
        self._successes_R, self._trials_R = successes_R, trials_R
        failures_R = trials_R - successes_R
        q_R = np.clip(predicted_R, _SMALLEST_RATE, 1 - _SMALLEST_RATE)
        self._loss_R = _losses(predicted_R, successes_R, trials_R)
        self._brier_R = successes_R * (1 - q_R) ** 2 + failures_R * q_R**2
        self._surprise_R = trials_R * predicted_R - successes_R
        levels, self._level_R = np.unique(predicted_R, return_inverse=True)
        self._num_levels = levels.size
        rollouts = np.bincount(self._level_R, trials_R, levels.size)
        middle = (np.cumsum(rollouts) - rollouts / 2) / rollouts.sum()
        self._bin_R = np.minimum((middle * _BINS).astype(int), _BINS - 1)[self._level_R]

    def scores(self, weight_R: Floats) -> tuple[float, ...]:
        """Of rows that count so often."""
        total = float(weight_R @ self._trials_R)
        gaps = np.bincount(self._bin_R, weight_R * self._surprise_R, _BINS)
        return (
            float(weight_R @ self._loss_R) / total,
            float(weight_R @ self._brier_R) / total,
            self._auc(weight_R),
            float(np.abs(gaps).sum()) / total,
        )

    def _auc(self, weight_R: Floats) -> float:
        solved_R = weight_R * self._successes_R
        successes = np.bincount(self._level_R, solved_R, self._num_levels)
        rollouts = np.bincount(self._level_R, weight_R * self._trials_R, self._num_levels)
        failures = rollouts - successes
        below, pairs = np.cumsum(failures) - failures, successes.sum() * failures.sum()
        return float(successes @ (below + failures / 2) / pairs) if pairs > 0 else float("nan")

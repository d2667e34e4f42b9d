"""What is measured on one run. `docs/metrics.md` defines each figure in words."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

ALL_AXES = ("steps", "rollouts", "tokens", "seconds")
PHASES = ("select", "rollout", "train", "update")
TOKENS = "generated_tokens"
SIMULATED_SECONDS = "time/step"
_SMALLEST_RATE = 1e-6
_ROUNDING = 1e-12


def belief_scores(predicted_N: Floats, true_N: Floats, num_bins: int = 15) -> dict[str, float]:
    """Expected scores of predicted solve rates for one more rollout of every task.

    The expectation over that rollout is taken exactly, without sampling. With q the prediction and
    p the truth, Brier is the mean of p (1 - q)^2 + (1 - p) q^2, log-loss that of
    -p log q - (1 - p) log(1 - q). Their excess over what q = p would score is the part that is
    due to the prediction: the mean of (p - q)^2, and the mean divergence of q from p. Calibration
    error is the mean of |mean q - mean p| over `num_bins` bins of equally many tasks in order of q.
    AUC is the chance that a success was predicted higher than a failure, ties counting half.

    Example:
        >>> scores = belief_scores(np.array([0.2, 0.8]), np.array([0.2, 0.8]))
        >>> {name: round(value, 3) for name, value in scores.items() if "excess" not in name}
        {'brier': 0.16, 'log_loss': 0.5, 'calibration_error': 0.0, 'auc': 0.8}
    """
    q_N = _inside(predicted_N)
    log_loss = _log_loss(q_N, true_N)
    return {
        "brier": float(np.mean(true_N * (1 - q_N) ** 2 + (1 - true_N) * q_N**2)),
        "brier_excess": float(np.mean((true_N - q_N) ** 2)),
        "log_loss": log_loss,
        "log_loss_excess": log_loss - _log_loss(_inside(true_N), true_N),
        "calibration_error": _calibration_error(predicted_N, true_N, num_bins),
        "auc": _auc(predicted_N, true_N),
    }


def _inside(rates_N: Floats) -> Floats:
    return np.clip(rates_N, _SMALLEST_RATE, 1 - _SMALLEST_RATE)


def _log_loss(q_N: Floats, true_N: Floats) -> float:
    return float(-np.mean(true_N * np.log(q_N) + (1 - true_N) * np.log1p(-q_N)))


def reliability(predicted_N: Floats, true_N: Floats, num_bins: int = 10) -> dict[str, list[float]]:
    """Mean prediction, mean truth and number of tasks in `num_bins` equal bins of [0, 1]."""
    bins_N = np.minimum((predicted_N * num_bins).astype(int), num_bins - 1)
    counts = np.bincount(bins_N, minlength=num_bins)
    safe = np.maximum(counts, 1)
    return {
        "predicted": (np.bincount(bins_N, predicted_N, num_bins) / safe).tolist(),
        "true": (np.bincount(bins_N, true_N, num_bins) / safe).tolist(),
        "tasks": counts.astype(float).tolist(),
    }


def _calibration_error(predicted_N: Floats, true_N: Floats, num_bins: int) -> float:
    order_N = np.argsort(predicted_N, kind="stable")
    gaps = [
        abs(predicted_N[places].mean() - true_N[places].mean()) * places.size
        for places in np.array_split(order_N, num_bins)
        if places.size
    ]
    return float(np.sum(gaps) / predicted_N.size)


def _auc(predicted_N: Floats, true_N: Floats) -> float:
    levels, places_N = np.unique(predicted_N, return_inverse=True)
    successes = np.bincount(places_N, true_N, levels.size)
    failures = np.bincount(places_N, 1 - true_N, levels.size)
    total = successes.sum() * failures.sum()
    if total == 0:
        return float("nan")
    below = np.cumsum(failures) - failures
    return float((successes * (below + failures / 2)).sum() / total)


def evaluated(columns: Mapping[str, npt.NDArray[Any]], axis: str) -> tuple[Floats, Floats]:
    """Cost and held-out solve rate at the evaluations of a run.

    Args:
        columns: of a cell.
        axis: one of `axes`; evaluations cost nothing.
    """
    seen = ~np.isnan(columns["heldout"])
    return costs(columns, axis)[seen], columns["heldout"][seen]


def axes(columns: Mapping[str, npt.NDArray[Any]], real: bool) -> tuple[str, ...]:
    """What the cost of a run can be measured in.

    Args:
        columns: of a cell.
        real: whether its phases took the time that they are charged for.
    """
    found = ["steps", "rollouts"]
    if TOKENS in columns:
        found.append("tokens")
    if real or SIMULATED_SECONDS in columns:
        found.append("seconds")
    return tuple(found)


def costs(columns: Mapping[str, npt.NDArray[Any]], axis: str) -> Floats:
    """What a run has cost at each of its rows.

    Seconds are those of selection, generation, grading, training and synchronisation: measured,
    but for those of a simulated run's generation and training, which its clock says. Each step is
    charged for what it generated, whether or not anything was trained on.
    """
    if axis in ("steps", "rollouts"):
        return columns[{"steps": "step", "rollouts": "rollouts_generated"}[axis]].astype(float)
    return np.cumsum(_per_row(columns, (TOKENS,) if axis == "tokens" else _clocks(columns)))


def seconds(columns: Mapping[str, npt.NDArray[Any]]) -> Floats:
    """Seconds of each row, as `costs` adds them up."""
    return _per_row(columns, _clocks(columns))


def _clocks(columns: Mapping[str, npt.NDArray[Any]]) -> tuple[str, ...]:
    """The columns that add up to a step's seconds."""
    if SIMULATED_SECONDS in columns:
        return (SIMULATED_SECONDS, "seconds/select", "seconds/update")
    return tuple(f"seconds/{name}" for name in PHASES)


def _per_row(columns: Mapping[str, npt.NDArray[Any]], names: tuple[str, ...]) -> Floats:
    """Sum of these columns; one that the run does not have is 0."""
    nothing = np.zeros(len(columns["step"]))
    return np.sum([np.nan_to_num(columns.get(name, nothing)) for name in names], axis=0)


def until(cost: Floats, score: Floats, budget: float) -> tuple[Floats, Floats]:
    """A curve up to a cost of `budget`, where it is interpolated; a cheaper run as it is."""
    if cost[-1] <= budget:
        return cost, score
    inside = cost < budget
    return np.append(cost[inside], budget), np.append(score[inside], value_at(cost, score, budget))


def value_at(cost: Floats, score: Floats, budget: float) -> float:
    """Score at a cost of `budget`, interpolated linearly; the last score when the run cost less."""
    return float(np.interp(budget, cost, score))


def best_so_far(cost: Floats, score: Floats, budget: float) -> float:
    """Best score that the run reached at a cost of at most `budget`."""
    return max(float(score[cost <= budget].max()), value_at(cost, score, budget))


def cost_to_reach(cost: Floats, score: Floats, target: float) -> float:
    """First cost at which the score reaches `target`, interpolated linearly; infinity if never.

    Example:
        >>> cost_to_reach(np.array([0.0, 10.0, 20.0]), np.array([0.1, 0.2, 0.4]), 0.3)
        15.0
    """
    reached = np.flatnonzero(score >= target - _ROUNDING)
    if reached.size == 0:
        return float("inf")
    last = reached[0]
    if last == 0:
        return float(cost[0])
    rise = score[last] - score[last - 1]
    share = min((target - score[last - 1]) / rise, 1.0) if rise > 0 else 1.0
    return float(cost[last - 1] + share * (cost[last] - cost[last - 1]))


def time_to_best(
    run: tuple[Floats, Floats], reference: tuple[Floats, Floats], fraction: float
) -> float:
    """TTB: cost to reach a share of the reference's best gain, relative to its own cost.

    The target is start + `fraction` (best - start), with start and best of the reference's curve.

    Args:
        run: cost and score of the run that is judged.
        reference: cost and score of the reference on the same seed.
        fraction: share of the gain, in (0, 1].

    Returns:
        Below 1 when the run is faster; infinity when it never reaches the target; NaN when the
        reference gains nothing.
    """
    cost, score = reference
    best = float(score.max())
    if best <= score[0] + _ROUNDING:
        return float("nan")
    target = score[0] + fraction * (best - score[0])
    return cost_to_reach(*run, target) / cost_to_reach(cost, score, target)


def best_so_far_ratio(
    run: tuple[Floats, Floats], reference: tuple[Floats, Floats], budget: float
) -> float:
    """BSF: best score at a cost of at most `budget`, relative to the reference's; NaN over 0."""
    best = best_so_far(*reference, budget)
    return best_so_far(*run, budget) / best if best > 0 else float("nan")


def area(cost: Floats, score: Floats, budget: float) -> float:
    """Mean score over costs from 0 to `budget`: the area under the curve, divided by its width.

    A run that costs less keeps its last score.
    """
    costs, scores = until(cost, score, budget)
    costs, scores = np.append(costs, budget), np.append(scores, scores[-1])
    return float(np.trapezoid(scores, costs) / budget)

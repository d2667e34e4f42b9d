"""Every figure of one run, beside the reference's run on the same seed."""

from collections.abc import Mapping

import numpy as np

from bench import metrics
from bench.metrics import Floats
from bench.store import CellResult

FRACTIONS_TTB = (50, 75, 100)
FRACTIONS_BSF = (25, 50, 100)
TIME_PHASES = ("generation", "reward", "training", "sync")
BELIEF_SCORES = (
    "brier",
    "brier_excess",
    "log_loss",
    "log_loss_excess",
    "calibration_error",
    "auc",
)


def seed_figures(run: CellResult, reference: CellResult) -> dict[str, float]:
    """Every figure of one run, with `reference` the reference's run on the same seed.

    `docs/metrics.md` defines them. All but TTB look at what the budget of rollouts pays for.
    """
    columns, budget = run.columns, _budget(reference, "rollouts")
    curve = _curve(run, "rollouts")
    difference = gain(run, reference)
    looked = ~np.isnan(columns["pool"])
    pool_curve = columns["rollouts_generated"][looked], columns["pool"][looked]
    pool = metrics.value_at(*pool_curve, budget) if looked.any() else np.nan
    last = int(np.searchsorted(columns["rollouts_generated"], budget))
    paid = {name: column[1 : last + 1] for name, column in columns.items()}
    figures = _time_figures(paid) if "seconds" in axes(reference) else {}
    return figures | {
        "final": metrics.value_at(*curve, budget),
        "difference": difference,
        "win": float(_wins(np.array(difference))),
        "pool": pool,
        "start": float(curve[1][0]),
        "area": metrics.area(*curve, budget),
        "trained_share": float(paid["rollouts_trained"][-1] / paid["rollouts_generated"][-1]),
        "distinct_tasks": float(paid["distinct_tasks"][-1]),
        "most_visits": float(paid["most_visits"][-1]),
        "forward_passes": float(np.sum(paid.get("forward_passes", np.zeros(1)))),
        "offline_rollouts": float(run.extra["offline_rollouts"]),
        "selection_ms": 1e3 * float(np.mean(paid["seconds/select"] + paid["seconds/update"])),
        **_shares(paid),
        **_belief_scores(paid),
        **_ratios(run, reference),
    }


def gain(run: CellResult, reference: CellResult) -> float:
    """Held-out solve rate over the reference's, both for the budget of rollouts."""
    budget = _budget(reference, "rollouts")
    curves = _curve(run, "rollouts"), _curve(reference, "rollouts")
    return metrics.value_at(*curves[0], budget) - metrics.value_at(*curves[1], budget)


def learnt(reference: CellResult) -> float:
    """What the reference gains in solve rate over its own start, for the budget of rollouts."""
    curve = _curve(reference, "rollouts")
    return metrics.value_at(*curve, _budget(reference, "rollouts")) - float(curve[1][0])


def axes(run: CellResult) -> tuple[str, ...]:
    """What its cost is measured in."""
    return metrics.axes(run.columns, is_real(run))


def is_real(run: CellResult) -> bool:
    """Whether a model was trained, and the clock on the wall is its cost."""
    return "seconds" in run.config.get("axes", ())


def _curve(run: CellResult, axis: str) -> tuple[Floats, Floats]:
    return metrics.evaluated(run.columns, axis)


def _budget(reference: CellResult, axis: str) -> float:
    """What the reference spends in the setting's steps."""
    config = reference.config
    if axis in ("tokens", "seconds"):
        return float(metrics.costs(reference.columns, axis)[config["steps"]])
    rollouts = config["batch_size"] * config["group_size"]
    return float(config["steps"] * (rollouts if axis == "rollouts" else 1))


def _wins(differences: Floats) -> Floats:
    return (np.sign(differences) + 1) / 2


def _ratios(run: CellResult, reference: CellResult) -> dict[str, float]:
    """TTB and BSF on every axis that the reference has."""
    figures = {}
    for axis in axes(reference):
        budget = _budget(reference, axis)
        longest = metrics.until(*_curve(run, axis), run.config["horizon"] * budget)
        target = metrics.until(*_curve(reference, axis), budget)
        for percent in FRACTIONS_TTB:
            ttb = metrics.time_to_best(longest, target, percent / 100)
            figures[f"ttb{percent}_{axis}"] = ttb
        for percent in FRACTIONS_BSF:
            figures[f"bsf{percent}_{axis}"] = metrics.best_so_far_ratio(
                _curve(run, axis), _curve(reference, axis), budget * percent / 100
            )
    return figures


def _time_figures(paid: Mapping[str, Floats]) -> dict[str, float]:
    """Seconds per step, the shares of its parts, and tokens generated per second of generation."""
    seconds = metrics.seconds(paid).sum()
    nothing = np.zeros(1)  # of phases that a simulated learner does not have
    parts = {name: np.nansum(paid.get(f"time/{name}", nothing)) for name in TIME_PHASES}
    parts["selection"] = (paid["seconds/select"] + paid["seconds/update"]).sum()
    tokens = np.nansum(paid.get("generated_tokens", nothing))
    return {
        "seconds_per_step": float(seconds / paid["step"].size),
        "tokens_per_second": float(tokens / max(parts["generation"], 1e-9)),
        "kilotokens": float(tokens / 1e3),
        **{f"time_{name}": float(part / max(seconds, 1e-9)) for name, part in parts.items()},
    }


def _shares(paid: Mapping[str, Floats]) -> dict[str, float]:
    """Shares of generated groups: informative, over the run and by thirds; degenerate, by cause."""
    thirds = zip(("early", "mid", "late"), np.array_split(paid["informative"], 3), strict=True)
    return {
        "etr": float(paid["informative"].mean()),
        **{f"etr_{name}": float(part.mean()) if part.size else np.nan for name, part in thirds},
        "all_wrong": float(paid["all_wrong"].mean()),
        "all_right": float(paid["all_right"].mean()),
    }


def _belief_scores(paid: Mapping[str, Floats]) -> dict[str, float]:
    """Mean over the run, the untrained belief left out; NaN for a strategy that keeps no belief."""
    figures = {}
    for name in BELIEF_SCORES:
        seen = paid[name][~np.isnan(paid[name])] if name in paid else np.empty(0)
        figures[name] = float(seen.mean()) if seen.size else np.nan
    return figures

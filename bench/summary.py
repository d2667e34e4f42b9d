"""From cells to figures: every strategy against the reference on the same seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench import metrics, stats
from bench.metrics import Floats
from bench.stats import Estimate
from bench.store import CellResult
from bench.strategies import REFERENCE

FRACTIONS_TTB = (50, 75, 100)
FRACTIONS_BSF = (25, 50, 100)
AXES = {"steps": "step", "rollouts": "rollouts_generated"}
BELIEF_SCORES = ("brier", "log_loss", "calibration_error", "auc")
BEST = "oracle-gain"
_LEAST_HEADROOM = 1e-6


@dataclass(frozen=True, slots=True)
class Row:
    """One strategy on one setting, over all seeds that it shares with the reference.

    Attributes:
        setting: where.
        strategy: who.
        seeds: how many pairs.
        values: every figure of `seed_figures`, shape (seeds,).
        figures: the same averaged over seeds, with 95 % intervals: medians for TTB, which may be
            infinite, means for the rest; Wilson intervals for wins.
        scores_S: shape (seeds,), normalised score per seed; empty when it is not defined.
    """

    setting: str
    strategy: str
    seeds: int
    values: dict[str, Floats]
    figures: dict[str, Estimate]
    scores_S: Floats

    @property
    def differs(self) -> bool:
        """Whether the interval of the gain over the reference excludes 0."""
        gain = self.figures["difference"]
        return gain.low > 0 or gain.high < 0


@dataclass(frozen=True, slots=True)
class Standing:
    """One strategy over all settings on which the reference learns anything.

    Attributes:
        strategy: who.
        score: interquartile mean of the normalised score (reference 0, gain oracle 1).
        win_rate: probability of beating the reference on the same seed.
        settings: how many settings entered.
    """

    strategy: str
    score: Estimate
    win_rate: Estimate
    settings: int


def summarize(results: Sequence[CellResult]) -> list[Row]:
    """A row per setting and strategy, in order of first appearance.

    A strategy without any seed in common with the reference gets no row.
    """
    groups: dict[tuple[str, str], dict[int, CellResult]] = {}
    for result in results:
        key = (result.cell.setting, result.cell.strategy)
        groups.setdefault(key, {})[result.cell.seed] = result
    return [
        _row(setting, strategy, runs, groups[setting, REFERENCE], groups.get((setting, BEST), {}))
        for (setting, strategy), runs in groups.items()
        if (setting, REFERENCE) in groups and runs.keys() & groups[setting, REFERENCE].keys()
    ]


def seed_figures(run: CellResult, reference: CellResult) -> dict[str, float]:
    """Every figure of one run, with `reference` the reference's run on the same seed.

    `docs/metrics.md` defines them.
    """
    columns, budget = run.columns, float(reference.columns["rollouts_generated"][-1])
    curve, reference_curve = _curve(run, "rollouts"), _curve(reference, "rollouts")
    final = metrics.value_at(*curve, budget)
    difference = final - metrics.value_at(*reference_curve, budget)
    looked = ~np.isnan(columns["pool"])
    pool_curve = columns["rollouts_generated"][looked], columns["pool"][looked]
    selection = columns["seconds/select"] + columns["seconds/update"]
    return {
        "final": final,
        "difference": difference,
        "win": float(_wins(np.array(difference))),
        "pool": metrics.value_at(*pool_curve, budget),
        "area": metrics.area(*curve, budget),
        "rollouts": float(columns["rollouts_generated"][-1]),
        "trained": float(columns["rollouts_trained"][-1]),
        "distinct_tasks": float(columns["distinct_tasks"][-1]),
        "most_visits": float(columns["most_visits"][-1]),
        "selection_ms": 1e3 * float(np.nanmean(selection)),
        **_shares(columns),
        **_belief_scores(columns),
        **_ratios(run, reference),
    }


def standings(rows: Sequence[Row]) -> list[Standing]:
    """The strategies by normalised score, best first; empty when no setting has a gain oracle."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row.scores_S.size:
            found.setdefault(row.strategy, []).append(row)
    most = max((len(group) for group in found.values()), default=0)
    table = [
        Standing(
            strategy,
            stats.stratified_bootstrap([row.scores_S for row in group], stats.interquartile_mean),
            stats.proportion(np.concatenate([_wins(row.scores_S) for row in group])),
            len(group),
        )
        for strategy, group in found.items()
        if len(group) == most
    ]
    return sorted(table, key=lambda standing: -standing.score.value)


def _row(
    setting: str,
    strategy: str,
    runs: dict[int, CellResult],
    references: dict[int, CellResult],
    best: dict[int, CellResult],
) -> Row:
    seeds = sorted(runs.keys() & references.keys())
    per_seed = [seed_figures(runs[seed], references[seed]) for seed in seeds]
    values = {name: np.array([figures[name] for figures in per_seed]) for name in per_seed[0]}
    return Row(
        setting,
        strategy,
        len(seeds),
        values,
        {name: _estimate(name, array) for name, array in values.items()},
        _scores(values["difference"], best, references),
    )


def _estimate(name: str, values_S: Floats) -> Estimate:
    if name == "win":
        return stats.proportion(values_S)
    return stats.bootstrap(values_S, stats.median if name.startswith("ttb") else stats.mean)


def _scores(
    differences_S: Floats, best: dict[int, CellResult], references: dict[int, CellResult]
) -> Floats:
    """Differences to the reference in units of the gain oracle's mean difference."""
    seeds = best.keys() & references.keys()
    headroom = [seed_figures(best[seed], references[seed])["difference"] for seed in seeds]
    if not headroom or np.mean(headroom) < _LEAST_HEADROOM:
        return np.empty(0)
    return differences_S / np.mean(headroom)


def _wins(differences_S: Floats) -> Floats:
    return (np.sign(differences_S) + 1) / 2


def _curve(run: CellResult, axis: str) -> tuple[Floats, Floats]:
    return run.columns[AXES[axis]], run.columns["heldout"]


def _ratios(run: CellResult, reference: CellResult) -> dict[str, float]:
    """TTB and BSF on every axis."""
    figures = {}
    for axis in AXES:
        curves = _curve(run, axis), _curve(reference, axis)
        for percent in FRACTIONS_TTB:
            figures[f"ttb{percent}_{axis}"] = metrics.time_to_best(*curves, percent / 100)
        for percent in FRACTIONS_BSF:
            figures[f"bsf{percent}_{axis}"] = metrics.best_so_far_ratio(*curves, percent / 100)
    return figures


def _shares(columns: dict[str, Floats]) -> dict[str, float]:
    """Shares of generated groups: informative, over the run and by thirds; degenerate, by cause."""
    informative = columns["informative"][1:]
    thirds = zip(("early", "mid", "late"), np.array_split(informative, 3), strict=True)
    return {
        "etr": float(informative.mean()),
        **{f"etr_{name}": float(part.mean()) for name, part in thirds},
        "all_wrong": float(columns["all_wrong"][1:].mean()),
        "all_right": float(columns["all_right"][1:].mean()),
    }


def _belief_scores(columns: dict[str, Floats]) -> dict[str, float]:
    """Mean over the run, the untrained belief left out; NaN for a strategy that keeps no belief."""
    return {
        name: float(np.nanmean(columns[name][1:])) if name in columns else np.nan
        for name in BELIEF_SCORES
    }

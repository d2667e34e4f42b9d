"""From cells to figures: every strategy against the reference on the same seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench import metrics, stats
from bench.metrics import Floats
from bench.stats import Estimate
from bench.store import CellResult
from bench.strategies import REFERENCE

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
BEST = "oracle-gain"
_LEAST_HEADROOM = 1e-6
_LEAST_HEADROOM_SHARE = 0.1  # of what the reference learns; ratios to less are mostly noise


@dataclass(frozen=True, slots=True)
class Row:
    """One strategy on one setting, over all seeds that it shares with the reference.

    Attributes:
        setting: where.
        strategy: who.
        seeds: which pairs.
        horizon: multiple of the reference's budget at which TTB is cut off.
        values: every figure of `seed_figures`, shape (seeds,).
        figures: the same averaged over seeds, with 95 % intervals: medians for TTB, which may be
            infinite, means for the rest; Wilson intervals for wins.
        headroom_S: the gain oracle's gain over the reference on the same seeds; empty when it was
            not run on all of them, or gains little; see `docs/metrics.md`.
        repetition_visits: visits after which a task teaches half as much; infinite: repetition is
            free; None: nobody knows.
    """

    setting: str
    strategy: str
    seeds: tuple[int, ...]
    horizon: float
    values: dict[str, Floats]
    figures: dict[str, Estimate]
    headroom_S: Floats
    repetition_visits: float | None = None

    @property
    def differs(self) -> bool:
        """Whether the interval of the gain over the reference excludes 0."""
        gain = self.figures["difference"]
        return gain.low > 0 or gain.high < 0


@dataclass(frozen=True, slots=True)
class Standing:
    """One strategy over all settings on which there is something to gain.

    Attributes:
        strategy: who.
        score: mean over settings of (gain over the reference / the gain oracle's gain).
        win_rate: probability of beating the reference on the same seed.
        settings: on how many settings it was run.
    """

    strategy: str
    score: Estimate
    win_rate: Estimate
    settings: int


def summarize(results: Sequence[CellResult]) -> list[Row]:
    """A row per setting and strategy, in order of first appearance.

    A strategy without any seed in common with the reference gets no row.

    Raises:
        ValueError: when cells of one setting were made with different configurations.
    """
    groups: dict[str, dict[str, dict[int, CellResult]]] = {}
    for result in results:
        by_strategy = groups.setdefault(result.cell.setting, {})
        by_strategy.setdefault(result.cell.strategy, {})[result.cell.seed] = result
    for setting, by_strategy in groups.items():
        _check_alike(setting, [run for runs in by_strategy.values() for run in runs.values()])
    return [
        _row(runs, by_strategy[REFERENCE], by_strategy.get(BEST, {}))
        for by_strategy in groups.values()
        for runs in by_strategy.values()
        if REFERENCE in by_strategy and runs.keys() & by_strategy[REFERENCE].keys()
    ]


def seed_figures(run: CellResult, reference: CellResult) -> dict[str, float]:
    """Every figure of one run, with `reference` the reference's run on the same seed.

    `docs/metrics.md` defines them. All but TTB look at what the budget of rollouts pays for.
    """
    columns, budget = run.columns, _budget(reference, "rollouts")
    curve = _curve(run, "rollouts")
    final = metrics.value_at(*curve, budget)
    difference = final - metrics.value_at(*_curve(reference, "rollouts"), budget)
    looked = ~np.isnan(columns["pool"])
    pool_curve = columns["rollouts_generated"][looked], columns["pool"][looked]
    pool = metrics.value_at(*pool_curve, budget) if looked.any() else np.nan
    last = int(np.searchsorted(columns["rollouts_generated"], budget))
    paid = {name: column[1 : last + 1] for name, column in columns.items()}
    figures = _time_figures(paid) if "seconds" in axes(reference) else {}
    return figures | {
        "final": final,
        "difference": difference,
        "win": float(_wins(np.array(difference))),
        "pool": pool,
        "start": float(curve[1][0]),
        "area": metrics.area(*curve, budget),
        "trained_share": float(paid["rollouts_trained"][-1] / paid["rollouts_generated"][-1]),
        "distinct_tasks": float(paid["distinct_tasks"][-1]),
        "most_visits": float(paid["most_visits"][-1]),
        "offline_rollouts": float(run.extra["offline_rollouts"]),
        "selection_ms": 1e3 * float(np.mean(paid["seconds/select"] + paid["seconds/update"])),
        **_shares(paid),
        **_belief_scores(paid),
        **_ratios(run, reference),
    }


def standings(rows: Sequence[Row]) -> list[Standing]:
    """The strategies by score, those on all settings first; empty without the gain oracle."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row.headroom_S.size:
            found.setdefault(row.strategy, []).append(row)
    table = [
        Standing(
            strategy,
            stats.mean_of_ratios(
                [row.values["difference"] for row in group], [row.headroom_S for row in group]
            ),
            stats.proportion(np.concatenate([row.values["win"] for row in group])),
            len(group),
        )
        for strategy, group in found.items()
    ]
    return sorted(table, key=lambda standing: (-standing.settings, -standing.score.value))


def _check_alike(setting: str, runs: Sequence[CellResult]) -> None:
    own = ("strategy", "strategy_source", "seed")
    first = {name: value for name, value in runs[0].config.items() if name not in own}
    for run in runs:
        if {name: value for name, value in run.config.items() if name not in own} != first:
            raise ValueError(
                f"{run.cell} and {runs[0].cell} are cells of {setting!r} with different "
                "configurations; they cannot be compared: keep them in folders of their own"
            )


def _row(
    runs: Mapping[int, CellResult],
    references: Mapping[int, CellResult],
    best: Mapping[int, CellResult],
) -> Row:
    seeds = tuple(sorted(runs.keys() & references.keys()))
    per_seed = [seed_figures(runs[seed], references[seed]) for seed in seeds]
    values = {name: np.array([figures[name] for figures in per_seed]) for name in per_seed[0]}
    run = runs[seeds[0]]
    return Row(
        run.cell.setting,
        run.cell.strategy,
        seeds,
        run.config["horizon"],
        values,
        {name: _estimate(name, array) for name, array in values.items()},
        _headroom(seeds, references, best),
        _repetition_visits(run),
    )


def _repetition_visits(run: CellResult) -> float | None:
    described = run.config.get("scenario") or run.config.get("pool")
    return None if described is None else float(described["law"]["repetition_visits"])


def _estimate(name: str, values_S: Floats) -> Estimate:
    if name == "win":
        return stats.proportion(values_S)
    if name.startswith("ttb"):
        return stats.bootstrap_median(values_S)
    return stats.bootstrap(values_S, stats.mean)


def _headroom(
    seeds: Sequence[int], references: Mapping[int, CellResult], best: Mapping[int, CellResult]
) -> Floats:
    """What the gain oracle gains over the reference; nothing where that is little or unclear."""
    if not best.keys() >= set(seeds):
        return np.empty(0)
    gains_S = np.array([_gain(best[seed], references[seed]) for seed in seeds])
    low = stats.paired(gains_S).low if gains_S.size >= stats.LEAST_SEEDS else gains_S.mean()
    own_S = np.array([_learnt(references[seed]) for seed in seeds])
    enough = gains_S.mean() > _LEAST_HEADROOM_SHARE * own_S.mean()
    return gains_S if enough and low > _LEAST_HEADROOM else np.empty(0)


def _learnt(reference: CellResult) -> float:
    """What the reference gains over its own start."""
    curve = _curve(reference, "rollouts")
    return metrics.value_at(*curve, _budget(reference, "rollouts")) - float(curve[1][0])


def _gain(run: CellResult, reference: CellResult) -> float:
    budget = _budget(reference, "rollouts")
    curves = _curve(run, "rollouts"), _curve(reference, "rollouts")
    return metrics.value_at(*curves[0], budget) - metrics.value_at(*curves[1], budget)


def _wins(differences: Floats) -> Floats:
    return (np.sign(differences) + 1) / 2


def _curve(run: CellResult, axis: str) -> tuple[Floats, Floats]:
    return metrics.evaluated(run.columns, axis)


def axes(run: CellResult) -> tuple[str, ...]:
    """What its cost is measured in."""
    return metrics.axes(run.columns, is_real(run))


def is_real(run: CellResult) -> bool:
    """Whether a model was trained, and the clock on the wall is its cost."""
    return "seconds" in run.config.get("axes", ())


def _budget(reference: CellResult, axis: str) -> float:
    """What the reference spends in the setting's steps."""
    config = reference.config
    if axis in ("tokens", "seconds"):
        return float(metrics.costs(reference.columns, axis)[config["steps"]])
    rollouts = config["batch_size"] * config["group_size"]
    return float(config["steps"] * (rollouts if axis == "rollouts" else 1))


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
    nothing = np.zeros(1)  # a strategy that never trained has no figures of the trainer
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

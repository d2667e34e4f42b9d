"""Everything that the contest found, as plain JSON: `leaderboard.json`, and the page's data."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.contest.aggregate import Band
from bench.contest.runs import Run
from bench.contest.scores import Scores, base_name
from bench.contest.views import ALL, LEVELS_T, Details, Standing, View, is_oracle
from bench.metrics import Floats
from bench.strategies import STRATEGIES, knowledge

_DIGITS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Contest:
    """Scores and all that was made of them."""

    runs: Sequence[Run]
    scores: Scores
    views: dict[str, View]
    details: dict[str, Details]


def document(contest: Contest) -> dict[str, Any]:
    """All aggregates; lists over strategies are in the order of the list beside them."""
    scores = contest.scores
    return {
        "axes": list(scores.scores),
        "strategies": {name: _about(name, contest) for name in scores.strategies},
        "scenarios": {
            name: {"seeds": scores.num_seeds(name), "unit": round(float(scores.units_M[m]), 5)}
            for m, name in enumerate(scores.scenarios)
        },
        "left_out": scores.left_out,
        "views": {name: _view(view) for name, view in contest.views.items()},
        "pairs": {axis: _pairs(detail) for axis, detail in contest.details.items()},
        "pairs_of": list(next(iter(contest.views[ALL].standings.values())).strategies),
        "profile": {
            "levels": rounded(LEVELS_T),
            **{axis: rounded(detail.profile.value) for axis, detail in contest.details.items()},
        },
        "means": {axis: rounded(seed_means(array)) for axis, array in scores.scores.items()},
        "made_by": made_by(contest.runs),
    }


def made_by(runs: Sequence[Run]) -> dict[str, list[str]]:
    """Commits, versions and days of all cells, each once."""
    return {
        "commits": sorted({run.made_by["commit"] for run in runs}),
        "versions": sorted({run.made_by["version"] for run in runs}),
        "days": sorted({run.day for run in runs}),
    }


def seed_means(scores_KMS: Floats) -> Floats:
    """Means over the seeds that are there; NaN where there is none."""
    there_KMS = np.isfinite(scores_KMS)
    with np.errstate(invalid="ignore"):
        return np.where(there_KMS, scores_KMS, 0).sum(axis=-1) / there_KMS.sum(axis=-1)


def rounded(values: Iterable[Any], digits: int = _DIGITS) -> Any:
    """Nested lists of rounded numbers; None for what is not finite."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim > 1:
        return [rounded(row, digits) for row in array]
    return [
        (int(v) if v == int(v) else v) if np.isfinite(v) else None
        for v in np.round(array, digits).tolist()
    ]


def _about(name: str, contest: Contest) -> dict[str, Any]:
    """What is known of a strategy, and its costs, mean over its runs on scored scenarios."""
    entry = STRATEGIES.get(base_name(name))
    runs = [
        run
        for run in contest.runs
        if run.cell.strategy == name and run.cell.setting in contest.scores.scenarios
    ]
    return {
        "family": entry.family if entry else "Imported",
        "summary": entry.summary if entry else "",
        "sees": list(entry.sees) if entry else _seen(name),
        "kind": kind(name),
        "oracle": is_oracle(name),
        "offline": round(float(np.mean([run.offline_rollouts for run in runs]))),
        "passes": round(float(np.mean([run.forward_passes for run in runs]))),
        "ms": float(f"{np.mean([run.selection_ms for run in runs]):.3g}"),
    }


def kind(name: str) -> str:
    """Whether a strategy has its published options, tuned ones, or options of its own."""
    if name.endswith(":tuned"):
        return "tuned"
    return "published" if name in STRATEGIES or name == base_name(name) else "options"


def _seen(name: str) -> list[str]:
    """What an imported strategy sees, if it can still be imported."""
    try:
        return list(knowledge(name))
    except ValueError:
        return ["?"]


def _view(view: View) -> dict[str, Any]:
    standings = {axis: _standing(standing) for axis, standing in view.standings.items()}
    names = list(next(iter(view.standings.values())).strategies)
    return {
        "scenarios": list(view.scenarios),
        "strategies": names,
        "apart": {name: list(lacks) for name, lacks in view.apart.items()},
        "standings": standings,
    }


def _standing(standing: Standing) -> dict[str, Any]:
    return {
        "iqm": _band(standing.iqm),
        "mean": rounded(standing.mean.value),
        "rank": _band(standing.rank, 2),
        "beats": rounded(standing.beats_K),
        "distinct": [int(distinct) for distinct in standing.distinct_K],
    }


def _band(band: Band, digits: int = _DIGITS) -> list[Any]:
    return [rounded(values, digits) for values in (band.value, band.low, band.high)]


def _pairs(detail: Details) -> dict[str, Any]:
    """Chances of winning in percent, p after Holm below the diagonal, groups of each strategy."""
    wins = np.round(100 * detail.pairs.wins_KK).astype(int).tolist()
    adjusted = detail.pairs.adjusted_KK
    place = {int(k): at for at, k in enumerate(detail.by_mean)}
    groups = [
        [i + 1 for i, (first, last) in enumerate(detail.groups) if first <= place[k] <= last]
        for k in range(len(wins))
    ]
    return {
        "wins": wins,
        "p": [rounded(row[:k]) for k, row in enumerate(adjusted)],
        "groups": [[found[0], found[-1]] for found in groups],
    }

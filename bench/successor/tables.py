"""The tables of `docs/research/successor.md`."""

from collections.abc import Sequence

import numpy as np

from bench import stats
from bench.contest.runs import CHARGED, ROLLOUTS, Run
from bench.contest.scores import Scores
from bench.strategies import REFERENCE
from bench.successor.compare import (
    across,
    costs_to_best,
    differences,
    enough,
    known,
    median_cost,
    overall,
    scores_of,
    verdict,
)
from bench.successor.plan import ABLATIONS, GROUPS, RIVALS, SUBJECT, TUNING, spec
from bench.summary import BEST
from bench.tables import Table, interval

_AXES = (ROLLOUTS, "steps", "tokens", "seconds", CHARGED)


def counted(scores: Scores) -> list[str]:
    """The scenarios of the verdict: those that were not seen while tuning."""
    return [name for name in scores.scenarios if name not in GROUPS[TUNING]]


def standing(scores: Scores, runs: Sequence[Run]) -> Table:
    """Every strategy's score, and its cost to reach shuffle's best."""
    names = counted(scores)
    rows = []
    for strategy in _ordered(scores):
        mine = {k: v for k, v in scores_of(scores, strategy).items() if k in names}
        there = {name: row_S for name, row_S in mine.items() if enough(row_S)}
        cost = median_cost(costs_to_best(runs, strategy, list(there)))
        rows.append(
            (f"`{strategy}`", interval(overall(there), 3), interval(cost, 2), str(len(there)))
        )
    heads = ("strategy", "score, IQM", "TTB 100 %, rollouts, median", "scenarios")
    return Table("", heads, tuple(rows))


def against(scores: Scores) -> Table:
    """By how much the subject scores above each rival."""
    rows = []
    for rival in _rivals(scores):
        rows_S = _kept(scores, SUBJECT, rival)
        each = [stats.paired(known(row_S)) for row_S in rows_S.values()]
        worst = min(rows_S, key=lambda name: known(rows_S[name]).mean())
        rows.append(
            (
                f"`{rival}`",
                interval(overall(rows_S), 3, signed=True),
                interval(_mean(rows_S), 3, signed=True),
                _counts(each),
                f"{worst} {interval(stats.paired(known(rows_S[worst])), 2, signed=True)}",
            )
        )
    heads = (
        f"{SUBJECT} minus",
        "IQM of differences",
        "mean of differences",
        "better / undecided / worse",
        "worst scenario",
    )
    return Table("", heads, tuple(rows))


def by_group(scores: Scores) -> Table:
    """The same by what scenarios stress, mean over the scenarios of a group."""
    rivals, rows = _rivals(scores), []
    for group, names in GROUPS.items():
        there = [name for name in names if name in scores.scenarios]
        cells = []
        for rival in rivals:
            found = differences(scores, SUBJECT, rival)
            cells.append(interval(_mean({n: found[n] for n in there if n in found}), 3, True))
        if there:
            rows.append((f"{group}: {', '.join(there)}", *cells))
    return Table("", ("scenarios", *(f"minus `{rival}`" for rival in rivals)), tuple(rows))


def by_scenario(scores: Scores) -> Table:
    """Scores by scenario, and the differences, in bold where the interval excludes 0."""
    rivals, rows = _rivals(scores), []
    found = {rival: differences(scores, SUBJECT, rival) for rival in rivals}
    mine = scores_of(scores, SUBJECT)
    for name in scores.scenarios:
        cells = [_cell(found[rival].get(name)) for rival in rivals]
        rows.append((_marked(name), f"{np.nanmean(mine[name]):.2f}", *cells))
    heads = ("scenario", f"`{SUBJECT}`", *(f"minus `{rival}`" for rival in rivals))
    return Table("", heads, tuple(rows))


def by_axis(scores: Scores) -> Table:
    """Differences at equal cost of other kinds."""
    rivals, rows = _rivals(scores), []
    for axis in _AXES:
        if axis in scores.scores:
            cells = [
                interval(overall(_kept(scores, SUBJECT, rival, axis)), 3, True) for rival in rivals
            ]
            rows.append((axis, *cells))
    return Table("", ("at equal", *(f"minus `{rival}`" for rival in rivals)), tuple(rows))


def ablation(scores: Scores) -> Table:
    """What each option that takes an ingredient away changes, and where it changes most."""
    rows = []
    for title, option in ABLATIONS.items():
        rows_S = differences(scores, spec(option), SUBJECT) if _run(scores, option) else {}
        if rows_S:
            figures = (interval(f(rows_S), 3, signed=True) for f in (overall, _mean))
            each = {name: stats.paired(known(row_S)) for name, row_S in rows_S.items()}
            order = sorted(each, key=lambda name: each[name].value)
            ends = (f"{_marked(name)} {_shown(each[name])}" for name in (order[0], order[-1]))
            rows.append((title, f"`{option}`", *figures, _counts(list(each.values())), *ends))
    heads = (
        "taken away",
        "option",
        "IQM of differences",
        "mean of differences",
        "better / undecided / worse",
        "most lost on",
        "least lost, or most gained, on",
    )
    return Table("", heads, tuple(rows))


def _marked(name: str) -> str:
    return f"{name} (tuning)" if name in GROUPS[TUNING] else name


def _counts(estimates: Sequence[stats.Estimate]) -> str:
    each = [verdict(estimate) for estimate in estimates]
    return " / ".join(str(each.count(v)) for v in ("better", "undecided", "worse"))


def _run(scores: Scores, option: str) -> bool:
    return spec(option) in scores.strategies


def _ordered(scores: Scores) -> list[str]:
    wanted = (SUBJECT, f"{SUBJECT}:tuned", *RIVALS, REFERENCE, BEST)
    return [name for name in wanted if name in scores.strategies]


def _rivals(scores: Scores) -> list[str]:
    """Those that share enough seeds with the subject on a scenario that counts."""
    there = [name for name in RIVALS if name in scores.strategies]
    return [name for name in there if _kept(scores, SUBJECT, name)]


def _kept(
    scores: Scores, strategy: str, rival: str, axis: str = ROLLOUTS
) -> dict[str, stats.Floats]:
    found = differences(scores, strategy, rival, axis)
    return {name: row_S for name, row_S in found.items() if name in counted(scores)}


def _mean(rows: dict[str, stats.Floats]) -> stats.Estimate:
    """Mean over scenarios, with Student's interval over seeds."""
    return across(rows, lambda values_SM: values_SM.mean(axis=1))


def _cell(row_S: stats.Floats | None) -> str:
    return "" if row_S is None else _shown(stats.paired(known(row_S)))


def _shown(estimate: stats.Estimate) -> str:
    """With half its interval, in bold where that excludes 0."""
    text = f"{estimate.value:+.2f} ± {(estimate.high - estimate.low) / 2:.2f}"
    return text if verdict(estimate) == "undecided" else f"**{text}**"

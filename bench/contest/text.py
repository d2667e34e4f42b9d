"""The leaderboard in Markdown."""

from collections.abc import Sequence

import numpy as np

from bench.contest.aggregate import Band
from bench.contest.document import Contest, seed_means
from bench.contest.runs import ROLLOUTS
from bench.contest.views import ALL, SHARED, Standing, View
from bench.stats import Estimate
from bench.strategies import REFERENCE
from bench.tables import INDISTINCT, Table, interval, number

_GROUPS = (
    "Ranks are among rivals; oracles see the truth and are none. No two strategies that share a "
    "group have mean scores that differ (Holm, 5 % for all pairs together)."
)


def markdown(contest: Contest, methods: Sequence[str], commands: Sequence[str]) -> str:
    """Headline, other budgets, ranks, what cannot be told from shuffle, and every scenario."""
    view = contest.views[ALL]
    parts = ["# Leaderboard", *_lead(contest), "```\n" + "\n".join(commands) + "\n```"]
    parts += ["## Standings at equal rollouts", headline(contest).markdown(), *_apart(view)]
    parts.append("![IQM scores with intervals](figures/contest.png)")
    if SHARED in contest.views:
        shared = contest.views[SHARED]
        parts.append(f"## On the {len(shared.scenarios)} scenarios that every strategy has")
        parts.append(_standings(shared.standings[ROLLOUTS], contest).markdown())
    parts += ["## At equal cost on every axis", _axes(view).markdown()]
    parts += ["## Mean ranks and groups", _GROUPS, _ranks(contest).markdown()]
    parts += ["## Not distinguishable from shuffle", _alike(view.standings[ROLLOUTS])]
    parts += ["## Mean score by scenario, at equal rollouts", _scenarios(contest).markdown()]
    parts.append("![Share of scores above a level](figures/profile.png)")
    return "\n\n".join([*parts, "## Methods", *methods]) + "\n"


def headline(contest: Contest) -> Table:
    """The standings on all scenarios at equal rollouts."""
    return _standings(contest.views[ALL].standings[ROLLOUTS], contest)


def _lead(contest: Contest) -> list[str]:
    scores, view = contest.scores, contest.views[ALL]
    names = view.standings[ROLLOUTS].strategies
    lead = [
        f"{len(names)} strategies on {len(scores.scenarios)} scenarios, {len(scores.seeds)} paired "
        f"seeds: {', '.join(scores.scenarios)}."
    ]
    if scores.left_out:
        reasons = "; ".join(f"{name} ({why})" for name, why in scores.left_out.items())
        lead.append(f"Without a score: {reasons}.")
    return lead


def _apart(view: View) -> list[str]:
    """The strategies that lack scenarios, with how many they have."""
    if not view.apart:
        return []
    total, alike = len(view.scenarios), {}
    for name, lacks in view.apart.items():
        alike.setdefault(lacks, []).append(name)
    listed = [
        f"{', '.join(names)} ({total - len(lacks)} of {total}, not {', '.join(lacks)})"
        for lacks, names in alike.items()
    ]
    return [f"Not on all scenarios, and so without a place: {'; '.join(listed)}."]


def _standings(standing: Standing, contest: Contest) -> Table:
    rows = []
    for k in standing.by_score:
        name = standing.strategies[k]
        mark = "" if standing.distinct_K[k] or name == REFERENCE else f" {INDISTINCT}"
        figures = (_shown(standing.iqm, k), _shown(standing.mean, k), f"{standing.beats_K[k]:.2f}")
        rank = _shown(standing.rank, k, 1)
        rows.append((name + mark, *figures, rank, _offline(contest, name)))
    beats = f"P(beats {REFERENCE})"
    headings = ("strategy", "IQM score", "mean score", beats, "mean rank", "offline rollouts")
    return Table("", headings, tuple(rows))


def _offline(contest: Contest, strategy: str) -> str:
    known = contest.scores.scenarios
    runs = [r for r in contest.runs if r.cell.strategy == strategy and r.cell.setting in known]
    return f"{np.mean([run.offline_rollouts for run in runs]):,.0f}"


def _axes(view: View) -> Table:
    order = [view.standings[ROLLOUTS].strategies[k] for k in view.standings[ROLLOUTS].by_score]
    rows = []
    for name in order:
        k = view.standings[ROLLOUTS].strategies.index(name)
        rows.append((name, *(_shown(s.iqm, k) for s in view.standings.values())))
    return Table("", ("IQM score", *view.standings), tuple(rows))


def _ranks(contest: Contest) -> Table:
    standing, detail = contest.views[ALL].standings[ROLLOUTS], contest.details[ROLLOUTS]
    rows = []
    for place, k in enumerate(detail.by_mean.tolist()):
        own = [i + 1 for i, (first, last) in enumerate(detail.groups) if first <= place <= last]
        groups = str(own[0]) if own[0] == own[-1] else f"{own[0]} to {own[-1]}"
        name = standing.strategies[k]
        rows.append((name, _shown(standing.mean, k), _shown(standing.rank, k, 1), groups))
    return Table("", ("strategy", "mean score", "mean rank", "groups"), tuple(rows))


def _alike(standing: Standing) -> str:
    names = [
        f"{standing.strategies[k]} ({_shown(standing.iqm, k)})"
        for k in standing.by_score
        if not standing.distinct_K[k] and standing.strategies[k] != REFERENCE
    ]
    return (", ".join(names) or "None") + "."


def _scenarios(contest: Contest) -> Table:
    scores = contest.scores
    means_KM = seed_means(scores.scores[ROLLOUTS])
    standing = contest.views[ALL].standings[ROLLOUTS]
    first = [standing.strategies[k] for k in standing.by_score]
    rows = []
    for name in [*first, *contest.views[ALL].apart]:
        means_M = means_KM[scores.strategies.index(name)]
        rows.append((name, *("-" if np.isnan(v) else number(v, 2) for v in means_M)))
    return Table("", ("strategy", *scores.scenarios), tuple(rows))


def _shown(band: Band, k: int, digits: int = 3) -> str:
    values = (float(part[k]) for part in (band.value, band.low, band.high))
    return interval(Estimate(*values), digits)

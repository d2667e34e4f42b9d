"""The contest seen on all scenarios, by tag and by law, on every budget axis."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.conclusions import DEFAULT, in_order, place
from bench.contest import aggregate, pairs
from bench.contest.aggregate import Band, Sample
from bench.contest.pairs import Pairs
from bench.contest.runs import ROLLOUTS
from bench.contest.scores import Scores, base_name
from bench.metrics import Floats
from bench.strategies import REFERENCE, STRATEGIES
from simulator import SCENARIOS

ALL, SHARED = "all", "shared by all strategies"
LEVELS_T = np.linspace(-0.5, 1.25, 36)
_SEED = 0  # of all resampling

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """K strategies on the scenarios of a view, at equal cost on one axis.

    Attributes:
        strategies: those run on all of the view's scenarios, in order of the roster.
        iqm: interquartile mean of the scores of all scenarios and seeds.
        mean: mean over scenarios of the mean over seeds.
        rank: mean over scenarios of the rank among rivals; NaN for oracles, which are none.
        beats_K: chance of scoring above shuffle with the same seed, ties half.
    """

    strategies: tuple[str, ...]
    iqm: Band
    mean: Band
    rank: Band
    beats_K: Floats

    @property
    def distinct_K(self) -> npt.NDArray[np.bool_]:
        """Whether the interval of the IQM, a difference to shuffle's 0, excludes 0."""
        return (self.iqm.low > 0) | (self.iqm.high < 0)

    @property
    def by_score(self) -> Ints:
        """Places of the strategies, the best IQM first."""
        return np.argsort(-self.iqm.value, kind="stable")


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Some scenarios of the contest.

    Attributes:
        scenarios: which.
        standings: by axis.
        apart: by strategy that lacks some of the scenarios, which it lacks.
    """

    scenarios: tuple[str, ...]
    standings: dict[str, Standing]
    apart: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Details:
    """What is looked at on all scenarios alone; for the strategies of the view `ALL`.

    Attributes:
        pairs: every strategy against every other.
        groups: first and last place, in order of the mean score, of strategies that no test tells
            apart.
        by_mean: places of the strategies, the best mean first.
        profile: share of scores above each of `LEVELS_T`, shape (K, T).
    """

    pairs: Pairs
    groups: list[tuple[int, int]]
    by_mean: Ints
    profile: Band


def views(scores: Scores) -> dict[str, View]:
    """All views by name: `ALL` first, then what all strategies share, laws and tags."""
    known: dict[tuple[str, ...], View] = {}
    found = {}
    for name, scenarios in _choices(scores).items():
        if scenarios not in known:
            known[scenarios] = _view(scores, scenarios)
        found[name] = known[scenarios]
    return found


def details(scores: Scores, view: View) -> dict[str, Details]:
    """By axis, what is looked at on all scenarios alone."""
    return {
        axis: _detail(_sample(scores, view.scenarios, standing.strategies, axis), standing)
        for axis, standing in view.standings.items()
    }


def is_oracle(strategy: str) -> bool:
    """Whether it sees the truth, and is no rival."""
    entry = STRATEGIES.get(base_name(strategy))
    return entry is not None and entry.oracle


def _choices(scores: Scores) -> dict[str, tuple[str, ...]]:
    """Scenarios by name of the view; none is empty."""
    places = {name: place(name) for name in scores.scenarios}
    variants = in_order(variant for _, variant in places.values())
    tags: dict[str, list[str]] = {}
    for name, (scenario, _) in places.items():
        for tag in SCENARIOS[scenario].tags if scenario in SCENARIOS else ():
            tags.setdefault(tag, []).append(name)
    shared_M = scores.complete_KM.all(axis=0)
    shared = tuple(scores.scenarios[m] for m in np.flatnonzero(shared_M))
    laws = {
        f"law: {law}": tuple(name for name in places if places[name][1] == law)
        for law in (variants if variants != [DEFAULT] else [])
    }
    return {
        ALL: scores.scenarios,
        **({SHARED: shared} if shared and not shared_M.all() else {}),
        **laws,
        **{tag: tuple(names) for tag, names in tags.items()},
    }


def _view(scores: Scores, scenarios: tuple[str, ...]) -> View:
    at_M = [scores.scenarios.index(name) for name in scenarios]
    complete_KM = scores.complete_KM[:, at_M]
    together, apart = [], {}
    for strategy, complete_M in zip(scores.strategies, complete_KM, strict=True):
        if complete_M.all():
            together.append(strategy)
        else:
            lacks = zip(scenarios, complete_M.tolist(), strict=True)
            apart[strategy] = tuple(name for name, has in lacks if not has)
    standings = {
        axis: _standing(_sample(scores, scenarios, together, axis), tuple(together))
        for axis in scores.scores
    }
    return View(scenarios, standings, apart)


def _sample(
    scores: Scores, scenarios: Sequence[str], strategies: Sequence[str], axis: str
) -> Sample:
    at_K = [scores.strategies.index(name) for name in strategies]
    at_M = [scores.scenarios.index(name) for name in scenarios]
    return aggregate.sample(scenarios, scores.scores[axis][np.ix_(at_K, at_M)])


def _standing(sample: Sample, strategies: tuple[str, ...]) -> Standing:
    iqm = aggregate.pooled_iqm(sample, np.random.default_rng(_SEED))
    mean = aggregate.scenario_means(sample, np.random.default_rng(_SEED))
    beats_K = pairs.wins(sample)[:, strategies.index(REFERENCE)]
    rivals = np.array([not is_oracle(name) for name in strategies])
    among = Sample(sample.scenarios, tuple(block[rivals] for block in sample.blocks))
    rank = aggregate.mean_ranks(among, np.random.default_rng(_SEED))
    return Standing(strategies, iqm, mean, _spread(rank, rivals), beats_K)


def _spread(rank: Band, rivals: npt.NDArray[np.bool_]) -> Band:
    """Ranks of rivals among all strategies, NaN for the others."""
    parts = []
    for values in (rank.value, rank.low, rank.high):
        parts.append(np.full(rivals.size, np.nan))
        parts[-1][rivals] = values
    return Band(*parts)


def _detail(sample: Sample, standing: Standing) -> Details:
    compared = pairs.compare(sample)
    by_mean = np.argsort(-standing.mean.value, kind="stable")
    return Details(
        compared,
        pairs.groups(by_mean.tolist(), compared.significant_KK),
        by_mean,
        aggregate.profile(sample, LEVELS_T, np.random.default_rng(_SEED)),
    )


def headline(found: dict[str, View]) -> Standing:
    """All scenarios at equal rollouts."""
    return found[ALL].standings[ROLLOUTS]

"""From cells to figures: every strategy against the reference on the same seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench import stats
from bench.metrics import Floats
from bench.run_figures import gain, learnt, seed_figures
from bench.stats import Estimate
from bench.store import CellResult
from bench.strategies import REFERENCE

BEST = "oracle-gain"
LEAST_HEADROOM = 1e-6
LEAST_HEADROOM_SHARE = 0.1  # of what the reference learns; ratios to less are mostly noise


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
            infinite, means for the rest. Student's for the difference, Wilson's for wins, otherwise
            bootstrap.
        headroom_S: the gain oracle's gain over the reference on the same seeds; empty when it was
            not run on all of them, when there are too few of them, or when it gains little; see
            `docs/metrics.md`.
        repetition_visits: lessons after which a task teaches half as much; infinite: repetition is
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

    @property
    def above(self) -> bool:
        """Whether it ends clearly above the reference."""
        return self.differs and self.figures["difference"].value > 0

    @property
    def below(self) -> bool:
        """Whether it ends clearly below the reference."""
        return self.differs and self.figures["difference"].value < 0


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
    own = ("strategy", "strategy_source", "options", "seed")
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
    if name == "difference":
        return stats.paired(values_S)
    if name.startswith("ttb"):
        return stats.bootstrap_median(values_S)
    return stats.bootstrap(values_S, stats.mean)


def _headroom(
    seeds: Sequence[int], references: Mapping[int, CellResult], best: Mapping[int, CellResult]
) -> Floats:
    """What the gain oracle gains over the reference; nothing where that is no unit for scores.

    It is none where it is little or unclear, as it always is below `LEAST_SEEDS` seeds.
    """
    if not best.keys() >= set(seeds):
        return np.empty(0)
    gains_S = np.array([gain(best[seed], references[seed]) for seed in seeds])
    own_S = np.array([learnt(references[seed]) for seed in seeds])
    enough = gains_S.mean() > LEAST_HEADROOM_SHARE * own_S.mean()
    clear = stats.paired(gains_S).low > LEAST_HEADROOM  # never, without an interval
    return gains_S if enough and clear else np.empty(0)

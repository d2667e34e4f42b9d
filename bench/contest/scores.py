"""From runs to normalised scores, paired by seed, on every budget axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench import stats
from bench.conclusions import in_catalogue_order
from bench.contest.runs import AXES, ROLLOUTS, Run
from bench.metrics import Floats
from bench.strategies import REFERENCE, STRATEGIES
from bench.summary import BEST, LEAST_HEADROOM, LEAST_HEADROOM_SHARE

Cells = Mapping[str, Mapping[int, Run]]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Scores of K strategies on M scenarios with S seeds.

    With r the held-out solve rate for what shuffle spends on that scenario and seed in its nominal
    steps, a score is (r - r of shuffle) / unit. The unit is oracle-gain's mean gain over shuffle at
    equal rollouts, on every axis: where selection is charged for offline rollouts or time, the
    oracle's own gain would be small and noisy, and scores on different axes would not compare. It
    is taken as given, so shuffle scores 0 and oracle-gain, at equal rollouts, 1 on average.

    Attributes:
        strategies: in order of the roster.
        scenarios: with a unit, in order of the catalogue.
        seeds: of any scenario.
        scores: by axis, shape (K, M, S); NaN where there is no cell.
        units_M: in solve rate.
        left_out: by scenario without a unit, why.
    """

    strategies: tuple[str, ...]
    scenarios: tuple[str, ...]
    seeds: tuple[int, ...]
    scores: dict[str, Floats]
    units_M: Floats
    left_out: dict[str, str]

    @property
    def complete_KM(self) -> npt.NDArray[np.bool_]:
        """Whether a strategy was run with every seed of a scenario; those are shuffle's."""
        there_KMS = np.isfinite(self.scores[ROLLOUTS])
        needed_MS = there_KMS[self.strategies.index(REFERENCE)]
        return (there_KMS | ~needed_MS).all(axis=2)

    def num_seeds(self, scenario: str) -> int:
        """With how many seeds shuffle and oracle-gain were run on a scenario."""
        at = self.strategies.index(REFERENCE), self.scenarios.index(scenario)
        return int(np.isfinite(self.scores[ROLLOUTS][at]).sum())


def score(runs: Sequence[Run]) -> Scores:
    """The scores of all runs whose scenario and seed shuffle and oracle-gain were run on too.

    Raises:
        ValueError: when no scenario has a unit.
    """
    cells = grouped(runs)
    judged = {name: unit(cells[name]) for name in in_catalogue_order(sorted(cells))}
    units = {name: found for name, found in judged.items() if isinstance(found, float)}
    left_out = {name: found for name, found in judged.items() if isinstance(found, str)}
    if not units:
        reasons = "; ".join(f"{name}: {why}" for name, why in left_out.items())
        raise ValueError(f"no scenario has a unit for scores ({reasons}): run more of them")
    strategies = tuple(in_order({run.cell.strategy for run in runs if run.cell.setting in units}))
    seeds = tuple(sorted({seed for name in units for seed in common_seeds(cells[name])}))
    gains = {
        axis: np.stack([_gains_KS(cells[name], strategies, seeds, axis) for name in units], axis=1)
        for axis in AXES
        if all(axis in run.costs for run in runs)
    }
    units_M = np.array(list(units.values()))
    scores = {axis: gains_KMS / units_M[:, None] for axis, gains_KMS in gains.items()}
    return Scores(strategies, tuple(units), seeds, scores, units_M, left_out)


def grouped(runs: Sequence[Run]) -> dict[str, dict[str, dict[int, Run]]]:
    """Runs by scenario, strategy and seed."""
    groups: dict[str, dict[str, dict[int, Run]]] = {}
    for run in runs:
        by_strategy = groups.setdefault(run.cell.setting, {})
        by_strategy.setdefault(run.cell.strategy, {})[run.cell.seed] = run
    return groups


def in_order(strategies: set[str]) -> list[str]:
    """In order of the roster, a strategy's variants behind it, imported ones last."""
    known = list(STRATEGIES)

    def where(name: str) -> tuple[int, str]:
        base = base_name(name)
        return known.index(base) if base in known else len(known), name

    return sorted(strategies, key=where)


def base_name(strategy: str) -> str:
    """The name in the roster, without options."""
    return strategy.split(":")[0].split("+")[0]


def common_seeds(cells: Cells) -> list[int]:
    """Seeds that both shuffle and oracle-gain were run with."""
    return sorted(cells.get(REFERENCE, {}).keys() & cells.get(BEST, {}).keys())


def unit(cells: Cells) -> float | str:
    """What oracle-gain gains over shuffle on a scenario at equal rollouts; or why it is no unit."""
    seeds = common_seeds(cells)
    if len(seeds) < stats.LEAST_SEEDS:
        return f"{REFERENCE} and {BEST} share {len(seeds)} seeds, fewer than {stats.LEAST_SEEDS}"
    references = [cells[REFERENCE][seed] for seed in seeds]
    ends_S = np.array([run.rate(ROLLOUTS, run.budgets[ROLLOUTS]) for run in references])
    learnt = float(np.mean(ends_S - np.array([run.heldout_E[0] for run in references])))
    gains_S = np.array([gain(cells[BEST][run.cell.seed], run, ROLLOUTS) for run in references])
    least = max(LEAST_HEADROOM_SHARE * learnt, LEAST_HEADROOM)
    if gains_S.mean() <= least or stats.paired(gains_S).low <= LEAST_HEADROOM:
        return f"{BEST} gains {gains_S.mean():.4f} over {REFERENCE}, which learns {learnt:.4f}"
    return float(gains_S.mean())


def gain(run: Run, reference: Run, axis: str) -> float:
    """Held-out solve rate over the reference's, both for what the reference spends."""
    budget = reference.budgets[axis]
    return run.rate(axis, budget) - reference.rate(axis, budget)


def _gains_KS(cells: Cells, strategies: Sequence[str], seeds: Sequence[int], axis: str) -> Floats:
    """Gains over shuffle on one scenario; NaN without a pair, or without the oracle's run."""
    gains_KS = np.full((len(strategies), len(seeds)), np.nan)
    paired = set(common_seeds(cells))
    for k, strategy in enumerate(strategies):
        for seed, run in cells.get(strategy, {}).items():
            if seed in paired:
                gains_KS[k, seeds.index(seed)] = gain(run, cells[REFERENCE][seed], axis)
    return gains_KS

"""What each strategy came to beside shuffle on the same seeds, real or simulated alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench import stats
from bench.metrics import Floats
from bench.run_figures import FRACTIONS_TTB, gain, learnt, seed_figures
from bench.stats import Estimate
from bench.store import CellResult
from bench.strategies import REFERENCE

WINDOWS = 8  # of a run, over which the share of informative groups is averaged


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """P strategies on S seeds.

    Attributes:
        strategies: their names; shuffle is one of them.
        seeds: on which all of them were run.
        gains_PS: held-out solve rate over shuffle's at equal rollouts.
        learnt_S: what shuffle gains over its own start.
        pool_PS: by how much the pool's true mean solve rate grows; NaN where nobody knows it.
        ttb_FPS: rollouts to 50, 75 and 100 % of shuffle's best gain, in units of shuffle's own.
        etr_PSW: share of informative groups in eighths of the budget.
        horizon: where TTB is cut off.
    """

    strategies: tuple[str, ...]
    seeds: tuple[int, ...]
    gains_PS: Floats
    learnt_S: Floats
    pool_PS: Floats
    ttb_FPS: Floats
    etr_PSW: Floats
    horizon: float

    def relative(self, p: int) -> Estimate:
        """Gain over shuffle in units of what shuffle learns, with a bootstrap interval."""
        return stats.mean_of_ratios([self.gains_PS[p]], [self.learnt_S])

    def relative_P(self) -> Floats:
        """The same of all strategies, without intervals."""
        return self.gains_PS.mean(axis=1) / self.learnt_S.mean()

    def learnt(self) -> Estimate:
        """What shuffle gains over its own start."""
        return stats.bootstrap(self.learnt_S, stats.mean)

    def heldout_PS(self) -> Floats:
        """By how much the held-out solve rate grows."""
        return self.gains_PS + self.learnt_S

    def ttb_FP(self) -> Floats:
        """Medians over seeds; infinite where the target is not reached in most of them."""
        return stats.median(self.ttb_FPS, axis=2)

    def etr_PW(self) -> Floats:
        """Means over seeds."""
        return self.etr_PSW.mean(axis=1)

    def take(self, strategies: Sequence[str]) -> "Outcomes":
        """Those of these strategies alone, in this order."""
        places = [self.strategies.index(name) for name in strategies]
        return Outcomes(
            tuple(strategies),
            self.seeds,
            self.gains_PS[places],
            self.learnt_S,
            self.pool_PS[places],
            self.ttb_FPS[:, places],
            self.etr_PSW[places],
            self.horizon,
        )


def outcomes(results: Sequence[CellResult]) -> Outcomes:
    """Those of the cells of one setting.

    Where seeds are missing, strategies or seeds are left out, so that each strategy that is left
    has each seed that is left, and as many cells as possible are.

    Raises:
        ValueError: without shuffle.
    """
    cells = {(result.cell.strategy, result.cell.seed): result for result in results}
    strategies, seeds = _complete(list(cells))
    pairs = [[(cells[p, s], cells[REFERENCE, s]) for s in seeds] for p in strategies]
    figures = [[seed_figures(*pair) for pair in of] for of in pairs]
    starts_PS = np.array([[run.columns["pool"][0] for run, _ in of] for of in pairs])
    return Outcomes(
        strategies,
        seeds,
        np.array([[gain(*pair) for pair in of] for of in pairs]),
        np.array([learnt(cells[REFERENCE, seed]) for seed in seeds]),
        np.array([[f["pool"] for f in of] for of in figures]) - starts_PS,
        np.array(
            [[[f[f"ttb{part}_rollouts"] for f in of] for of in figures] for part in FRACTIONS_TTB]
        ),
        np.array([[_windows(run) for run, _ in of] for of in pairs]),
        results[0].config["horizon"],
    )


def _complete(cells: Sequence[tuple[str, int]]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The strategies, shuffle first, and seeds that make the largest full table."""
    by_seed: dict[int, set[str]] = {}
    for name, seed in cells:
        by_seed.setdefault(seed, set()).add(name)
    ordered = [
        s for s in sorted(by_seed, key=lambda s: (-len(by_seed[s]), s)) if REFERENCE in by_seed[s]
    ]
    if not ordered:
        raise ValueError(f"no seed has a run of {REFERENCE}, to which all figures refer: run it")
    tables = [
        (set.intersection(*(by_seed[s] for s in ordered[:size])), ordered[:size])
        for size in range(1, len(ordered) + 1)
    ]
    names, seeds = max(tables, key=lambda table: len(table[0]) * len(table[1]))
    return (REFERENCE, *sorted(names - {REFERENCE})), tuple(sorted(seeds))


def _windows(run: CellResult) -> list[float]:
    """Share of informative groups in equal parts of the budget of rollouts."""
    config, columns = run.config, run.columns
    budget = config["steps"] * config["batch_size"] * config["group_size"]
    last = int(np.searchsorted(columns["rollouts_generated"], budget))
    parts = np.array_split(columns["informative"][1 : last + 1], WINDOWS)
    return [float(part.mean()) if part.size else np.nan for part in parts]

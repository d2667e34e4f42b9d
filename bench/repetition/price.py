"""What a lesson is worth by how many came before, at an equal solve rate."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.repetition.measure import Weighed
from bench.stats import Estimate
from bots._types import Floats, Ints

BINS = (1, 2, 4, 8, 16, 32, 64, 1000)  # lessons before; a bin ends before the next begins
RATE_BINS = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.98)
_FEWEST = 20  # weighed tasks in a bin, or it is left out
_MOST_VISITS = 1e4  # nu beyond which repetition counts as free
_GRID = np.geomspace(0.5, _MOST_VISITS, 200)


@dataclass(frozen=True, slots=True)
class Worth:
    """Lessons of one bin.

    Attributes:
        lessons: mean number that came before.
        tasks: weighed tasks in the bin, a task counting once per weighing.
        ratio: influence relative to untouched tasks of the same cell and solve rate.
    """

    lessons: float
    tasks: int
    ratio: Estimate


@dataclass(frozen=True, slots=True)
class Price:
    """The fitted law.

    Attributes:
        bins: what it is fitted to.
        visits: nu of the worth 1 / (1 + lessons / nu).
        error: root mean square of the fit's errors, in units of `Worth.ratio`.
    """

    bins: tuple[Worth, ...]
    visits: Estimate
    error: float


def price(runs: Sequence[Weighed], weighed: str = "influence", resamples: int = 1000) -> Price:
    """The worth of a lesson by lessons before, and nu.

    A task that had v lessons is compared with tasks never rolled out in the same run, weighed at
    the same step, thus under the same weights and for the same held-out gradient, of the same cell
    and with a solve rate in the same of `RATE_BINS`. With n_s and c_s of either kind in stratum s,

        ratio = sum_s h_s mean_s(influence after lessons) / sum_s h_s mean_s(untouched)

    with h_s = n_s c_s / (n_s + c_s) (Mantel and Haenszel's weights). nu minimises the squared
    errors of 1 / (1 + v / nu), weighed by tasks. Intervals: percentiles over resampled seeds, and
    tasks of a seed resampled as a whole, over all of its runs.

    Args:
        runs: of several seeds.
        weighed: `influence` (under AdamW's moments) or `plain`.
        resamples: how many.

    Raises:
        ValueError: when no task with lessons has an untouched one to be compared with.
    """
    table = _Table.of(runs, weighed)
    found = table.ratios(np.ones(table.num_units))
    used = np.flatnonzero(np.isfinite(found) & (table.sizes() >= _FEWEST))
    if used.size == 0:
        raise ValueError(
            f"no bin of lessons has {_FEWEST} tasks beside untouched ones of the same cell and "
            "solve rate: weigh runs on pools that are smaller than the source's"
        )
    drawn = np.array([table.ratios(w) for w in table.resampled(resamples)])[:, used]
    lessons, sizes = table.lessons()[used], table.sizes()[used]
    visits = np.array([fitted(lessons, row, sizes) for row in (found[used], *drawn)])
    bins = tuple(
        Worth(float(lessons[i]), int(sizes[i]), _estimate(found[used][i], drawn[:, i]))
        for i in range(used.size)
    )
    errors = found[used] - 1 / (1 + lessons / visits[0])
    error = float(np.sqrt(np.average(errors**2, weights=sizes)))
    return Price(bins, _estimate(visits[0], visits[1:]), error)


def _estimate(value: float, drawn: Floats) -> Estimate:
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return Estimate(float(value), float(low), float(high))


def fitted(lessons: Floats, ratios: Floats, sizes: Floats) -> float:
    """The nu of the grid with the least error; its end means free repetition."""
    known = np.isfinite(ratios)
    worth_GB = 1 / (1 + lessons[known] / _GRID[:, None])
    errors_G = ((ratios[known] - worth_GB) ** 2 * sizes[known]).sum(axis=1)
    return float(_GRID[errors_G.argmin()])


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Weighed tasks, R rows: their stratum, their bin of lessons, and who is resampled together."""

    stratum_R: Ints
    bin_R: Ints  # 0: untouched, 1 ...: BINS
    lessons_R: Ints
    value_R: Floats
    unit_R: Ints  # a task of a seed
    seed_U: Ints

    @staticmethod
    def of(runs: Sequence[Weighed], weighed: str) -> "_Table":
        rows = []
        for number, found in enumerate(runs):
            columns = found.columns
            rate_R = np.digitize(columns["rate"], RATE_BINS)
            visited_R = columns["visits"] > 0
            bin_R = np.where(visited_R, np.digitize(columns["lessons"], BINS), 0)
            kept_R = (bin_R > 0) | ~visited_R  # visited without a lesson: neither
            kept_R &= np.isfinite(columns[weighed])
            rows.append(
                [
                    np.full(kept_R.sum(), number),
                    columns["step"][kept_R],
                    columns["cell"][kept_R],
                    rate_R[kept_R],
                    bin_R[kept_R],
                    columns["lessons"][kept_R],
                    columns[weighed][kept_R],
                    columns["task"][kept_R],
                    np.full(kept_R.sum(), found.run.seed),
                ]
            )
        run_R, step_R, cell_R, rate_R, bin_R, lessons_R, value_R, task_R, seed_R = (
            np.concatenate(parts) for parts in zip(*rows, strict=True)
        )
        strata = np.stack([run_R, step_R, np.unique(cell_R, return_inverse=True)[1], rate_R])
        units, unit_R = np.unique(np.stack([seed_R, task_R]), axis=1, return_inverse=True)
        stratum_R = np.unique(strata, axis=1, return_inverse=True)[1]
        return _Table(stratum_R, bin_R, lessons_R, value_R.astype(float), unit_R, units[0])

    @property
    def num_units(self) -> int:
        return self.seed_U.size

    def sizes(self) -> Floats:
        """Rows of each bin that have an untouched one in their stratum."""
        return np.bincount(self.bin_R[self._matched()], minlength=len(BINS)).astype(float)[1:]

    def lessons(self) -> Floats:
        """Their mean lessons."""
        rows = self._matched()
        total = np.bincount(self.bin_R[rows], self.lessons_R[rows], len(BINS))[1:]
        return total / np.maximum(self.sizes(), 1)

    def _matched(self) -> Ints:
        untouched_S = np.bincount(self.stratum_R[self.bin_R == 0], minlength=self._num_strata) > 0
        return np.flatnonzero((self.bin_R > 0) & untouched_S[self.stratum_R])

    @property
    def _num_strata(self) -> int:
        return int(self.stratum_R.max()) + 1

    def ratios(self, weight_U: Floats) -> Floats:
        """Of each bin, with units weighed."""
        weight_R = weight_U[self.unit_R]
        place_R = self.stratum_R * len(BINS) + self.bin_R
        shape = (self._num_strata, len(BINS))
        size_SB = np.bincount(place_R, weight_R, shape[0] * shape[1]).reshape(shape)
        sum_SB = np.bincount(place_R, weight_R * self.value_R, shape[0] * shape[1]).reshape(shape)
        mean_SB = np.divide(sum_SB, size_SB, out=np.zeros(shape), where=size_SB > 0)
        others_S1, control_S1 = size_SB[:, :1], mean_SB[:, :1]
        harmonic_SB = size_SB * others_S1 / np.maximum(size_SB + others_S1, 1e-300)
        above = (harmonic_SB * mean_SB)[:, 1:].sum(axis=0)
        below = (harmonic_SB * control_S1)[:, 1:].sum(axis=0)
        return np.divide(above, below, out=np.full(len(BINS) - 1, np.nan), where=below > 0)

    def resampled(self, resamples: int) -> list[Floats]:
        """Weights of units: seeds drawn with replacement, and tasks within each."""
        rng = np.random.default_rng(0)
        seeds, members = np.unique(self.seed_U), {}
        for seed in seeds:
            members[seed] = np.flatnonzero(self.seed_U == seed)
        drawn = []
        for _ in range(resamples):
            weight_U = np.zeros(self.num_units)
            for seed in rng.choice(seeds, seeds.size):
                units = members[seed]
                weight_U += np.bincount(rng.choice(units, units.size), minlength=self.num_units)
            drawn.append(weight_U)
        return drawn

"""Whether a logged run could be a run of a scenario: its statistics within those of replicas."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.calibration.backward import Floats
from simulator.calibration.replay import resized, steps_for, visited
from simulator.calibration.statistics import FEWEST_VISITS, paths, statistics
from simulator.calibration.trace import Trace
from simulator.scenario import Scenario

BAND = (5.0, 95.0)  # percent
_BY_CHANCE = 0.1  # share of figures outside such a band when nothing is wrong
_FEWEST_REPLICAS = 10
_LONGEST_RUN = 20_000  # steps
_COMPLETE = 0.05  # share of tasks that may be left out for having the fewest visits
_SAMPLE_KEY = 11  # sets the choice of tasks apart from other uses of the seed


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """The real statistics beside those of R replicas.

    Attributes:
        names: of the M statistics.
        real_M: of the log.
        replicas_RM: of the replicas.
        real_paths: by name, shape (V,).
        replica_paths: by name, shape (R, V).
        tasks: number of tasks compared.
        dropped: tasks of the log with too few visits to be compared.
    """

    names: tuple[str, ...]
    real_M: Floats
    replicas_RM: Floats
    real_paths: dict[str, Floats]
    replica_paths: dict[str, Floats]
    tasks: int
    dropped: int

    @property
    def band_2M(self) -> Floats:
        """The 5th and the 95th percentile of the replicas; NaN where some replica has no value."""
        return np.percentile(self.replicas_RM, BAND, axis=0)

    @property
    def judged_M(self) -> npt.NDArray[np.bool_]:
        """Statistics that the log and all replicas have."""
        return np.isfinite(self.real_M) & np.isfinite(self.replicas_RM).all(axis=0)

    @property
    def inside_M(self) -> npt.NDArray[np.bool_]:
        """Judged statistics within their band."""
        low_M, high_M = self.band_2M
        return self.judged_M & (low_M <= self.real_M) & (self.real_M <= high_M)

    def outside_by_chance(self) -> Floats:
        """How many judged statistics of each replica lie outside the others' band, shape (R,)."""
        values_RM = self.replicas_RM[:, self.judged_M]
        counts = np.empty(len(values_RM))
        for r, mine_M in enumerate(values_RM):
            low_M, high_M = np.percentile(np.delete(values_RM, r, axis=0), BAND, axis=0)
            counts[r] = np.count_nonzero((mine_M < low_M) | (mine_M > high_M))
        return counts

    def table(self) -> str:
        """A Markdown table, the count, and what chance would do."""
        low_M, high_M = self.band_2M
        lines = ["| statistic | real | simulated, 5 to 95 % | |", "|---|---:|---:|---|"]
        for m, name in enumerate(self.names):
            verdict = (
                "" if self.inside_M[m] else "**outside**" if self.judged_M[m] else "not judged"
            )
            band = f"{low_M[m]:.3f} to {high_M[m]:.3f}" if np.isfinite(low_M[m]) else "–"
            real = f"{self.real_M[m]:.3f}" if np.isfinite(self.real_M[m]) else "–"
            lines.append(f"| {name} | {real} | {band} | {verdict} |")
        return "\n".join([*lines, "", self.verdict()])

    def verdict(self) -> str:
        """How many statistics are inside, and how many a true scenario would have outside."""
        judged, inside = np.count_nonzero(self.judged_M), np.count_nonzero(self.inside_M)
        chance, visits = self.outside_by_chance(), self.real_paths["mean reward"].size
        return (
            f"{inside} of {judged} statistics inside, {judged - inside} outside. Were the scenario "
            f"true, {_BY_CHANCE * judged:.1f} would be expected outside, and they depend on each "
            f"other: of {len(chance)} replicas, each held against the others, the median has "
            f"{np.median(chance):.0f} outside and one in twenty more than "
            f"{np.percentile(chance, BAND[1]):.0f}. {self.tasks} tasks, {visits} visits each; "
            f"{self.dropped} tasks with fewer visits left out."
        )


def check(scenario: Scenario, trace: Trace, replicas: int) -> Check:
    """Holds a log against replicas of a scenario: seeds 0, 1, ... under epoch shuffle.

    Each replica is observed as the log is: as many tasks, drawn at random from its pool, at as many
    visits with as many rollouts.

    Raises:
        ValueError: for a log with too few visits or more tasks than the scenario's pool, too few
            replicas, or a pool so large that its tasks would not be visited as often.
    """
    rates_KV, dropped = _dense(trace)
    tasks, visits = rates_KV.shape
    scenario = resized(scenario, group_size=trace.group_size)
    _require_comparable(scenario, tasks, visits, replicas)
    observed = [_observed(visited(scenario, seed, visits), tasks, seed) for seed in range(replicas)]
    figures = [statistics(rates, trace.group_size) for rates in (rates_KV, *observed)]
    lines = [paths(rates) for rates in observed]
    return Check(
        tuple(figures[0]),
        np.array(list(figures[0].values())),
        np.array([list(figure.values()) for figure in figures[1:]]),
        paths(rates_KV),
        {name: np.array([line[name] for line in lines]) for name in lines[0]},
        tasks,
        dropped,
    )


def _dense(trace: Trace) -> tuple[Floats, int]:
    """Rates of the tasks with many visits, cut to equal length, and how many tasks are left out."""
    visits = int(np.quantile(trace.visits_K, _COMPLETE, method="lower"))
    if visits < FEWEST_VISITS:
        raise ValueError(
            f"19 in 20 tasks have {visits} visits or more; a check needs {FEWEST_VISITS}: "
            "log a longer run, or one that visits every task"
        )
    successes_KV, trials_KV = trace.counts_KV()
    kept_K = trace.visits_K >= visits
    rates_KV = successes_KV[kept_K, :visits] / trials_KV[kept_K, :visits]
    return rates_KV, int(np.count_nonzero(~kept_K))


def _require_comparable(scenario: Scenario, tasks: int, visits: int, replicas: int) -> None:
    if replicas < _FEWEST_REPLICAS:
        raise ValueError(f"replicas is {replicas}; a band needs at least {_FEWEST_REPLICAS}")
    if tasks > scenario.num_tasks:
        raise ValueError(
            f"the log has {tasks} tasks, the scenario's pool {scenario.num_tasks}: "
            "give the pool size of the run"
        )
    steps = steps_for(scenario, visits)
    if steps > _LONGEST_RUN:
        raise ValueError(
            f"visiting {scenario.num_tasks} tasks {visits} times takes {steps} steps, more than "
            f"{_LONGEST_RUN}: give the pool and batch size of the run"
        )


def _observed(rates_NV: Floats, tasks: int, seed: int) -> Floats:
    rng = np.random.default_rng([_SAMPLE_KEY, seed])
    return rates_NV[rng.permutation(len(rates_NV))[:tasks]]

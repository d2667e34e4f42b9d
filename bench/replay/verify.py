"""Off-policy estimates held against the truth, on simulated runs.

    python -m bench.replay.verify --logs 60 --out docs/research/results/replay

A run is logged under a rule of choice whose chances are known. Selectors are taken through the log
and asked what they would choose; what the log says of those choices is compared with what the
learner's true solve rates say of the very same ones, and with runs in which the selector really
chose.
"""

import argparse
import itertools
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

import numpy as np

from backends import run, simulate
from backends.files import atomic
from backends.replay import informative_chance
from bench import stats
from bench.replay.chances import Chances, chances
from bench.replay.log import Log, log_of
from bench.replay.offpolicy import OffPolicy, off_policy
from bench.replay.walk import made, walk
from bench.strategies import make_strategy
from bench.tables import Table, interval, number
from bots._types import Bools, Floats, Ints
from bots.live import LiveSelector
from simulator import SCENARIOS, Scenario
from simulator.calibration.trace import from_columns

LOGGERS = ("uniform", "shuffle", "bots-live:coverage=0.2")
JUDGED = ("mopps", "bots", "bots-greedy", "residual-memory")
_RUN = 15  # sets generators apart from other uses of the seed


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """A simulated run.

    Attributes:
        log: of it.
        chances_T: that each task had.
        true_TN: the solve rates from which rewards were drawn.
    """

    log: Log
    chances_T: Sequence[Chances]
    true_TN: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One way to log and one selector, over L logs.

    Attributes:
        logger: chose the logged batches.
        judged: the selector that was asked.
        found_L: what the log said.
        exact_L: expected share of informative groups among the same choices.
        own_L: share of informative groups in a run that the selector chose itself.
    """

    logger: str
    judged: str
    found_L: tuple[OffPolicy, ...]
    exact_L: Floats
    own_L: Floats

    @property
    def error_L(self) -> Floats:
        """Estimate minus exact value."""
        return np.array([found.share.value for found in self.found_L]) - self.exact_L

    @property
    def inside_L(self) -> Bools:
        """Which intervals hold the exact value."""
        low_L = np.array([found.share.low for found in self.found_L])
        high_L = np.array([found.share.high for found in self.found_L])
        return (low_L <= self.exact_L) & (self.exact_L <= high_L)


def record(scenario: Scenario, logger: str, seed: int) -> Recorded:
    """One run of the scenario under a rule of choice, logged with its chances.

    Args:
        scenario: as long as it is.
        logger: `uniform`, `shuffle`, or a `LiveSelector` of the roster with a coverage floor.
        seed: of pool, learner and choices.
    """
    backend, truth = simulate(scenario, seed)
    entropy = np.random.SeedSequence([_RUN, crc32(logger.encode()), seed])
    selector = make_strategy(logger, backend.pool, np.random.default_rng(entropy), None).selector
    rows: list[tuple[Ints, Floats, Floats]] = []
    true_TN = np.empty((scenario.steps, scenario.num_tasks))
    for step in range(scenario.steps):
        true_TN[step] = truth.solve_rates()
        batch_id, inclusion_B = None, np.ones(scenario.batch_size)
        if isinstance(selector, LiveSelector):
            drawn = selector.draw(scenario.batch_size)
            ids_B, inclusion_B, batch_id = drawn.task_ids_B, drawn.inclusion_B, drawn.batch_id
        else:
            ids_B = selector.select(scenario.batch_size)
        batch = backend.rollout(ids_B, scenario.group_size)
        backend.train(batch)
        for told in backend.deliver(batch):
            selector.update(replace(told, batch_id=batch_id))
        rows.append((ids_B, batch.rewards_BG.sum(axis=1), inclusion_B))
    log = _log(scenario, rows, dict(backend.pool.references))
    chances_T = chances(log, logger if logger in ("uniform", "shuffle") else None)
    assert chances_T is not None
    return Recorded(log, chances_T, true_TN[:, log.trace.names_K.astype(np.int64)])


def _log(
    scenario: Scenario, rows: Sequence[tuple[Ints, Floats, Floats]], references: dict[str, Floats]
) -> Log:
    """The rows as a log, in the order of a trace's."""
    task_R, solved_R, inclusion_R = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    step_R = np.repeat(np.arange(len(rows)), scenario.batch_size)
    names_R = np.array([f"{task:09d}" for task in task_R])
    tried_R = np.full(task_R.size, scenario.group_size)
    trace = from_columns(names_R, step_R, solved_R.astype(np.int64), tried_R, by_step=True)
    order = np.lexsort((step_R, names_R))
    columns = {f"reference/{name}": rates_N[task_R] for name, rates_N in references.items()}
    columns["inclusion"] = inclusion_R
    return log_of(trace, {name: values_R[order] for name, values_R in columns.items()})


def exact(recorded: Recorded, asked_TB: Ints, group_size: int) -> float:
    """Expected share of informative groups among the covered choices, at the true solve rates."""
    sums = np.zeros(2)
    for true_N, of_step, asked_B in zip(
        recorded.true_TN, recorded.chances_T, asked_TB, strict=True
    ):
        covered = asked_B[of_step.reached_N[asked_B]]
        sums += informative_chance(true_N[covered], group_size).sum(), covered.size
    return float(sums[0] / sums[1])


def own_share(scenario: Scenario, spec: str, seed: int) -> float:
    """Share of informative groups in a run of the scenario that the strategy chose."""
    backend, _ = simulate(scenario, seed)
    entropy = np.random.SeedSequence([_RUN, crc32(spec.encode()), seed])
    selector = make_strategy(spec, backend.pool, np.random.default_rng(entropy), None).selector
    records = run(backend, selector, scenario.batch_size, scenario.group_size)
    shares = [
        record.generated.informative_B.mean()
        for record in itertools.islice(records, scenario.steps)
    ]
    return float(np.mean(shares))


def verify(
    scenario: Scenario, loggers: Sequence[str], judged: Sequence[str], seeds: Sequence[int]
) -> list[Case]:
    """Every selector asked along every log, one log per seed and logger."""
    own = {spec: np.array([own_share(scenario, spec, seed) for seed in seeds]) for spec in judged}
    cases = []
    for logger in loggers:
        found: dict[str, list[OffPolicy]] = {spec: [] for spec in judged}
        true: dict[str, list[float]] = {spec: [] for spec in judged}
        for seed in seeds:
            recorded = record(scenario, logger, seed)
            for spec in judged:
                selector = made(recorded.log, spec, seed).selector
                asked_TB = walk(recorded.log, selector, scenario.batch_size).asked_TB
                found[spec].append(off_policy(recorded.log, recorded.chances_T, asked_TB, seed))
                true[spec].append(exact(recorded, asked_TB, scenario.group_size))
        cases += [
            Case(logger, spec, tuple(found[spec]), np.array(true[spec]), own[spec])
            for spec in judged
        ]
    return cases


def table(cases: Sequence[Case]) -> Table:
    """Estimates beside exact values and runs of the selector's own."""
    headings = (
        "logged by",
        "asked",
        "exact, mean",
        "estimate − exact, mean",
        "95 % intervals that hold the exact value",
        "half width",
        "coverage",
        "worth groups",
        "own runs",
    )
    return Table("Off-policy estimates", headings, tuple(_row(case) for case in cases))


def _row(case: Case) -> tuple[str, ...]:
    half = np.mean([(found.share.high - found.share.low) / 2 for found in case.found_L])
    return (
        case.logger,
        case.judged,
        number(float(case.exact_L.mean()), 3),
        interval(stats.paired(case.error_L), 4, signed=True),
        interval(stats.proportion(case.inside_L.astype(np.float64)), 2),
        number(float(half), 3),
        f"{np.mean([found.coverage for found in case.found_L]):.0%}",
        f"{np.mean([found.effective for found in case.found_L]):.0f}",
        interval(stats.paired(case.own_L), 3),
    )


def small_scenario(num_tasks: int = 600, steps: int = 200) -> Scenario:
    """The catalogue's base scenario, small enough to be logged many times."""
    return replace(
        SCENARIOS["base"],
        etr=None,
        num_tasks=num_tasks,
        num_heldout=50,
        batch_size=32,
        group_size=8,
        steps=steps,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes `verification-TASKS.md` into a folder; 0."""
    parser = argparse.ArgumentParser(prog="python -m bench.replay.verify")
    parser.add_argument("--logs", type=int, default=60, help="per way to log")
    parser.add_argument("--tasks", type=int, default=600, help="in the pool")
    parser.add_argument("--logger", action="append", help=f"of {LOGGERS}; repeatable")
    parser.add_argument("--out", default="results/replay", help="default results/replay")
    options = parser.parse_args(arguments)
    given = sys.argv[1:] if arguments is None else arguments
    scenario = small_scenario(options.tasks)
    cases = verify(scenario, options.logger or LOGGERS, JUDGED, range(options.logs))
    inside_C = np.array([case.inside_L.mean() for case in cases])
    text = (
        "# Off-policy estimates beside the truth\n\n"
        f"    {shlex.join(['python', '-m', 'bench.replay.verify', *given])}\n\n"
        f"Scenario base with {scenario.num_tasks} tasks, {scenario.steps} steps of "
        f"{scenario.batch_size} x {scenario.group_size} rollouts; {options.logs} logs per way to "
        f"log. Of all {len(cases) * options.logs:,} intervals {inside_C.mean():.3f} hold the exact "
        "value. Student's and Wilson's intervals over logs.\n\n" + table(cases).markdown() + "\n"
    )
    path = Path(options.out) / f"verification-{options.tasks}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

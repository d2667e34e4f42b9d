"""What strategies would select on tasks whose solve rates move as they did in a log."""

import itertools
from dataclasses import dataclass

import numpy as np

from backends import replay, run
from backends.replay import informative_chance
from backends.replay_rates import LoggedRates, logged_rates
from bench.replay.log import Log
from bench.replay.walk import made
from bots._types import Floats


@dataclass(frozen=True, slots=True)
class Sizes:
    """How long and how large the replayed runs are."""

    steps: int
    batch_size: int
    group_size: int


@dataclass(frozen=True, slots=True, eq=False)
class Selected:
    """What a strategy got, seed by seed.

    Attributes:
        informative_S: share of informative groups among all that were generated.
        distinct_S: tasks that were rolled out at least once.
    """

    informative_S: Floats
    distinct_S: Floats


def selected(log: Log, spec: str, sizes: Sizes, seeds: int, rates: LoggedRates) -> Selected:
    """Runs a strategy on the log's rates; equal seeds have equal rates and rollouts."""
    figures = [_one(log, spec, sizes, seed, rates) for seed in range(seeds)]
    informative_S, distinct_S = np.array(figures).T
    return Selected(informative_S, distinct_S)


def _one(log: Log, spec: str, sizes: Sizes, seed: int, rates: LoggedRates) -> tuple[float, float]:
    backend, _ = replay(
        log.trace, log.pool, seed, log.steps_per_visit, _tokens_per_rollout(log), rates
    )
    strategy = made(log, spec, seed)
    groups, informative, seen_N = 0, 0, np.zeros(log.pool.num_tasks, dtype=np.bool_)
    records = run(
        backend,
        strategy.selector,
        sizes.batch_size,
        sizes.group_size,
        strategy.collector,
        thinning=strategy.thinning,
    )
    for record in itertools.islice(records, sizes.steps):
        groups += record.generated.num_groups
        informative += int(record.generated.informative_B.sum())
        seen_N[record.generated.task_ids_B] = True
    return informative / groups, float(seen_N.sum())


def rates_of(log: Log) -> LoggedRates:
    """What the log says of its tasks' rates."""
    return logged_rates(log.trace, log.steps_per_visit)


def own_groups(log: Log, rates: LoggedRates, seeds: int) -> float:
    """Share of the log's own groups that are informative under replayed rates, in expectation.

    Beside the share that was logged it says how faithful the replay is.
    """
    place = log.trace.task_R, log.trace.visit_R
    drawn = np.array(
        [rates.draw(np.random.default_rng(seed)).rates_KV[place] for seed in range(seeds)]
    )
    return float(informative_chance(drawn, log.trace.trials_R).mean())


def _tokens_per_rollout(log: Log) -> Floats | None:
    if log.tokens_R is None:
        return None
    tokens_N = np.bincount(log.trace.task_R, log.tokens_R, log.pool.num_tasks)
    tried_N = np.bincount(log.trace.task_R, log.trace.trials_R, log.pool.num_tasks)
    return np.maximum(tokens_N / tried_N, 1.0)

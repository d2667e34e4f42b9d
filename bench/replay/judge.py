"""Every strategy of a list judged on one log."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench import stats
from bench.replay.chances import Chances
from bench.replay.log import Log
from bench.replay.offpolicy import OffPolicy, off_policy
from bench.replay.scores import loss_over, scores
from bench.replay.selected import Selected, Sizes, own_groups, rates_of, selected
from bench.replay.trivial import OWN, trivial
from bench.replay.walk import Walked, made, walk
from bench.stats import Estimate
from bench.strategies import REFERENCE
from bots import OneRound
from bots._types import Floats

_IN_ORDER = (  # strategies that walk along an order, and so stand still when merely asked
    "shuffle",
    "easy-to-hard",
    "offline-filter",
    "hardest-decile",
    "e2h-cosine",
    "e2h-gaussian",
    "exclude-solved",
    "prompt-replay",
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of one strategy.

    Attributes:
        strategy: its name.
        scores: of its beliefs; None: it has none.
        informative: share of informative groups on the replay.
        over: the same above shuffle's, paired.
        distinct: tasks that it rolled out there, mean over seeds.
        off_policy: what the log alone says; None: nothing.
        refusal: why the log says nothing, where it was asked.
    """

    strategy: str
    scores: dict[str, Estimate] | None
    informative: Estimate
    over: Estimate
    distinct: float
    off_policy: OffPolicy | None = None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """All verdicts about one log.

    Attributes:
        verdicts: shuffle's first.
        trivial: scores of estimators that anyone can write down, by name.
        sizes: of the replayed runs.
        seeds: how many.
        logged: share of the log's groups that are informative.
        replayed: of the same groups, in expectation, under the replay's rates.
        reach: see `LoggedRates`.
        strength: likewise.
        anyone: off-policy estimate for a choice that ignores results, where there is one.
    """

    verdicts: tuple[Verdict, ...]
    trivial: dict[str, dict[str, Estimate]]
    sizes: Sizes
    seeds: int
    logged: float
    replayed: float
    reach: float
    strength: float
    anyone: OffPolicy | None


def judge(
    log: Log,
    specs: Sequence[str],
    sizes: Sizes,
    seeds: int,
    chances_T: Sequence[Chances] | None = None,
) -> Judged:
    """Judges beliefs and choices of the strategies, shuffle among them.

    Args:
        log: the run.
        specs: see `make_strategy`.
        sizes: of the runs on the replay, and of the batches asked for.
        seeds: of the runs on the replay; beliefs and off-policy choices are those of seed 0.
        chances_T: of the log's batches; None: not known, and nothing is estimated off-policy.

    Raises:
        ValueError: for a strategy that cannot be built on the log's pool.
    """
    own_R = trivial(log)[OWN]
    rates, specs = rates_of(log), list(dict.fromkeys([REFERENCE, *specs]))
    runs = {spec: selected(log, spec, sizes, seeds, rates) for spec in specs}
    verdicts = []
    for spec in specs:
        asks = chances_T is not None and _answers(log, spec)
        walked = walk(log, made(log, spec, 0).selector, sizes.batch_size if asks else 0)
        off, refusal = (None, "") if not asks else _off_policy(log, chances_T or (), walked)
        found = None if walked.predicted_R is None else _scored(walked.predicted_R, own_R, log)
        verdicts.append(_verdict(spec, runs, found, off, refusal))
    everyone = [np.arange(log.pool.num_tasks)] * len(chances_T or ())
    return Judged(
        tuple(verdicts),
        {name: _scored(rates_R, own_R, log) for name, rates_R in trivial(log).items()},
        sizes,
        seeds,
        float(log.informative_R.mean()),
        own_groups(log, rates, seeds),
        rates.reach,
        rates.strength,
        None if chances_T is None else off_policy(log, chances_T, everyone),
    )


def _answers(log: Log, spec: str) -> bool:
    """Whether what it selects says what it would train on, and depends on what was learnt."""
    strategy = made(log, spec, 0)
    return isinstance(strategy.collector, OneRound) and spec.split(":")[0] not in _IN_ORDER


def _off_policy(
    log: Log, chances_T: Sequence[Chances], walked: Walked
) -> tuple[OffPolicy | None, str]:
    try:
        return off_policy(log, chances_T, walked.asked_TB), ""
    except ValueError as error:
        return None, str(error)


def _scored(predicted_R: Floats, own_R: Floats, log: Log) -> dict[str, Estimate]:
    return scores(predicted_R, log) | {"over_own": loss_over(predicted_R, own_R, log)}


def _verdict(
    spec: str,
    runs: dict[str, Selected],
    found: dict[str, Estimate] | None,
    off: OffPolicy | None,
    refusal: str,
) -> Verdict:
    own, reference = runs[spec], runs[REFERENCE]
    return Verdict(
        spec,
        found,
        stats.paired(own.informative_S),
        stats.paired(own.informative_S - reference.informative_S),
        float(own.distinct_S.mean()),
        off,
        refusal,
    )

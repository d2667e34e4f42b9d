"""Strategies that roll tasks out first, and keep or drop groups afterwards."""

import numpy as np

from bench.entry import Entry, Span, Strategy
from bots import Pool
from bots.baselines import DynamicSampling, ShuffleSelector
from bots.baselines.filters.balanced import BalancedFilter
from bots.baselines.filters.greso import AdaptiveBatches, GRESOSelector
from bots.baselines.filters.lilo import Learnability
from bots.baselines.filters.speed import Screening
from bots.baselines.filters.vcrl import MemoryBank, VCRLSelector


def _dapo(
    pool: Pool,
    rng: np.random.Generator,
    max_rounds: int = 10,
    oversample: float = 1.0,
    refill: bool = False,
) -> Strategy:
    return Strategy(ShuffleSelector(pool, rng), DynamicSampling(max_rounds, oversample, refill))


def _dapo_refill(pool: Pool, rng: np.random.Generator, max_rounds: int = 30) -> Strategy:
    return _dapo(pool, rng, max_rounds, refill=True)


def _balanced(
    pool: Pool,
    rng: np.random.Generator,
    low: float = 0.25,
    high: float = 0.75,
    max_rounds: int = 30,
) -> Strategy:
    return Strategy(ShuffleSelector(pool, rng), BalancedFilter(low, high, max_rounds))


def _speed(
    pool: Pool,
    rng: np.random.Generator,
    initial: int = 4,
    oversample: float = 4.0,
    low: float = 0.0,
    high: float = 1.0,
    max_rounds: int = 50,
) -> Strategy:
    collector = Screening(pool.num_tasks, initial, oversample, low, high, max_rounds)
    return Strategy(ShuffleSelector(pool, rng), collector)


def _greso(
    pool: Pool,
    rng: np.random.Generator,
    explore: float = 0.5,
    uninformative: float = 0.25,
    easy: float = 0.98,
    hard: float = 0.0,
    largest: float = 1.5,
    max_rounds: int = 10,
) -> Strategy:
    selector = GRESOSelector(pool, rng, explore, uninformative, easy, hard)
    return Strategy(selector, AdaptiveBatches(pool.num_tasks, largest, max_rounds))


def _lilo(pool: Pool, rng: np.random.Generator, ratio: float = 4.0) -> Strategy:
    return Strategy(ShuffleSelector(pool, rng), Learnability(pool.num_tasks, ratio))


def _vcrl(
    pool: Pool,
    rng: np.random.Generator,
    early: float = 0.3,
    late: float = 0.8,
    warmup: int = 20,
    momentum: float = 0.9,
) -> Strategy:
    selector = VCRLSelector(pool, rng, early, late, warmup, momentum)
    return Strategy(selector, MemoryBank(selector))


ENTRIES = {
    "dapo": Entry(
        "epoch order in rounds of B until B groups are informative",
        _dapo,
        described=DynamicSampling,
        space={"max_rounds": Span(2, 10, whole=True), "oversample": Span(1.0, 3.0)},
    ),
    "dapo-refill": Entry(
        "the same, each round only as large as needed",
        _dapo_refill,
        described=DynamicSampling,
        space={"max_rounds": Span(2, 30, whole=True)},
    ),
    "balanced-filter": Entry(
        "rounds until B groups are solved about half the time",
        _balanced,
        described=BalancedFilter,
        space={
            "low": Span(0.0, 0.4),
            "high": Span(0.6, 1.0),
            "max_rounds": Span(2, 30, whole=True),
        },
    ),
    "speed": Entry(
        "a few rollouts screen a task, the rest only if both outcomes occurred",
        _speed,
        described=Screening,
        space={
            "initial": Span(2, 8, whole=True),
            "oversample": Span(1.0, 8.0, log=True),
            "low": Span(0.0, 0.4),
            "high": Span(0.6, 1.0),
        },
    ),
    "greso": Entry(
        "skips tasks whose last groups taught nothing, refills in adaptive batches",
        _greso,
        described=GRESOSelector,
        space={
            "explore": Span(0.1, 0.95),
            "uninformative": Span(0.05, 0.6),
            "largest": Span(1.0, 3.0),
        },
    ),
    "lilo": Entry(
        "of 4 B candidates that are rolled out, the B of largest p (1 - p)",
        _lilo,
        described=Learnability,
        space={"ratio": Span(1.0, 8.0, log=True)},
    ),
    "vcrl": Entry(
        "drops groups of low variance, fills up from a bank of tasks of high variance",
        _vcrl,
        described=VCRLSelector,
        space={
            "early": Span(0.05, 0.8),
            "late": Span(0.1, 0.95),
            "warmup": Span(0, 100, whole=True),
            "momentum": Span(0.0, 0.99),
        },
    ),
}

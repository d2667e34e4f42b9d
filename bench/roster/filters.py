"""Strategies that roll tasks out first, and keep or drop groups afterwards."""

import numpy as np

from bench.entry import Entry, Span, Strategy
from bots import Pool
from bots.baselines import DynamicSampling, ShuffleSelector


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


ENTRIES = {
    "dapo": Entry(
        "epoch order in rounds of B until B groups are informative",
        _dapo,
        described=DynamicSampling,
        space={"max_rounds": Span(1, 10, whole=True), "oversample": Span(0.5, 3.0)},
    ),
    "dapo-refill": Entry(
        "the same, each round only as large as needed",
        _dapo_refill,
        described=DynamicSampling,
        space={"max_rounds": Span(1, 30, whole=True)},
    ),
}

"""Strategies that predict solve rates from features of the tasks."""

from typing import Any

import numpy as np

from bench.entry import Entry, Span, Strategy
from bots import Pool
from bots.baselines.predictors.anchored import AnchoredRounds
from bots.baselines.predictors.dots import DOTSSelector
from bots.baselines.predictors.gaussian_process import GaussianProcessSelector
from bots.baselines.predictors.logistic import LogisticSelector
from bots.baselines.predictors.pcl import PCLSelector


def _dots(
    pool: Pool, rng: np.random.Generator, anchor_rollouts: int = 8, **options: Any
) -> Strategy:
    selector = DOTSSelector(pool, rng, **options)
    return Strategy(selector, AnchoredRounds(selector, anchor_rollouts))


def _dots_replay(
    pool: Pool,
    rng: np.random.Generator,
    anchor_rollouts: int = 8,
    fresh: float = 0.5,
    capacity: int = 512,
    **options: Any,
) -> Strategy:
    selector = DOTSSelector(pool, rng, **options)
    return Strategy(selector, AnchoredRounds(selector, anchor_rollouts, fresh, capacity))


_ANCHORS = {
    "anchors": Span(32, 512, log=True, whole=True),
    "period": (1, 2, 4, 8, 16),
    "attention": Span(0.1, 3.0, log=True),
}

ENTRIES = {
    "pcl": Entry(
        "a value model on features judges random candidates",
        PCLSelector,
        ("features",),
        space={
            "candidate_ratio": Span(2, 32, log=True, whole=True),
            "learning_rate": Span(0.5, 32, log=True),
            "target": Span(0.3, 0.7),
        },
    ),
    "dots": Entry(
        "attention to anchors that are rolled out every other step",
        _dots,
        ("features",),
        described=DOTSSelector,
        space={**_ANCHORS, "temperature": Span(1e-4, 0.1, log=True)},
    ),
    "dots-replay": Entry(
        "the same, with half of each batch replayed from earlier steps",
        _dots_replay,
        ("features",),
        described=AnchoredRounds,
        space=_ANCHORS,
    ),
    "logistic": Entry(
        "Bayesian logistic regression on features, drawn from, with diverse batches",
        LogisticSelector,
        ("features",),
        space={
            "forgetting": Span(0.003, 0.5, log=True),
            "correlation": Span(0.03, 1.0, log=True),
            "diversity": Span(0.0, 0.3),
            "target": Span(0.3, 0.7),
        },
    ),
    "gaussian-process": Entry(
        "Gaussian-process regression on features and time, with diverse batches",
        GaussianProcessSelector,
        ("features",),
        space={
            "length": Span(0.3, 3.0, log=True),
            "horizon": Span(3, 100, log=True),
            "candidate_ratio": Span(2, 32, log=True, whole=True),
            "diversity": Span(0.0, 0.3),
        },
    ),
}

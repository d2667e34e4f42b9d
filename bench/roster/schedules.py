"""Orders that are fixed, or follow labels known beforehand."""

import numpy as np

from bench.entry import Entry, Span
from bots import Pool
from bots.baselines.schedules.adarft import AdaRFTSelector
from bots.baselines.schedules.e2h import E2HSelector
from bots.baselines.schedules.easy_to_hard import EasyToHardSelector
from bots.baselines.schedules.hardest_decile import HardestDecileSelector
from bots.baselines.schedules.offline_filter import OfflineFilterSelector
from bots.baselines.schedules.shuffle import ShuffleSelector
from bots.baselines.schedules.uniform import UniformSelector

_LEVELS = Span(2, 10, log=True, whole=True)


def _e2h_cosine(
    pool: Pool, rng: np.random.Generator, steps: int = 200, levels: int = 4
) -> E2HSelector:
    return E2HSelector(pool, rng, "cosine", levels, steps)


def _e2h_gaussian(
    pool: Pool,
    rng: np.random.Generator,
    steps: int = 200,
    levels: int = 4,
    exponent: float = 0.5,
    width: float = 0.5,
    floor: float | None = None,
) -> E2HSelector:
    return E2HSelector(pool, rng, "gaussian", levels, steps, exponent, width, floor)


ENTRIES = {
    "shuffle": Entry("epoch order, every trainer's default; ratios refer to it", ShuffleSelector),
    "uniform": Entry("a fresh random sample at every step", UniformSelector),
    "easy-to-hard": Entry(
        "fixed order by the references' solve rates", EasyToHardSelector, ("references",)
    ),
    "offline-filter": Entry(
        "epoch order over tasks of middling weak rate",
        OfflineFilterSelector,
        ("weak",),
        space={"low": Span(0.0, 0.4), "high": Span(0.6, 1.0)},
    ),
    "hardest-decile": Entry(
        "epoch order over the tenth with the lowest weak rates",
        HardestDecileSelector,
        ("weak",),
        space={"share": Span(0.02, 0.3, log=True)},
    ),
    "adarft": Entry(
        "labels nearest a target difficulty that follows the mean reward",
        AdaRFTSelector,
        ("weak",),
        space={
            "step_size": Span(0.5, 100.0, log=True),
            "sensitivity": Span(0.5, 8.0, log=True),
            "target": Span(0.3, 0.7),
        },
    ),
    "e2h-cosine": Entry(
        "levels of difficulty, shares shifting linearly along a cosine",
        _e2h_cosine,
        ("weak",),
        paced=True,
        described=E2HSelector,
        space={"levels": _LEVELS},
    ),
    "e2h-gaussian": Entry(
        "levels of difficulty, shares a bell moving from easy to hard",
        _e2h_gaussian,
        ("weak",),
        paced=True,
        described=E2HSelector,
        space={
            "levels": _LEVELS,
            "exponent": Span(0.25, 2.0, log=True),
            "width": Span(0.25, 2.0, log=True),
        },
    ),
}

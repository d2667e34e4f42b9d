"""BOTS and its ablations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bench.entry import Entry, Span
from bots import BOTS_VARIANTS, AbstractSelector, BOTSConfig, BOTSSelector, Pool, interpolation
from bots.command_line import unknown
from bots.live import LiveConfig, LiveSelector
from bots.residual_memory import ResidualMemorySelector

_SPACE = {
    "forgetting": Span(0.003, 0.5, log=True),
    "implicit_weight": Span(0.01, 1.0, log=True),
    "target": Span(0.3, 0.7),
    "min_gap": Span(0.01, 0.3, log=True),
}
_EXPLICIT = {name: _SPACE[name] for name in ("forgetting", "target")}


def _bots(variant: str) -> Callable[..., AbstractSelector]:
    def make(
        pool: Pool,
        rng: np.random.Generator,
        momentum: float = 0.9,
        min_gap: float = 0.02,
        **options: Any,
    ) -> BOTSSelector:
        _check_options(options, (*BOTSConfig.__dataclass_fields__, "momentum", "min_gap"))
        config = replace(BOTS_VARIANTS[variant], **options)
        return BOTSSelector(
            pool, rng, config, interpolation(pool, config, momentum=momentum, min_gap=min_gap)
        )

    return make


def _live(defaults: LiveConfig) -> Callable[..., AbstractSelector]:
    def make(pool: Pool, rng: np.random.Generator, **options: Any) -> LiveSelector:
        _check_options(options, tuple(LiveConfig.__dataclass_fields__))
        return LiveSelector(pool, rng, replace(defaults, **options))

    return make


def _check_options(options: Mapping[str, Any], known: Sequence[str]) -> None:
    for name in options:
        if name not in known:
            raise ValueError(unknown("option", name, known, f"there are {', '.join(known)}"))


def _entry(variant: str, summary: str, references: bool, space: dict[str, Any]) -> Entry:
    sees = ("references",) if references else ()
    return Entry(summary, _bots(variant), sees, described=BOTSSelector, space=space, family="BOTS")


ENTRIES = {
    "bots": _entry("bots", "the paper's method with its defaults", True, _SPACE),
    "bots-greedy": _entry("bots-greedy", "BOTS by posterior mean, no draw", True, _SPACE),
    "bots-explicit": _entry(
        "bots-explicit", "BOTS without implicit evidence (rho = 0)", False, _EXPLICIT
    ),
    "bots-mopps": _entry(
        "bots-mopps",
        "BOTS without forgetting and implicit evidence",
        False,
        {"target": _SPACE["target"]},
    ),
    "bots-dots": _entry(
        "bots-dots",
        "BOTS with this step's implicit evidence only",
        True,
        {name: _SPACE[name] for name in ("target", "min_gap")},
    ),
    "bots-live": Entry(
        "BOTS for huge, changing pools and late feedback; every further option is off",
        _live(LiveConfig()),
        ("references", "domains"),
        described=LiveSelector,
        space=_SPACE,
    ),
    "bots-informative": Entry(
        "bots in two lines less: expectations, and the chance that a group is informative",
        _live(LiveConfig(thompson=False, utility="informative")),
        ("references", "domains"),
        described=LiveSelector,
        space=_EXPLICIT | {"implicit_weight": _SPACE["implicit_weight"]},
    ),
    "bots-unlabelled": Entry(
        "bots-live without reference models: an ability per domain stands in for them",
        _live(LiveConfig(predictor="logit")),
        ("domains",),
        described=LiveSelector,
        space=_EXPLICIT,
    ),
    "residual-memory": Entry(
        "beliefs in logits that remember each task, drawn by expected variance and past visits",
        ResidualMemorySelector,
        ("references", "domains"),
        space={
            "target": _SPACE["target"],
            "repetition": Span(4.0, 256.0, log=True),
            "drift": Span(0.05, 0.8, log=True),
        },
    ),
}

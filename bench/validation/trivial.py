"""Predictions that need no simulator, as a yardstick."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.metrics import Floats
from bench.paper import PUBLISHED
from bench.strategies import REFERENCE
from bench.validation.agreement import kendall
from bench.validation.outcomes import Outcomes

_AS_PUBLISHED = {"mopps": "bots-mopps"}  # under what name the paper has it


@dataclass(frozen=True, slots=True)
class Trivial:
    """A ranking and how well it agrees.

    Attributes:
        name: what it ranks by.
        strategies: those it ranks.
        kendall: its agreement with the real gains over shuffle of these.
    """

    name: str
    strategies: tuple[str, ...]
    kendall: float


def trivial(real: Outcomes) -> tuple[Trivial, ...]:
    """By the paper's table, and by the share of informative groups early in the real runs."""
    published = _published(real)
    early = {name: float(real.etr_PW()[p, 0]) for p, name in enumerate(real.strategies)}
    return (
        _judged("the paper's TTB at 100 %", published, real),
        _judged("share of informative groups in the real runs' first eighth", early, real),
    )


def _published(real: Outcomes) -> dict[str, float]:
    """Speed at 100 %, shuffle's being 1, of the strategies that the paper compares."""
    rows = {name: PUBLISHED.get(_AS_PUBLISHED.get(name, name)) for name in real.strategies}
    speeds = {name: 1 / row.ttb100 for name, row in rows.items() if row is not None}
    return {REFERENCE: 1.0, **speeds}


def _judged(name: str, scores: Mapping[str, float], real: Outcomes) -> Trivial:
    ranked = real.take([each for each in real.strategies if each in scores])
    values_P: Floats = np.array([scores[each] for each in ranked.strategies])
    tau = kendall(ranked.relative_P()[None], values_P[None])[0]
    return Trivial(name, ranked.strategies, float(tau))

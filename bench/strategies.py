"""The roster: strategies by name, with options, or by import path."""

import ast
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from backends import AbstractTruth
from bench.oracles import oracle_gain, oracle_target
from bots import (
    BOTS_VARIANTS,
    AbstractCollector,
    AbstractSelector,
    BOTSConfig,
    BOTSSelector,
    OneRound,
    Pool,
    interpolation,
)
from bots.baselines import (
    DynamicSampling,
    EasyToHardSelector,
    MoPPSSelector,
    ShuffleSelector,
    UniformSelector,
)


@dataclass(frozen=True, slots=True)
class Strategy:
    """A selector, and how its choices become a batch."""

    selector: AbstractSelector
    collector: AbstractCollector = field(default_factory=OneRound)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the roster. `make(pool, rng, **options)`; an oracle's also takes `truth`."""

    summary: str
    make: Callable[..., AbstractSelector | Strategy]
    oracle: bool = False


def _bots(variant: str) -> Callable[..., AbstractSelector]:
    def make(
        pool: Pool,
        rng: np.random.Generator,
        momentum: float = 0.9,
        min_gap: float = 0.5,
        **options: Any,
    ) -> BOTSSelector:
        known = sorted(BOTSConfig.__dataclass_fields__)
        unknown = set(options) - set(known)
        if unknown:
            raise ValueError(
                f"BOTS has no option {sorted(unknown)}; it has {known}, momentum and min_gap"
            )
        config = replace(BOTS_VARIANTS[variant], **options)
        return BOTSSelector(
            pool, rng, config, interpolation(pool, config, momentum=momentum, min_gap=min_gap)
        )

    return make


def _dapo(pool: Pool, rng: np.random.Generator, max_rounds: int = 10) -> Strategy:
    return Strategy(ShuffleSelector(pool, rng), DynamicSampling(max_rounds))


STRATEGIES = {
    "shuffle": Entry(
        "epoch order, the default of every trainer; ratios refer to it", ShuffleSelector
    ),
    "uniform": Entry("a fresh random sample at every step", UniformSelector),
    "easy-to-hard": Entry("fixed order by the references' solve rates", EasyToHardSelector),
    "mopps": Entry("Thompson sampling among random candidates, decay on visit only", MoPPSSelector),
    "dapo": Entry("epoch order, oversampled until every group is informative", _dapo),
    "bots": Entry("the paper's method with its defaults", _bots("bots")),
    "bots-explicit": Entry("BOTS without implicit evidence (rho = 0)", _bots("bots-explicit")),
    "bots-mopps": Entry("BOTS without forgetting or implicit evidence", _bots("bots-mopps")),
    "bots-dots": Entry("BOTS with nothing but this step's implicit evidence", _bots("bots-dots")),
    "bots-greedy": Entry("BOTS by posterior mean instead of a draw", _bots("bots-greedy")),
    "oracle-target": Entry("true solve rate nearest 0.5", oracle_target, oracle=True),
    "oracle-gain": Entry("largest true expected gain", oracle_gain, oracle=True),
}

REFERENCE = "shuffle"


def make_strategy(
    spec: str, pool: Pool, rng: np.random.Generator, truth: AbstractTruth | None
) -> Strategy:
    """The strategy that `spec` names.

    `spec` is a name of the roster or an import path `package.module:factory`, either optionally
    followed by options: `bots:implicit_weight=0.2,thompson=False`. A factory is called as
    `factory(pool, rng, **options)` and returns a selector or a `Strategy`. Only the roster's
    oracles are handed the truth.

    Raises:
        ValueError: when the name, the import or an option is unknown.
    """
    entry, options = _resolve(spec)
    given = {**options, "truth": truth} if entry.oracle else options
    try:
        inspect.signature(entry.make).bind(pool, rng, **given)
    except TypeError as error:
        raise ValueError(f"strategy {spec!r}: {error}; see its factory for the options") from None
    made = entry.make(pool, rng, **given)
    return made if isinstance(made, Strategy) else Strategy(made)


def check_spec(spec: str) -> None:
    """Raises the error that `make_strategy` would raise about the name, import or option syntax."""
    _resolve(spec)


def is_oracle(spec: str) -> bool:
    """Whether the strategy sees the truth."""
    return _resolve(spec)[0].oracle


def _resolve(spec: str) -> tuple[Entry, dict[str, Any]]:
    name, *rest = spec.split(":")
    if name in STRATEGIES and len(rest) <= 1:
        return STRATEGIES[name], _options(spec, rest)
    if rest and "=" not in rest[0] and len(rest) <= 2:
        return Entry(spec, _imported(name, rest[0])), _options(spec, rest[1:])
    raise ValueError(
        f"there is no strategy {name!r}; choose one of {', '.join(STRATEGIES)}, or an import path "
        "package.module:factory"
    )


def _options(spec: str, rest: list[str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for part in rest[0].split(",") if rest else []:
        key, equals, value = part.partition("=")
        if not equals or not key.isidentifier():
            raise ValueError(f"strategy {spec!r}: option {part!r} must have the form key=value")
        try:
            options[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            options[key] = value
    return options


def _imported(module: str, attribute: str) -> Callable[..., Any]:
    try:
        factory = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"cannot import {module}:{attribute}: {error}; it must be importable from the folder "
            "in which the command is run"
        ) from None
    if not callable(factory):
        raise ValueError(f"{module}:{attribute} is not callable; it must be a factory(pool, rng)")
    return factory

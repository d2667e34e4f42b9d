"""The roster: strategies by name, with options, or by import path."""

import ast
import hashlib
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
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
    """A line of the roster.

    Attributes:
        summary: one line.
        make: called as `make(pool, rng, **options)`; an oracle's also takes `truth`.
        references: whether it may see reference solve rates; they cost rollouts, made beforehand,
            which the report shows. Without, its pool has none.
        oracle: whether it sees the truth.
    """

    summary: str
    make: Callable[..., AbstractSelector | Strategy]
    references: bool = False
    oracle: bool = False


def _bots(variant: str) -> Callable[..., AbstractSelector]:
    def make(
        pool: Pool,
        rng: np.random.Generator,
        momentum: float = 0.9,
        min_gap: float = 0.02,
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


STRATEGIES = {
    "shuffle": Entry("epoch order, every trainer's default; ratios refer to it", ShuffleSelector),
    "uniform": Entry("a fresh random sample at every step", UniformSelector),
    "easy-to-hard": Entry("fixed order by the references' solve rates", EasyToHardSelector, True),
    "mopps": Entry("Thompson sampling among random candidates, decay on visit", MoPPSSelector),
    "dapo": Entry("epoch order in rounds of B until B groups are informative", _dapo),
    "dapo-refill": Entry("the same, each round only as large as needed", _dapo_refill),
    "bots": Entry("the paper's method with its defaults", _bots("bots"), True),
    "bots-explicit": Entry("BOTS without implicit evidence (rho = 0)", _bots("bots-explicit")),
    "bots-mopps": Entry("BOTS without forgetting and implicit evidence", _bots("bots-mopps")),
    "bots-dots": Entry("BOTS with this step's implicit evidence only", _bots("bots-dots"), True),
    "bots-greedy": Entry("BOTS by posterior mean, without a draw", _bots("bots-greedy"), True),
    "oracle-target": Entry("true solve rate nearest 0.5", oracle_target, True, oracle=True),
    "oracle-gain": Entry("largest true expected gain", oracle_gain, True, oracle=True),
}

REFERENCE = "shuffle"


def make_strategy(
    spec: str, pool: Pool, rng: np.random.Generator, truth: AbstractTruth | None
) -> Strategy:
    """The strategy that `spec` names.

    `spec` is a name of the roster or an import path `package.module:factory`, either optionally
    followed by options: `bots:implicit_weight=0.2,thompson=False`. A factory is called as
    `factory(pool, rng, **options)` and returns a selector or a `Strategy`. Only the roster's
    oracles are handed the truth, and only strategies that need them the reference solve rates.

    Raises:
        ValueError: when the name, the import or an option is unknown, or the factory refuses.
    """
    entry, options = _resolve(spec)
    given = {**options, "truth": truth} if entry.oracle else options
    if not entry.references:
        pool = Pool(pool.keys_N, {}, pool.domains_N)
    try:
        inspect.signature(entry.make).bind(pool, rng, **given)
    except TypeError as error:
        raise ValueError(f"strategy {spec!r}: {error}; see its factory for the options") from None
    try:
        made = entry.make(pool, rng, **given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"strategy {spec!r}: {error}") from error
    if isinstance(made, AbstractSelector):
        return Strategy(made)
    if not isinstance(made, Strategy):
        raise ValueError(
            f"strategy {spec!r}: the factory returned {made!r}; it must return a "
            "bots.AbstractSelector or a bench.strategies.Strategy"
        )
    return made


def uses_references(spec: str) -> bool:
    """Whether the strategy may see reference solve rates; an imported one may."""
    return _resolve(spec)[0].references


def is_oracle(spec: str) -> bool:
    """Whether the strategy sees the truth."""
    return _resolve(spec)[0].oracle


def source_digest(spec: str) -> str | None:
    """SHA-256 of the file that an imported strategy comes from; None for the roster's."""
    entry, _ = _resolve(spec)
    if entry in STRATEGIES.values():
        return None
    path = inspect.getsourcefile(inspect.unwrap(entry.make))
    return None if path is None else hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _resolve(spec: str) -> tuple[Entry, dict[str, Any]]:
    name, *rest = spec.split(":")
    if name in STRATEGIES and len(rest) <= 1:
        return STRATEGIES[name], _options(spec, rest)
    if rest and "=" not in rest[0] and len(rest) <= 2:
        entry = Entry(spec, _imported(name, rest[0]), references=True)
        return entry, _options(spec, rest[1:])
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
    except Exception as error:
        raise ValueError(
            f"cannot import {module}:{attribute}: {type(error).__name__}: {error}; it must be "
            "importable from the folder in which the command is run"
        ) from None
    if not callable(factory):
        raise ValueError(f"{module}:{attribute} is not callable; it must be a factory(pool, rng)")
    return factory

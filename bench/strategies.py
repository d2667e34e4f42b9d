"""The roster: strategies by name, with options, or by import path."""

import ast
import hashlib
import importlib
import inspect
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from backends import AbstractTruth
from bench.entry import Entry, Strategy
from bench.roster import STRATEGIES
from bots import AbstractSelector, OneRound, Pool
from bots.baselines import ReplayedRounds, thinned
from bots.command_line import unknown

REFERENCE = "shuffle"
_EVERYTHING = ("references", "domains", "features")
_SWITCHES = {"pods": 0.25, "replay": 0.5}  # shares, as published: 16 of 64 rollouts, half a batch


def make_strategy(
    spec: str,
    pool: Pool,
    rng: np.random.Generator,
    truth: AbstractTruth | None,
    steps: int | None = None,
) -> Strategy:
    """The strategy that `spec` names.

    `spec` is a name of the roster or an import path `package.module:factory`, either optionally
    followed by options: `bots:implicit_weight=0.2,thompson=False`. `bots:tuned` has the options
    that tuning found best. Two switches may follow: with `+pods` or `+pods=SHARE`, only that share
    of a group's rollouts is trained on (`bots.baselines.thinned`); with `+replay` or
    `+replay=FRESH`, only that share of a batch is generated, and the rest trained on again
    (`bots.baselines.ReplayedRounds`), for strategies that roll out what they select. A factory is
    called as `factory(pool, rng, **options)` and returns a selector or a `Strategy`. Only the
    roster's oracles are handed the truth, and the pool that a strategy is handed has only what it
    declared to need: an imported factory by an attribute `sees`, else everything. Schedules are
    told how many `steps` the run has, unless an option says so.

    Raises:
        ValueError: when the name, the import or an option is unknown, or the factory refuses.
    """
    spec, switches = _split(spec)
    entry, given = _resolve(spec)
    given = {**given, "truth": truth} if entry.oracle else given
    given = {"steps": steps, **given} if entry.paced and steps is not None else given
    pool = visible(pool, entry.sees)
    try:
        inspect.signature(entry.make).bind(pool, rng, **given)
    except TypeError as error:
        raise ValueError(f"strategy {spec!r}: {error}; see its factory for the options") from None
    try:
        made = entry.make(pool, rng, **given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"strategy {spec!r}: {error}") from error
    if isinstance(made, AbstractSelector):
        made = Strategy(made)
    if not isinstance(made, Strategy):
        raise ValueError(
            f"strategy {spec!r}: the factory returned {made!r}; it must return a "
            "bots.AbstractSelector or a bench.entry.Strategy"
        )
    return _switched(made, switches)


def visible(pool: Pool, sees: tuple[str, ...]) -> Pool:
    """The pool with nothing but what a strategy declares to see, of `KNOWLEDGE`."""
    references = dict(pool.references) if "references" in sees else {}
    if "weak" in sees and "weak" in pool.references:
        references["weak"] = pool.references["weak"]
    domains_N = pool.domains_N if "domains" in sees else None
    return Pool(
        pool.keys_N, references, domains_N, pool.features_ND if "features" in sees else None
    )


def knowledge(spec: str) -> tuple[str, ...]:
    """What the strategy may see of the tasks beforehand; an imported one everything, by default."""
    return _resolve(spec)[0].sees


def is_oracle(spec: str) -> bool:
    """Whether the strategy sees the truth."""
    return _resolve(spec)[0].oracle


def options(spec: str) -> dict[str, Any]:
    """The options that the strategy is made with, besides its defaults."""
    return _resolve(spec)[1]


def source_digest(spec: str) -> str | None:
    """SHA-256 of the file that an imported strategy comes from; None for the roster's."""
    entry, _ = _resolve(spec)
    if entry in STRATEGIES.values():
        return None
    path = inspect.getsourcefile(inspect.unwrap(entry.make))
    return None if path is None else hashlib.sha256(Path(path).read_bytes()).hexdigest()


@cache
def tuned() -> dict[str, dict[str, Any]]:
    """By strategy, the options that tuning found best; `python -m bench tune` writes the file."""
    text = (Path(__file__).parent / "tuned.toml").read_text(encoding="utf-8")
    return {name: entry["options"] for name, entry in tomllib.loads(text).items()}


def _split(spec: str) -> tuple[str, dict[str, float]]:
    """The strategy itself, and its switches with their shares."""
    found = re.fullmatch(rf"(.*?)((?:\+(?:{'|'.join(_SWITCHES)})(?:=[0-9.]+)?)*)", spec)
    assert found is not None
    switches = {}
    for part in found[2].split("+")[1:]:
        name, _, value = part.partition("=")
        share = float(value) if value else _SWITCHES[name]
        if not 0 < share <= 1:
            raise ValueError(f"strategy {spec!r}: {name}={share:g} must be a share in (0, 1]")
        switches[name] = share
    return found[1], switches


def _switched(strategy: Strategy, switches: Mapping[str, float]) -> Strategy:
    if "pods" in switches:
        strategy = replace(strategy, thinning=partial(thinned, share=switches["pods"]))
    if "replay" in switches:
        if not isinstance(strategy.collector, OneRound):
            raise ValueError(
                f"+replay goes with strategies that roll out what they select; this one gathers "
                f"its batches with {type(strategy.collector).__name__}: leave it out"
            )
        strategy = replace(strategy, collector=ReplayedRounds(switches["replay"]))
    return strategy


def _resolve(spec: str) -> tuple[Entry, dict[str, Any]]:
    spec, _ = _split(spec)
    name, *rest = spec.split(":")
    if rest == ["tuned"] and name in STRATEGIES:
        if name not in tuned():
            raise ValueError(
                f"strategy {spec!r}: {name} was not tuned; leave :tuned out, or run "
                f"`python -m bench tune {name}`"
            )
        return STRATEGIES[name], dict(tuned()[name])
    if name in STRATEGIES and len(rest) <= 1:
        return STRATEGIES[name], _options(spec, rest)
    if rest and "=" not in rest[0] and len(rest) <= 2:
        factory = _imported(name, rest[0])
        entry = Entry(spec, factory, tuple(getattr(factory, "sees", _EVERYTHING)))
        return entry, _options(spec, rest[1:])
    remedy = (
        "`python -m bench list strategies` shows all, and one of your own is package.module:factory"
    )
    raise ValueError(unknown("strategy", name, STRATEGIES, remedy))


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

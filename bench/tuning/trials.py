"""What is tried when a strategy is tuned: its published defaults, then options drawn at random."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import numpy as np

from bench.entry import Span
from bench.strategies import options as options_of

Space = Mapping[str, tuple[Any, ...] | Span]

_DIGITS = 4  # of a drawn option, so that a spec is short and reads back as it was written
_PATIENCE = 20  # draws per trial, after which a space is taken to have no more


@dataclass(frozen=True, slots=True)
class Trial:
    """A strategy with options, besides which it has its defaults."""

    strategy: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def spec(self) -> str:
        """Its name for `bench.strategies.make_strategy`.

        Example:
            >>> Trial("mopps", {"decay": 0.5, "candidate_ratio": 8}).spec
            'mopps:decay=0.5,candidate_ratio=8'
        """
        given = ",".join(f"{name}={_text(value)}" for name, value in self.options.items())
        return f"{self.strategy}:{given}" if given else self.strategy


def trials(strategy: str, space: Space, budget: int) -> list[Trial]:
    """The defaults, then `budget - 1` distinct draws of all options of the space.

    Every draw depends on the strategy's name and the draw's own number alone, so a larger budget
    adds to the trials of a smaller one. A space of few values may have fewer than `budget`.

    Args:
        strategy: a name of the roster.
        space: see `bench.entry.Entry`.
        budget: trials, the defaults among them; at least 1.

    Raises:
        ValueError: for a value that does not survive being written into a spec.
    """
    for option, values in space.items():
        for value in () if isinstance(values, Span) else values:
            _check(strategy, option, value)
    found = {strategy: Trial(strategy)}
    for number in range(1, _PATIENCE * budget):
        if len(found) == budget:
            break
        trial = _draw(strategy, space, number)
        found.setdefault(trial.spec, trial)
    return list(found.values())


def _check(strategy: str, option: str, value: Any) -> None:
    plain = isinstance(value, (bool, int, float, str)) and not set(_text(value)) & set(",:")
    trial = Trial(strategy, {option: value})
    if not plain or options_of(trial.spec) != trial.options:
        raise ValueError(
            f"strategy {strategy!r}: {option} may not be tuned over {value!r}: use numbers, True, "
            "False or words without commas and colons"
        )


def _draw(strategy: str, space: Space, number: int) -> Trial:
    rng = np.random.default_rng([crc32(strategy.encode()), number])
    drawn = {
        name: _from_span(values, rng)
        if isinstance(values, Span)
        else values[int(rng.integers(len(values)))]
        for name, values in space.items()
    }
    return Trial(strategy, drawn)


def _from_span(span: Span, rng: np.random.Generator) -> float | int:
    if span.whole and not span.log:
        return int(rng.integers(int(span.low), int(span.high), endpoint=True))
    if span.log:
        drawn = float(np.exp(rng.uniform(np.log(span.low), np.log(span.high))))
    else:
        drawn = float(rng.uniform(span.low, span.high))
    rounded = float(f"{drawn:.{_DIGITS}g}")
    inside = min(max(rounded, float(span.low)), float(span.high))
    return round(inside) if span.whole else inside


def _text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)

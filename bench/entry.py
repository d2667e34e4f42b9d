"""What the roster says of a strategy: what it may know, what it costs, what can be tuned."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from backends.loop import Thinning
from bots import AbstractCollector, AbstractSelector, OneRound

KNOWLEDGE = ("references", "weak", "domains", "features")


@dataclass(frozen=True, slots=True)
class Strategy:
    """A selector, how its choices become a batch, and which rollouts are left out of training."""

    selector: AbstractSelector
    collector: AbstractCollector = field(default_factory=OneRound)
    thinning: Thinning | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """An interval from which an option is drawn when a strategy is tuned.

    Attributes:
        low: its lower end.
        high: its upper end.
        log: whether the logarithm is uniform, rather than the option itself.
        whole: whether the option is an integer.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError(
                f"the span from {self.low} to {self.high} is empty, or not positive although it is "
                "logarithmic; give low < high, and 0 < low for a logarithmic one"
            )


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the roster.

    Attributes:
        summary: one line.
        make: called as `make(pool, rng, **options)`; an oracle's also takes `truth`. Its defaults
            are the published ones.
        sees: what it may know of the tasks beforehand, of `KNOWLEDGE`; its pool has nothing else.
            `references` are the solve rates of all reference models, `weak` those of one; they cost
            rollouts, made beforehand, which are charged. `features` is an embedding: a forward pass
            per task, which the selector reports. Domain labels are free.
        oracle: whether it sees the truth.
        paced: whether it is told how many steps a run has, as the option `steps`.
        described: the class whose docstring says what it does; None: `make` itself.
        space: what is tuned, by option: values to choose from, or a `Span`.
        family: the heading it is listed under.
    """

    summary: str
    make: Callable[..., AbstractSelector | Strategy]
    sees: tuple[str, ...] = ()
    oracle: bool = False
    paced: bool = False
    described: type | None = None
    space: Mapping[str, tuple[Any, ...] | Span] = field(default_factory=dict)
    family: str = ""

    def __post_init__(self) -> None:
        unknown = set(self.sees) - set(KNOWLEDGE)
        if unknown:
            raise ValueError(f"sees has {sorted(unknown)}; choose from {', '.join(KNOWLEDGE)}")

    @property
    def page(self) -> Any:
        """What carries its docstring."""
        return self.make if self.described is None else self.described

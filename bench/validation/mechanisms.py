"""Switches of a fitted scenario, by name: what a prediction takes into account."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from bench.validation.growth import CAPACITY, FORGETTING, MEMORY, REPETITION, Knob
from simulator import LearnerLaw

PLAIN = "plain"
DOMAINS = "domains"


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One switch.

    Attributes:
        summary: what it adds.
        field: of the law, that takes the value given with the name; None: it takes none.
        kind: of that value.
        knob: a further constant that is fitted to shuffle's growth, if no value is given.
    """

    summary: str
    field: str | None = None
    kind: Callable[[str], Any] = float
    knob: Knob | None = None


MECHANISMS = {
    "growth": Mechanism("learning rate from shuffle's own held-out gain"),
    DOMAINS: Mechanism("one domain per family of labels, with the law of each label"),
    "repetition": Mechanism(
        "NU: lessons after which a task teaches half; without it, from shuffle's held-out path",
        "repetition_visits",
        knob=REPETITION,
    ),
    "alpha": Mechanism("X: a step grows as (informative groups)^X", "batch_exponent"),
    "interference": Mechanism(
        "X: what the progress of one domain takes from every other", "interference"
    ),
    "disturbance": Mechanism(
        "X: general ability lost, at every lesson, per logit that a first one leaves in its task",
        "disturbance",
    ),
    "gain": Mechanism("LAW: what a group is worth", "gain", str),
    "memory": Mechanism("own lessons, from the pool's growth beside the held-out", knob=MEMORY),
    "capacity": Mechanism(
        "R: where abilities level off; without it, from shuffle's held-out path",
        "capacity",
        knob=CAPACITY,
    ),
    "forgetting": Mechanism(
        "D: share of every ability lost per step; without it, from shuffle's held-out path",
        "forgetting",
        knob=FORGETTING,
    ),
}


@dataclass(frozen=True, slots=True)
class Spec:
    """What a name such as `domains+repetition=8` means.

    Attributes:
        name: as it was given.
        law: fields of the law to be replaced.
        domains: whether families become domains.
        knobs: constants to be fitted besides the learning rate.
        plain: whether nothing is changed at all.
    """

    name: str
    law: dict[str, Any]
    domains: bool
    knobs: tuple[Knob, ...]
    plain: bool


def parse(name: str) -> Spec:
    """The mechanisms that a name joins with `+`.

    Raises:
        ValueError: for an unknown mechanism, one named twice, or a value that is missing, not
            wanted or impossible.

    Example:
        >>> parse("domains+repetition=8").law
        {'repetition_visits': 8.0}
    """
    if name == PLAIN:
        return Spec(name, {}, False, (), True)
    given = {}
    for part in name.split("+"):
        word, _, value = part.partition("=")
        _require_meant(word, value, given)
        given[word] = value
    chosen = {word: MECHANISMS[word] for word in given}
    law = {str(one.field): _value(word, given[word]) for word, one in chosen.items() if given[word]}
    replace(LearnerLaw(), **law)
    knobs = tuple(one.knob for word, one in chosen.items() if one.knob and not given[word])
    _require_told_apart(name, knobs)
    return Spec(name, law, DOMAINS in given, knobs, False)


def _require_meant(word: str, value: str, given: Mapping[str, str]) -> None:
    if word not in MECHANISMS:
        near = get_close_matches(word, [*MECHANISMS, PLAIN], n=1)
        hint = f"; do you mean {near[0]}?" if near else ""
        known = ", ".join([PLAIN, *MECHANISMS])
        raise ValueError(f"there is no mechanism {word!r}: choose of {known}{hint}")
    if word in given:
        raise ValueError(f"mechanism {word!r} is named twice; once is enough")
    one = MECHANISMS[word]
    if value and one.field is None:
        raise ValueError(f"mechanism {word!r} takes no value, but {value!r} is given: leave it out")
    if not value and one.field and one.knob is None:
        raise ValueError(f"mechanism {word!r} needs a value, as in {word}=0.5")


def _require_told_apart(name: str, knobs: Sequence[Knob]) -> None:
    """One moment cannot tell two constants."""
    moments = [knob.moment for knob in knobs]
    if len({*moments}) < len(moments):
        raise ValueError(
            f"{name!r} would fit {' and '.join(knob.name for knob in knobs)} to the same bend of "
            "shuffle's path: give one of them a value, as in repetition=8"
        )


def _value(word: str, given: str) -> Any:
    try:
        return MECHANISMS[word].kind(given)
    except ValueError:
        raise ValueError(f"{word}={given} is no number; write one, as in {word}=8") from None

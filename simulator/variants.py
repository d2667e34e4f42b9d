"""Other laws under which a scenario can be run, to see which conclusions depend on them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from simulator.law import LearnerLaw
from simulator.scenario import Scenario

MILD_VISITS, STEEP_VISITS, MEASURED_VISITS = 50.0, 8.0, 2.0
_TRANSFER_SD = 0.8


@dataclass(frozen=True, slots=True)
class Variant:
    """A change of the law: what it is, of which kind, and how it is made."""

    kind: str
    summary: str
    change: Callable[[Scenario], Scenario]


def with_law(**changes: Any) -> Callable[[Scenario], Scenario]:
    """A change of these fields of the law of learning."""

    def change(scenario: Scenario) -> Scenario:
        law: LearnerLaw = replace(scenario.law, **changes)
        return replace(scenario, law=law)

    return change


def _transfer(scenario: Scenario) -> Scenario:
    domains = tuple(
        replace(domain, transfer_sd=max(domain.transfer_sd, _TRANSFER_SD))
        for domain in scenario.population.domains
    )
    changed = replace(scenario, population=replace(scenario.population, domains=domains))
    return with_law(gain="transfer")(changed)


VARIANTS = {
    "drgrpo": Variant("gain", "GRPO without std normalisation", with_law(gain="drgrpo")),
    "rloo": Variant("gain", "RLOO: leave-one-out baseline", with_law(gain="rloo")),
    "maxrl": Variant("gain", "MaxRL: advantages over the mean", with_law(gain="maxrl")),
    "transfer": Variant("gain", "informative groups teach alike, tasks differ widely", _transfer),
    "hard": Variant("gain", "rare successes teach most", with_law(gain="hard")),
    "alpha0": Variant("batch", "a batch's size does not matter", with_law(batch_exponent=0.0)),
    "alpha1": Variant("batch", "a step grows with its groups", with_law(batch_exponent=1.0)),
    "mild": Variant(
        "repetition",
        "a task teaches half as much after 50 lessons",
        with_law(repetition_visits=MILD_VISITS),
    ),
    "steep": Variant(
        "repetition",
        "a task teaches half as much after 8 lessons",
        with_law(repetition_visits=STEEP_VISITS),
    ),
    "measured": Variant(
        "repetition",
        "a task teaches half as much after 2 lessons, as growth on a tiny real model says",
        with_law(repetition_visits=MEASURED_VISITS),
    ),
}

SPELLINGS = {"dr-grpo": "drgrpo", "dr_grpo": "drgrpo"}
"""Other spellings of variants that are accepted."""


def vary(scenario: Scenario, names: str) -> Scenario:
    """The scenario under other laws: `names` is one variant, or several joined by `+`.

    It is called `name@names` and has the scenario's own tasks and rollouts' random numbers.

    Raises:
        ValueError: for an unknown variant, or two of one kind.

    Example:
        >>> vary(Scenario("base", ""), "maxrl+steep").law.gain
        'maxrl'
    """
    chosen = [SPELLINGS.get(name, name) for name in names.split("+")]
    for name in chosen:
        if name not in VARIANTS:
            near = get_close_matches(name, VARIANTS, n=1)
            hint = f": do you mean {near[0]}?" if near else ";"
            raise ValueError(f"there is no variant {name!r}{hint} there are {', '.join(VARIANTS)}")
    kinds = [VARIANTS[name].kind for name in chosen]
    if len(set(kinds)) < len(kinds):
        raise ValueError(f"{names!r} names two variants of one kind; choose one of each")
    changed = scenario
    for name in chosen:
        changed = VARIANTS[name].change(changed)
    return replace(changed, name=f"{scenario.name}@{'+'.join(chosen)}", etr=None)

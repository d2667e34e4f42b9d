"""A scenario with each of its guessed constants changed, one at a time."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from simulator import VARIANTS, Scenario, vary
from simulator.variants import with_law

Change = Callable[[Scenario], Scenario]


def _population(**changes: Any) -> Change:
    return lambda scenario: replace(scenario, population=replace(scenario.population, **changes))


def _domains(**changes: Any) -> Change:
    def change(scenario: Scenario) -> Scenario:
        domains = tuple(replace(domain, **changes) for domain in scenario.population.domains)
        return _population(domains=domains)(scenario)

    return change


def _references(**changes: Any) -> Change:
    def change(scenario: Scenario) -> Scenario:
        references = scenario.population.references
        return _population(references=tuple(replace(r, **changes) for r in references))(scenario)

    return change


GUESSES: dict[str, Change] = {
    "learning_rate=half": lambda s: with_law(learning_rate=s.law.learning_rate / 2)(s),
    "learning_rate=double": lambda s: with_law(learning_rate=s.law.learning_rate * 2)(s),
    "one_ability": with_law(general_weight=1.0, domain_weight=0.0),
    "domains_apart": with_law(general_weight=0.05, domain_weight=0.85),
    "skills_apart": with_law(general_weight=0.1, domain_weight=0.1),
    "sharpening=0": with_law(sharpening=0.0),
    "sharpening=0.44": with_law(sharpening=0.44),
    "off_axis=0.5": with_law(off_axis=0.5),
    "drift_sd=0": with_law(drift_sd=0.0),
    "drift_sd=1.2": with_law(drift_sd=1.2),
    "capacity=1.2": with_law(capacity=1.2),
    "capacity=inf": with_law(capacity=math.inf),
    "noise=0": with_law(noise=0.0),
    "noise=0.5": with_law(noise=0.5),
    "memory_rate=0": with_law(memory_rate=0.0),
    "memory_rate=200": with_law(memory_rate=200.0),
    "memory_steps=50": with_law(memory_steps=50.0),
    "slope_sd=0": _domains(slope_sd=0.0),
    "slope_sd=0.8": _domains(slope_sd=0.8),
    "transfer_sd=0": _domains(transfer_sd=0.0),
    "transfer_sd=0.8": _domains(transfer_sd=0.8),
    "residual_sd=0.8": _references(residual_sd=0.8),
    "residual_sd=3": _references(residual_sd=3.0),
    "shared_residual=0.5": _population(shared_residual=0.5),
    "reference_trials=4": _references(trials=4),
}


def guesses(scenario: Scenario) -> tuple[Scenario, ...]:
    """The scenario, one copy per changed guess, and one per gain, batch and repetition law.

    All have the scenario's tasks and rollouts' random numbers, except where the change concerns how
    tasks or references are drawn.
    """
    changed = [
        replace(change(scenario), name=f"{scenario.name}@{name}", etr=None)
        for name, change in GUESSES.items()
    ]
    return (scenario, *changed, *(vary(scenario, name) for name in VARIANTS))

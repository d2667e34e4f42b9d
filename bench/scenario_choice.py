"""Scenarios by name, by name and variant, or from a file; and at other sizes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bench.guesses import GUESSES
from bots.command_line import unknown
from simulator import VARIANTS, Scenario, scenario_files, vary

SUFFIX = ".toml"


def choose(names: Sequence[str], known: Mapping[str, Scenario]) -> list[Scenario]:
    """The scenarios that `names` mean, each once.

    A name is one of `known`, or a path ending in `.toml`; either may be followed by variants, as in
    `base@maxrl+steep`.

    Raises:
        ValueError: for an unknown scenario or variant, naming the nearest; for a file that is no
            scenario; for two scenarios of one name.
    """
    chosen = [_chosen(name, known) for name in dict.fromkeys(names)]
    seen: set[str] = set()
    for scenario in chosen:
        if scenario.name in seen:
            raise ValueError(
                f"two scenarios are called {scenario.name!r}; results are kept by name: rename one"
            )
        seen.add(scenario.name)
    return chosen


def _chosen(name: str, known: Mapping[str, Scenario]) -> Scenario:
    if name in known:
        return known[name]
    if name.endswith(SUFFIX):
        return scenario_files.read(name)
    base, at, variants = name.rpartition("@")
    if at and (base in known or base.endswith(SUFFIX)):
        return vary(_chosen(base, known), variants)
    stranger = base if at else name
    remedy = f"`python -m bench list scenarios` shows all, and a file of your own ends in {SUFFIX}"
    raise ValueError(unknown("scenario", stranger, known, remedy))


def split(setting: str) -> tuple[str, str]:
    """The scenario of a setting, and its variants or changed guess; none for another name.

    Example:
        >>> split("noisy30@maxrl+steep"), split("noisy30"), split("items@v2")
        (('noisy30', 'maxrl+steep'), ('noisy30', ''), ('items@v2', ''))
    """
    base, _, variants = setting.partition("@")
    if variants and all(name in VARIANTS or name in GUESSES for name in variants.split("+")):
        return base, variants
    return setting, ""


def resized(scenario: Scenario, **sizes: Any) -> Scenario:
    """The scenario at other sizes; what happens at a step keeps its place in the run.

    Args:
        scenario: to resize.
        sizes: fields of `Scenario`.

    Example:
        >>> jump = Scenario("mine", "")
        >>> resized(jump, steps=100).law.jump_step, jump.law.jump_step
        (50, 100)
    """
    steps = sizes.get("steps", scenario.steps)

    def moved(step: int) -> int:
        return round(step * steps / scenario.steps)

    law = replace(scenario.law, jump_step=moved(scenario.law.jump_step))
    domains = tuple(
        replace(
            domain,
            late_from=moved(domain.late_from),
            late_to=moved(domain.late_to),
            leaves=domain.leaves and max(moved(domain.leaves), moved(domain.late_to) + 1),
        )
        for domain in scenario.population.domains
    )
    population = replace(scenario.population, domains=domains)
    return replace(scenario, law=law, population=population, **sizes)

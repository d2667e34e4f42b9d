"""Turns a documented function of overrides into a named scenario."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simulator.scenario import Scenario
from simulator.scenario_files import read

SCENARIOS: dict[str, Scenario] = {}

Overrides = Callable[[], dict[str, Any]]


def scenario(*tags: str, etr: float) -> Callable[[Overrides], Overrides]:
    """Registers a function's overrides of the default scenario under the function's name.

    Args:
        tags: what it stresses, in single words.
        etr: share of informative groups under epoch shuffle, mean over the run; a test checks it.
    """

    def register(overrides: Overrides) -> Overrides:
        name = overrides.__name__
        summary = " ".join((inspect.getdoc(overrides) or "").split())
        if name in SCENARIOS or not summary:
            raise ValueError(f"scenario {name} must be new and have a docstring")
        SCENARIOS[name] = Scenario(name, summary, tags=tags, etr=etr, **overrides())
        return overrides

    return register


def scenario_file(path: Path) -> None:
    """Registers the scenario of a TOML file under its own name."""
    made = read(path)
    SCENARIOS[made.name] = made

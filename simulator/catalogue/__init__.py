"""The scenarios by name. Each module holds those that stress one thing.

A scenario's docstring says what it stresses, what of it is measured (on the runs and items named in
`docs/simulator.md`) and what is guessed. What a scenario does not mention is as in `base`.
"""

from importlib import import_module

from simulator.catalogue.registry import SCENARIOS

_MODULES = (
    "plain",
    "difficulty",
    "noise",
    "change",
    "domains",
    "references",
    "scale",
    "laws",
    "real",
)

for _module in _MODULES:
    import_module(f"simulator.catalogue.{_module}")

TAGS = tuple(dict.fromkeys(tag for scenario in SCENARIOS.values() for tag in scenario.tags))

__all__ = ["SCENARIOS", "TAGS"]

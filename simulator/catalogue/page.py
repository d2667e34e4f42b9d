"""The catalogue as a page: what each scenario stresses, rests on and changes."""

from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from simulator.catalogue import SCENARIOS
from simulator.checks import default_of
from simulator.variants import VARIANTS

_HEAD = """# Scenarios

Every scenario is a synthetic pool and learner that stresses one weakness of a selector. What it
does not change is as in `base`; [simulator.md](simulator.md) explains the fields. ETR is the share
of informative groups under `shuffle`, mean over the run. `python -m simulator list` prints this
page."""
_NOT_SHOWN = ("name", "summary", "tags", "etr")


def page() -> str:
    """Markdown: the scenarios by name, then the variants."""
    parts = [_HEAD]
    for scenario in SCENARIOS.values():
        changes = "; ".join(_changes(scenario)) or "nothing"
        etr = "unknown" if scenario.etr is None else f"{scenario.etr:.2f}"
        tags = ", ".join(scenario.tags)
        parts.append(
            f"## {scenario.name}\n\n{scenario.summary}\n\n"
            f"Tags: {tags}. ETR {etr}.\nChanges: {changes}."
        )
    lines = [
        f"- `{name}` ({variant.kind}): {variant.summary}" for name, variant in VARIANTS.items()
    ]
    parts.append(
        "## Variants\n\nAny scenario can be run under another law: `base@maxrl`, "
        "`base@maxrl+steep`.\nA variant has the tasks and the rollouts' random numbers of its "
        "scenario.\n\n" + "\n".join(lines)
    )
    return "\n\n".join(parts) + "\n"


def _changes(subject: Any) -> list[str]:
    """The fields of a dataclass that differ from their defaults, down to the leaves."""
    changes = []
    for field in fields(subject):
        value, default = getattr(subject, field.name), default_of(field)
        if value == default or field.name in _NOT_SHOWN:
            continue
        if is_dataclass(value):
            changes += _changes(value)
        elif isinstance(value, tuple) and value and is_dataclass(value[0]):
            changes.append(f"{field.name}: {_several(value)}")
        else:
            changes.append(f"`{field.name}` {_short(value)}")
    return changes


def _several(values: tuple[Any, ...]) -> str:
    if len(values) == 1:
        return f"({_one(values[0])})"
    if all(value == values[0] for value in values):
        return f"{len(values)} × ({_one(values[0])})"
    return " + ".join(f"({_one(value)})" for value in values)


def _one(value: Any) -> str:
    required = [f"`{getattr(value, f.name)}`" for f in fields(value) if default_of(f) is MISSING]
    changed = [change for change in _changes(value) if not change.startswith("`name`")]
    return ", ".join([*required[:1], *changed]) or "default"


def _short(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"

"""Scenarios as TOML files.

A file's tables are the scenario's dataclasses; what is left out is as their defaults say::

    name = "mine"
    summary = "Half of the tasks are hopeless."
    steps = 300

    [population]
    skills_per_domain = 4

    [[population.domains]]
    share = 1.0
    unsolvable = 0.5

    [[population.domains.logit]]
    mean = -2.0

    [law]
    learning_rate = 0.02
"""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from simulator.checks import default_of
from simulator.scenario import Scenario


def read(path: str | Path) -> Scenario:
    """The scenario of a TOML file.

    Raises:
        ValueError: for a file that is no TOML, an unknown or missing key, or a value of a wrong
            type or an impossible one; it names the file and the key's full place.
    """
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path} cannot be read as a scenario: {error}") from error
    try:
        return _built(Scenario, table, "")
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def write(path: str | Path, scenario: Scenario, comment: str = "") -> None:
    """Writes a scenario that `read` gives back equal, headed by `comment`, line by line after #."""
    import tomli_w

    head = "".join(f"# {line}".rstrip() + "\n" for line in comment.splitlines())
    body = tomli_w.dumps(_table(scenario))
    Path(path).write_text(head + "\n" * bool(head) + body, encoding="utf-8")


def _table(value: Any) -> dict[str, Any]:
    """The fields of a dataclass that are not at their defaults."""
    return {
        field.name: _plain(getattr(value, field.name))
        for field in fields(value)
        if getattr(value, field.name) != default_of(field)
    }


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return _table(value)
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


def _built(kind: type, table: Mapping[str, Any], place: str) -> Any:
    """A dataclass of type `kind` from the table at `place`."""
    names, hints = [field.name for field in fields(kind)], get_type_hints(kind)
    for key in table:
        if key not in names:
            near = get_close_matches(key, names, n=1)
            hint = f"do you mean {near[0]}?" if near else f"choose of {', '.join(names)}"
            raise ValueError(f"unknown key {_within(place, key)}: {hint}")
    for field in fields(kind):
        if field.name not in table and default_of(field) is MISSING:
            raise ValueError(
                f"{_within(place, field.name)} is missing: every {kind.__name__} needs it"
            )
    values = {
        key: _converted(hints[key], value, _within(place, key)) for key, value in table.items()
    }
    try:
        return kind(**values)
    except ValueError as error:
        raise ValueError(f"{place}: {error}" if place else str(error)) from error


def _converted(hint: Any, value: Any, place: str) -> Any:
    if is_dataclass(hint):
        _require(isinstance(value, dict), place, value, f"a table [{place}]")
        return _built(hint, value, place)  # type: ignore[arg-type]
    if get_origin(hint) is tuple:
        part = get_args(hint)[0]
        wanted = f"tables [[{place}]]" if is_dataclass(part) else "a list of strings"
        _require(isinstance(value, list), place, value, wanted)
        return tuple(_converted(part, one, f"{place}[{i}]") for i, one in enumerate(value))
    if hint is str:
        _require(isinstance(value, str), place, value, "a string")
    elif hint is bool:
        _require(type(value) is bool, place, value, "true or false")
    elif hint is int:
        _require(type(value) is int, place, value, "a whole number")
    else:
        _require(type(value) in (int, float), place, value, "a number")
    return value


def _require(holds: bool, place: str, value: Any, wanted: str) -> None:
    if not holds:
        raise ValueError(f"{place} is {value!r}; it must be {wanted}")


def _within(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key

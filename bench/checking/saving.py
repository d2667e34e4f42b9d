"""Laws of saved state."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.checking.law import BrokenError, Law, calling, require_refusal
from bench.checking.trial import Subject, changed, flat, require_same
from bench.checking.worlds import NUM_TASKS, renamed
from bots import load_state, save_state

_FIRST, _REST = range(12), range(12, 24)
_ANOTHER_SEED = 99


def _resumes(subject: Subject) -> None:
    first, second = subject.trial(), subject.trial(_ANOTHER_SEED)
    absences = first.takes_exclude()
    first.live(_FIRST, absences)
    second.load(first.state())
    what = "the selector itself and a fresh one with its state_dict() differ"
    require_same(first.live(_REST, absences), second.live(_REST, absences), what)
    difference = changed(flat(first.state()), flat(second.state()))
    if difference:
        raise BrokenError(f"{what} in {difference} of the state, after equal steps")


def _survives_a_file(subject: Subject) -> None:
    first, second = subject.trial(), subject.trial(_ANOTHER_SEED)
    first.live(range(5))
    state = first.state()
    _check_types(state)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.npz"
        with calling("bots.save_state(path, state_dict())"):
            save_state(path, state)
        second.load(load_state(path))
    what = "the selector itself and one that was loaded from a file differ"
    require_same(first.live(range(5, 10)), second.live(range(5, 10)), what)


def _check_types(state: dict[str, Any], prefix: str = "") -> None:
    for name, value in state.items():
        place = f"{prefix}{name}"
        if not isinstance(name, str):
            raise BrokenError(f"state_dict() has the key {name!r}, which is no string")
        if isinstance(value, dict):
            _check_types(value, f"{place}/")
        elif isinstance(value, np.ndarray) and value.dtype.kind not in "O":
            continue
        elif not _is_json(value):
            kind = f"array of {value.dtype}" if isinstance(value, np.ndarray) else type(value)
            kind = kind if isinstance(kind, str) else kind.__name__
            raise BrokenError(f"state_dict() has the {kind} {place!r}")


def _is_json(value: object) -> bool:
    if isinstance(value, list):
        return all(_is_json(item) for item in value)
    if isinstance(value, dict):
        return all(isinstance(name, str) and _is_json(item) for name, item in value.items())
    return value is None or isinstance(value, str | int | float)


def _is_a_copy(subject: Subject) -> None:
    trial, twin = subject.trial(), subject.trial(_ANOTHER_SEED)
    trial.live(range(4))
    state = trial.state()
    before = flat(state)
    trial.live(range(4, 8))
    difference = changed(before, flat(state))
    if difference:
        raise BrokenError(f"{difference} of what state_dict() had returned changed in later steps")
    twin.load(state)
    twin.live(range(4, 8))
    difference = changed(before, flat(state))
    if difference:
        raise BrokenError(f"{difference} of what load_state_dict took changed in later steps")


def _another_pool(subject: Subject) -> None:
    trial, other = subject.trial(), subject.trial(world=renamed())
    before = flat(trial.state())
    state = other.state()
    call = "load_state_dict(the state of a selector on a pool with other keys)"
    require_refusal(call, lambda: trial.selector.load_state_dict(state))
    difference = changed(before, flat(trial.state()))
    if difference:
        raise BrokenError(f"{call} raised, but had changed {difference} of the state")


def _damaged(subject: Subject) -> None:
    trial, other = subject.trial(), subject.trial(3)
    trial.live(range(3))
    before = flat(trial.state())
    for damage, state in _damages(other.state()):
        call = f"load_state_dict({damage})"
        require_refusal(call, lambda state=state: trial.selector.load_state_dict(state))
        difference = changed(before, flat(trial.state()))
        if difference:
            raise BrokenError(f"{call} raised, but had changed {difference} of the state")


def _damages(state: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Wrong states, and what is wrong with each."""
    yield "{}", {}
    for name, value in state.items():
        yield f"a state without {name!r}", {k: v for k, v in state.items() if k != name}
        yield f"a state with 'nonsense' as its {name!r}", state | {name: "nonsense"}
        if isinstance(value, dict):
            yield f"a state with {{'nonsense': 1}} as its {name!r}", state | {name: {"nonsense": 1}}
        if isinstance(value, np.ndarray) and len(value.shape) and len(value) == NUM_TASKS:
            yield f"a state whose {name!r} has an entry too few", state | {name: value[:-1]}
    yield "a state with a 'surprise' besides", state | {"surprise": 1}
    if {"selector", "version"} <= state.keys() and isinstance(state["version"], int):
        yield "a state of the next version", state | {"version": state["version"] + 1}


SAVING = (
    Law(
        "saved state resumes bit for bit",
        _resumes,
        "put everything that later choices depend on into state_dict, the generator's "
        "rng.bit_generator.state among it, and all of it back in load_state_dict",
    ),
    Law(
        "saved state survives a file",
        _survives_a_file,
        "keep str keys, JSON values (int(...), float(...), .tolist()), numeric arrays and dicts of "
        "these",
    ),
    Law(
        "saved state is a copy",
        _is_a_copy,
        "copy arrays in state_dict and in load_state_dict: value.copy()",
    ),
    Law(
        "state of another pool is refused and changes nothing",
        _another_pool,
        "save bots.state.header(name, 1, pool, rng, settings) with the rest, and begin "
        "load_state_dict with bots.state.check(state, header, other_names)",
    ),
    Law(
        "damaged state is refused and changes nothing",
        _damaged,
        "begin load_state_dict with bots.state.check, check every value (shape and range), and "
        "only then assign",
    ),
)

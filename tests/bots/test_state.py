from copy import deepcopy

import numpy as np
import pytest

from bots import Pool
from bots.state import check, generator, header, migrated, permutation

KINDS = ["PCG64", "PCG64DXSM", "SFC64", "Philox", "MT19937"]


def made(kind: str) -> np.random.Generator:
    rng = np.random.Generator(getattr(np.random, kind)(3))
    rng.integers(0, 9, 5, dtype=np.uint32)
    return rng


def leaves(state: dict, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for name, value in state.items():
        path = (*prefix, name)
        found += leaves(value, path) if isinstance(value, dict) else [path]
    return found


def changed(state: dict, path: tuple[str, ...], value: object) -> dict:
    copy = deepcopy(state)
    place = copy
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return copy


@pytest.mark.parametrize("kind", KINDS)
def test_every_bit_generator_of_numpy_continues(kind):
    rng = made(kind)
    again = generator(deepcopy(rng.bit_generator.state))
    assert again.random(9).tolist() == rng.random(9).tolist()


@pytest.mark.parametrize("value", [-1, 2**130, 1.5, True, "x", None, [], [1], {}, np.full(700, -1)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_generator_is_refused(kind, value):
    state = made(kind).bit_generator.state
    for path in leaves(state):
        with pytest.raises(ValueError, match="generator cannot be restored"):
            generator(changed(state, path, value))


@pytest.mark.parametrize(
    ("kind", "path", "size"),
    [
        ("MT19937", ("state", "pos"), 624),
        ("Philox", ("buffer_pos",), 4),
        ("PCG64", ("has_uint32",), 1),
    ],
)
def test_a_position_never_leaves_its_buffer(kind, path, size):
    state = made(kind).bit_generator.state
    generator(changed(state, path, size)).random(9)
    with pytest.raises(ValueError, match="outside its buffer"):
        generator(changed(state, path, size + 1))


@pytest.mark.parametrize("state", [None, 3, [], {}, {"bit_generator": ["PCG64"]}])
def test_what_is_no_generator_is_refused(state):
    with pytest.raises(ValueError, match="generator cannot be restored"):
        generator(state)


STEPS = {
    2: lambda state: state | {"b": state["a"] + 1},
    3: lambda state: state | {"c": state["b"] + 1},
}


@pytest.mark.parametrize(
    ("state", "after"),
    [
        ({"version": 2, "a": 5}, {"version": 4, "a": 5, "b": 6, "c": 7}),
        ({"version": 3, "b": 8}, {"version": 4, "b": 8, "c": 9}),
        ({"version": 4, "c": 0}, {"version": 4, "c": 0}),
    ],
)
def test_an_older_state_takes_every_step_and_is_left_as_it_is(state, after):
    before = {"selector": "s", **state}
    copy = dict(before)
    assert migrated(before, 4, STEPS) == {"selector": "s", **after}
    assert before == copy


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (1, "reads 2 to 4: load it with the release that wrote it"),
        (5, "reads 4 and older: upgrade bots-rft"),
        ("4", "a version is an integer"),
        (True, "a version is an integer"),
    ],
)
def test_a_state_without_a_way_to_the_wanted_version_is_refused(version, message):
    with pytest.raises(ValueError, match=message):
        migrated({"selector": "s", "version": version}, 4, STEPS)


def test_without_steps_only_the_wanted_version_is_read():
    assert migrated({"selector": "s", "version": 1}, 1, {})["version"] == 1
    with pytest.raises(ValueError, match="release that wrote it"):
        migrated({"selector": "s", "version": 0}, 1, {})


@pytest.mark.parametrize("state", [None, [], {}, {"version": 1}])
def test_what_is_no_state_is_not_migrated(state):
    with pytest.raises(ValueError, match="not a selector's state"):
        migrated(state, 1, {})


@pytest.mark.parametrize("values", [[0, 1], [0, 1, 1], [0, 1, 3], [0.0, 1.0, 2.0], "x", [-1, 0, 1]])
def test_only_an_order_of_all_tasks_is_a_permutation(values):
    assert permutation("order", [2, 0, 1], 3).tolist() == [2, 0, 1]
    with pytest.raises(ValueError, match="not an order of the 3 tasks"):
        permutation("order", values, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_header_holds_a_generator_that_has_drawn_nothing_yet(kind):
    rng = np.random.Generator(getattr(np.random, kind)(3))
    saved = header("mine", 1, Pool.numbered(2), rng)
    expected = rng.random(9).tolist()
    assert generator(saved["rng"]).random(9).tolist() == expected


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("selector", "other", "has selector 'other'"),
        ("version", 2, "has version 2"),
        ("pool", "another", "another pool"),
        ("config", {"a": 2}, "settings"),
        ("more", 1, "has entries"),
        ("extra", None, "has entries"),
    ],
)
def test_a_state_of_something_else_is_refused(name, value, says):
    expected = header("mine", 1, Pool.numbered(2), np.random.default_rng(0), {"a": 1})
    state = expected | {"extra": 0}
    check(state, expected, ["extra"])
    wrong = {**state, name: value} if value else {k: v for k, v in state.items() if k != name}
    with pytest.raises(ValueError, match=says):
        check(wrong, expected, ["extra"])

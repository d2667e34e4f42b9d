"""What a file of state may hold, whoever made it."""

import io
import json
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bots import state_format
from bots.state_entries import array_name
from tests.bots.states import same


def written(state: dict) -> bytes:
    file = io.BytesIO()
    state_format.write(file, state)
    return file.getvalue()


def read(content: bytes) -> dict:
    return state_format.read(io.BytesIO(content))


def refusal(content: bytes) -> str:
    with pytest.raises(state_format.DAMAGE) as caught:
        read(content)
    return repr(caught.value)


def zipped(entries: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return file.getvalue()


def signed(entries: dict[str, bytes], **changes: object) -> list[tuple[str, bytes]]:
    """Entries with a header whose checksum fits."""
    header = {"kind": "bots-state", "schema": 2, **changes}
    content = {name: [value] for name, value in entries.items()}
    header["checksum"] = state_format._checksum(header, content)
    return [("header.json", json.dumps(header).encode()), *entries.items()]


def npy(values: np.ndarray, **changes: object) -> bytes:
    file = io.BytesIO()
    layout = np.lib.format.header_data_from_array_1_0(values) | changes
    np.lib.format.write_array_header_1_0(file, layout)
    return file.getvalue() + values.tobytes()


NAMES = st.text(st.characters(exclude_categories=()), max_size=5)
ARRAYS = arrays.arrays(
    st.one_of(
        arrays.boolean_dtypes(),
        arrays.integer_dtypes(),
        arrays.unsigned_integer_dtypes(),
        arrays.floating_dtypes(),
        arrays.complex_number_dtypes(),
        arrays.byte_string_dtypes(max_len=5),
        arrays.unicode_string_dtypes(max_len=5),
        arrays.datetime64_dtypes(),
    ),
    arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
).flatmap(lambda array: st.sampled_from([array, array.T, array[::-1] if array.ndim else array]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
STATES = st.recursive(
    st.dictionaries(NAMES, JSON | ARRAYS, max_size=4),
    lambda inner: st.dictionaries(NAMES, inner | JSON | ARRAYS, max_size=3),
    max_leaves=6,
)


@given(STATES)
def test_what_was_saved_is_loaded(state):
    assert same(read(written(state)), state)


@given(STATES)
def test_loaded_arrays_are_writable_and_keep_their_order(state):
    for name, value in read(written(state)).items():
        if isinstance(value, np.ndarray):
            assert value.flags.writeable
            if state[name].flags.forc:
                assert value.flags.f_contiguous == state[name].flags.f_contiguous


def test_numpy_and_zip_tools_read_the_file():
    state = {"pool": "abc", "a": np.arange(3), "b": {"c/d": np.eye(2), "e": "x"}}
    archive = np.load(io.BytesIO(written(state)))
    assert archive["a"].tolist() == [0, 1, 2]
    assert archive["b/c%2Fd"].tolist() == np.eye(2).tolist()
    header = json.loads(archive["header.json"])
    assert (header["kind"], header["schema"], header["pool"]) == ("bots-state", 2, "abc")
    assert json.loads(archive["state.json"]) == {"pool": "abc", "b": {"e": "x"}}


@pytest.mark.parametrize("name", ["a", "a/b", "json", "header.json", "state.json", "../x", "", "é"])
def test_no_name_is_reserved(name):
    state = {name: np.arange(2), "other": {name: np.arange(3), "n": {}}}
    assert same(read(written(state)), state)


def schema_1(state: dict, arrays: dict[str, np.ndarray]) -> bytes:
    """A file as the first release wrote it."""
    file = io.BytesIO()
    text = np.frombuffer(json.dumps(state).encode(), dtype=np.uint8)
    np.savez(file, json=text, **arrays)
    return file.getvalue()


def test_a_file_of_schema_1_is_read():
    values = {"alpha": np.array([1.5, 2]), "implicit/line/at": np.eye(3).T, "100%": np.array("x")}
    rest = {"selector": "bots", "rng": {"state": 2**100}, "implicit": {"line": {"n": np.nan}}}
    state = read(schema_1(rest, values))
    rest["implicit"]["line"]["at"] = np.eye(3)
    assert same(state, rest | {"alpha": values["alpha"], "100%": values["100%"]})
    assert same(read(written(state)), state)


def test_damage_to_a_file_of_schema_1_changes_no_value():
    content = schema_1({"selector": "bots"}, {"alpha": np.arange(9.0)})
    whole = read(content)
    for place in range(0, len(content), 3):
        flipped = content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :]
        try:
            state = read(flipped)
        except state_format.DAMAGE:
            continue
        assert all(same(value, whole[name]) for name, value in state.items())


@pytest.mark.parametrize("schema", [3, 10**6])
def test_a_newer_file_is_told_from_a_damaged_one(schema):
    entries = [("header.json", json.dumps({"kind": "bots-state", "schema": schema}).encode())]
    with pytest.raises(state_format.NewerError, match=f"has schema {schema}"):
        read(zipped([*entries, ("new", b"x")]))


@pytest.mark.parametrize(
    "change", [{"kind": "x"}, {"schema": 1}, {"schema": "2"}, {"schema": True}]
)
def test_a_header_of_another_kind_is_refused(change):
    assert "not that of a state" in refusal(zipped(signed({"state.json": b"{}"}, **change)))


def test_a_checksum_covers_everything():
    entries = {"state.json": b'{"a": 1}', "b.npy": npy(np.arange(2)), "c.npy": npy(np.arange(3))}
    good = signed(entries, pool="p")
    assert read(zipped(good))["a"] == 1
    changes = [
        ("state.json", b'{"a": 2}'),
        ("b.npy", npy(np.arange(1, 3))),
        ("b.npy", npy(np.arange(2).view(np.uint64))),
        ("b.npy", npy(np.arange(2).reshape(1, 2))),
    ]
    bad = [[change if change[0] == entry[0] else entry for entry in good] for change in changes]
    bad += [good[:-1], [*good, ("d.npy", npy(np.arange(2)))]]
    bad += [[(name.replace("b.", "d."), content) for name, content in good]]
    bad += [[(good[0][0], good[0][1].replace(b'"p"', b'"q"')), *good[1:]]]
    for content in bad:
        assert "checksum" in refusal(zipped(content))


def test_compressed_entries_are_refused_unread():
    bomb = zipped(signed({"state.json": b" " * 10**7 + b"{}"}), zipfile.ZIP_DEFLATED)
    assert len(bomb) < 20_000
    assert "compressed" in refusal(bomb)


@pytest.mark.parametrize("shape", [(10**12,), (2**31, 2**31), (10**30,), (0, 5), (3,), (-1,)])
def test_a_declared_shape_takes_no_memory(shape):
    entries = {"state.json": b"{}", "a.npy": npy(np.zeros(2), shape=shape)}
    content = zipped(signed(entries))
    tracemalloc.start()
    refusal(content)
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()


def test_a_declared_size_takes_no_memory():
    content = zipped(signed({"state.json": b"{}"}))
    place = content.rindex(b"PK\x01\x02") + 20
    large = content[:place] + b"\xf0\xff\xff\x7f" * 2 + content[place + 8 :]
    tracemalloc.start()
    assert "larger than the file" in refusal(large)
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()


@pytest.mark.parametrize(
    "dtype", ["O", "V8", "<U0", ">b1", "<f3", "<U9999999999", "f8,f8", "M8[x]"]
)
def test_other_dtypes_are_refused(dtype):
    entries = {"state.json": b"{}", "a.npy": npy(np.zeros(2), descr=dtype)}
    assert "Error" in refusal(zipped(signed(entries)))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_repeated_entries_are_refused():
    entries = signed({"state.json": b"{}"})
    assert "two entries of one name" in refusal(zipped([*entries, entries[1]]))


@pytest.mark.parametrize(
    "name", ["../x.npy", "a/x.npy", "b/x.npy", "a.npy", "%61.npy", "c", "d/e.npy", "é.npy"]
)
def test_an_array_without_its_place_is_refused(name):
    entries = {"state.json": b'{"a": 1, "b": [1]}', name: npy(np.arange(2))}
    assert "Error" in refusal(zipped(signed(entries)))


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 10**5 + b"]" * 10**5,
        b'{"a":' * 10**5 + b"1" + b"}" * 10**5,
        b'{"a": ' + b"[" * 70 + b"]" * 70 + b"}",
        b'{"a": 1, "a": 2}',
        b'{"a": [{"b": 1, "b": 2}]}',
        b"[1]",
        b"3",
        b"",
        b"\xff",
        b'{"a": ' + b"1" * 5000 + b"}",
    ],
)
def test_json_that_could_not_be_saved_is_refused(text):
    assert "Error" in refusal(zipped(signed({"state.json": text})))


def test_a_state_that_is_nested_too_deep_to_load_is_not_saved():
    state: dict = {}
    for _ in range(63):
        state = {"a": state}
    assert read(written(state)) == state
    with pytest.raises(ValueError, match="64 levels deep"):
        written({"a": state})
    endless: dict = {}
    endless["a"] = endless
    with pytest.raises(ValueError, match="64 levels deep"):
        written(endless)


def test_large_numbers_and_names_survive_or_are_refused():
    with pytest.raises(ValueError, match="cannot be saved"):
        written({"a": 10 ** (sys.get_int_max_str_digits() + 1)})
    assert array_name(["\ud800", "\0"]) == "%ED%A0%80/%00.npy"

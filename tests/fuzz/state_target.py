"""Bytes that are loaded as state: refused with a ValueError, or a state that can be lived with.

The first byte says for which selector, and how to read the rest: as a file, as the entries of one
whose checksum fits, as those of a file of schema 1, or as edits of a good state. Entries are
separated by `_NEXT`; one is a name, a zero byte and its content. An array may be given as its dtype
and number of axes: `<f8 1:` and its bytes, so that lengths may change.
"""

import atexit
import io
import json
import os
import re
import shutil
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from bots import load_state, save_state, state_format
from bots.state_entries import pieces
from tests.bots.states import same
from tests.fuzz.draws import Draws
from tests.fuzz.edits import edited
from tests.fuzz.subjects import MAKERS, lived, use

_NEXT = b"\n%%\n"
_SHORT = re.compile(rb"([<>|][biufcSUmM][1-9][0-9]?) ([012]):(.*)", re.DOTALL)
_AS_FILE, _AS_ENTRIES, _AS_SCHEMA_1, _AS_EDITS = range(4)
_MEMORY = "/dev/shm"
_FOLDER = Path(tempfile.mkdtemp(dir=_MEMORY if os.path.isdir(_MEMORY) else None))
_FILE = _FOLDER / "s.npz"
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
_SELECTORS = [lived(make()) for make in MAKERS]
_STATES = [selector.state_dict() for selector in _SELECTORS]


def seeds() -> list[bytes]:
    """Good files and entries for every selector."""
    found, rng = [], np.random.default_rng(0)
    for number, state in enumerate(_STATES):
        save_state(_FILE, state, keep_previous=False)
        contents = [_FILE.read_bytes(), _joined(state, False), _joined(state, True)]
        contents += [rng.bytes(30) for _ in range(20)]
        for index, content in enumerate(contents):
            found.append(bytes([min(index, _AS_EDITS) * len(_STATES) + number]) + content)
    return found


def check(data: bytes) -> None:
    """Raises an AssertionError, or whatever came up, when the data shows a defect."""
    how, number = divmod(data[0] if data else 0, len(_SELECTORS))
    try:
        _write(how % 4, number, data[1:])
        state = load_state(_FILE)
    except ValueError as error:
        assert "state" in str(error)  # noqa: PT017  # a file may be refused or not
        return
    save_state(_FILE, state, keep_previous=False)
    assert same(load_state(_FILE), state)
    selector, start = _SELECTORS[number], _STATES[number]
    try:
        selector.load_state_dict(state)
    except ValueError:
        assert same(selector.state_dict(), start)
        return
    use(selector)
    selector.load_state_dict(start)
    assert same(selector.state_dict(), start)


def _write(how: int, number: int, data: bytes) -> None:
    if how == _AS_EDITS:
        save_state(_FILE, edited(_STATES[number], Draws(data)), keep_previous=False)
    else:
        _FILE.write_bytes(data if how == _AS_FILE else _zipped(data, how))


def _joined(state: dict, schema_1: bool) -> bytes:
    entries = {name: b"".join(map(bytes, parts)) for name, parts in pieces(state).items()}
    if schema_1:
        entries["json.npy"] = b"|u1 1:" + entries.pop("state.json")
    return _NEXT.join(name.encode() + b"\0" + _short(entries[name]) for name in sorted(entries))


def _short(content: bytes) -> bytes:
    if not content.startswith(b"\x93NUMPY"):
        return content
    array = np.load(io.BytesIO(content))
    return f"{array.dtype.str} {array.ndim}:".encode() + array.tobytes()


def _zipped(data: bytes, how: int) -> bytes:
    entries: dict[str, bytes] = {}
    for part in data.split(_NEXT):
        name, _, content = part.partition(b"\0")
        entries[name.decode("utf-8", "replace")] = _long(content)
    if how == _AS_ENTRIES and "header.json" not in entries:
        header = {"kind": "bots-state", "schema": 2}
        parts = {name: [content] for name, content in entries.items()}
        header["checksum"] = state_format._checksum(header, parts)
        entries = {"header.json": json.dumps(header).encode(), **entries}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


def _long(content: bytes) -> bytes:
    match = _SHORT.fullmatch(content)
    try:
        dtype = np.dtype(match[1].decode()) if match else None
    except TypeError:
        dtype = None
    if match is None or dtype is None or dtype.hasobject or not dtype.itemsize:
        return content
    width = 2 if match[2] == b"2" else 1
    length = len(match[3]) // (dtype.itemsize * width)
    array = np.frombuffer(match[3], dtype, length * width)
    if match[2] == b"2":
        array = array.reshape(length, 2)
    elif match[2] == b"0" and length == 1:
        array = array.reshape(())
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()

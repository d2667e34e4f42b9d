"""The bytes of saved state: JSON and arrays in one uncompressed zip, without pickle.

NumPy opens it as an `.npz`. Its first entry, `header.json`, is::

    {"kind": "bots-state", "schema": 2, "pool": ..., "checksum": ...}

and the others are those of `bots.state_entries`. `pool` is the state's entry of that name, where it
has one. `checksum` is the SHA-256 over the rest of the header and over the names, sizes and
contents of the other entries.
"""

import hashlib
import json
import os
import struct
import zipfile
from collections.abc import Callable, Collection, Container
from typing import Any, BinaryIO

from bots.state import State
from bots.state_entries import (
    ARRAY,
    STATE,
    Entries,
    Pieces,
    array,
    array_name,
    assembled,
    parsed,
    pieces,
)

_KIND, _SCHEMA = "bots-state", 2
_HEADER = "header.json"
_STATE_1 = "json.npy"
# What zipfile, json and NumPy raise for hostile bytes; a RecursionError is a RuntimeError.
DAMAGE = (
    *(ValueError, TypeError, LookupError, ArithmeticError, RuntimeError, EOFError, OSError),
    *(struct.error, zipfile.BadZipFile),
)


class NewerError(ValueError):
    """A later release wrote the file."""


def write(file: BinaryIO, state: State) -> None:
    """Writes a state to an empty file.

    Raises:
        ValueError: when it holds what cannot be saved; nothing is written then.
    """
    content = pieces(state)
    header: dict[str, Any] = {"kind": _KIND, "schema": _SCHEMA}
    if isinstance(state.get("pool"), str):
        header["pool"] = state["pool"]
    header["checksum"] = _checksum(header, content)
    with zipfile.ZipFile(file, "w") as archive:
        for name, parts in {_HEADER: [json.dumps(header).encode()], **content}.items():
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as entry:
                for part in parts:
                    entry.write(part)


def read(file: BinaryIO) -> State:
    """The state in an open file.

    Raises:
        NewerError: when a later release wrote it.
        ValueError: or another of `DAMAGE`, when it is no state.
    """
    with zipfile.ZipFile(file) as archive:
        infos = {info.filename: info for info in archive.infolist()}
        if len(infos) < len(archive.infolist()):
            raise ValueError("it has two entries of one name")
        header = None
        if _HEADER in infos:
            header = parsed(_contents(file, archive, [infos.pop(_HEADER)])[_HEADER])
        schema = _schema(header, infos)
        entries = _contents(file, archive, infos.values())
    if header is not None:
        checksum = header.pop("checksum", None)
        if checksum != _checksum(header, {name: [entries[name]] for name in entries}):
            raise ValueError("its checksum does not fit its content")
    for older in range(schema, _SCHEMA):
        entries = _MIGRATIONS[older](entries)
    return assembled(entries)


def _contents(
    file: BinaryIO, archive: zipfile.ZipFile, infos: Collection[zipfile.ZipInfo]
) -> Entries:
    """The bytes of entries, once it is sure that the file is large enough to hold them all."""
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise ValueError(f"its entry {info.filename!r} is compressed")
    if sum(info.file_size for info in infos) > file.seek(0, os.SEEK_END):
        raise ValueError("its entries are larger than the file")
    return {info.filename: bytearray(archive.read(info)) for info in infos}


def _schema(header: dict[str, Any] | None, names: Container[str]) -> int:
    if header is None:
        if _STATE_1 not in names:
            raise ValueError("it is a zip file without the header of a state")
        return 1
    schema = header.get("schema")
    if header.get("kind") != _KIND or type(schema) is not int or schema < 2:
        raise ValueError("its header is not that of a state")
    if schema > _SCHEMA:
        raise NewerError(f"has schema {schema}; this release reads {_SCHEMA} and older")
    return schema


def _checksum(header: dict[str, Any], content: Pieces) -> str:
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name in sorted(content):
        digest.update(f"\n{name}:{sum(map(len, content[name]))}:".encode())
        for piece in content[name]:
            digest.update(piece)
    return digest.hexdigest()


def _from_1(entries: Entries) -> Entries:
    """There was no header, names were not quoted, and the JSON was an array of bytes."""
    text = array(entries.pop(_STATE_1)).tobytes()
    arrays = {
        array_name(name.removesuffix(ARRAY).split("/")): content
        for name, content in entries.items()
    }
    return {STATE: bytearray(text), **arrays}


_MIGRATIONS: dict[int, Callable[[Entries], Entries]] = {1: _from_1}

"""Rows of a user's file, as they stand there."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_LINE_BYTES = 2**26  # longer than the longest task of GURU, the tests of a program included
_ROWS_AT_ONCE = 1024

Record = Mapping[str, Any]


def read_records(path: Path) -> Iterator[tuple[str, Record]]:
    """Each row of the file, with words that say where it stands, and its fields by name.

    Raises:
        ValueError: naming the file, and the row where there is one, for a file that cannot be read,
            another ending than .jsonl or .parquet, a line that is no JSON object, or no rows.
    """
    reader = {".jsonl": _lines, ".parquet": _parquet}.get(path.suffix)
    if reader is None:
        raise ValueError(
            f"{path} must end in .jsonl, one JSON object a line, or .parquet: convert it"
        )
    empty = True
    try:
        for record in reader(path):
            empty = False
            yield record
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    if empty:
        raise ValueError(f"{path} has no rows; a file of tasks has at least one")


def _lines(path: Path) -> Iterator[tuple[str, Record]]:
    number = 0
    with path.open("rb") as file:
        while line := file.readline(_LINE_BYTES + 1):
            number += 1
            place = f"line {number} of {path}"
            if len(line) > _LINE_BYTES:
                raise ValueError(f"{place} has more than {_LINE_BYTES} bytes; leave that task out")
            if line.strip():
                yield place, _parsed(line, place)


def _parsed(line: bytes, place: str) -> Record:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{place} is no JSON: {error}") from None
    if not isinstance(record, dict):
        raise ValueError(
            f"{place} is a JSON {type(record).__name__}, not an object; write one task a line, as "
            '{"question": "...", "answer": "..."}'
        )
    return record


def _parquet(path: Path) -> Iterator[tuple[str, Record]]:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    row = 0
    try:
        with ParquetFile(path) as file:
            names = file.schema_arrow.names
            repeated = sorted({name for name in names if names.count(name) > 1})
            if repeated:
                raise ValueError(f"{path} has several columns named {repeated[0]!r}: rename one")
            for batch in file.iter_batches(_ROWS_AT_ONCE):
                for record in batch.to_pylist():
                    yield f"row {row} of {path}", record
                    row += 1
    except pa.ArrowException as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} has text that is not UTF-8 after row {row}: {error}") from None

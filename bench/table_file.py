"""A table from a user's file, whatever its format: text with separators, JSON or Parquet."""

import gzip
import io
import json
import re
import zlib
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_SEPARATORS = ",;\t|"
_GZIP, _ZIP, _OLD_EXCEL = b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_LOOKED_AT = 1024  # bytes, to tell UTF-16 from a text with a few NULs
_SHOWN = 60


def read_table(path: Path) -> "pd.DataFrame":
    """The table in a file, one row per record, with column names free of blanks at their ends.

    The ending says the format: .csv or .tsv (the separator is found in the first line: comma,
    semicolon, tab or bar), .jsonl or .ndjson (one JSON object a line), .json (a list of objects),
    .parquet. Each may be gzipped, with or without .gz. Text is UTF-8; a byte-order mark does not
    matter. Entries of text files stay text, and short rows end in empty ones; absent keys of JSON
    are NaN.

    Raises:
        ValueError: naming the file, what is wrong and the remedy, for a file that is not there, of
            another format, or damaged; for rows longer than the first, columns of the same name, or
            no rows.
    """
    reader = _reader(path)
    content = _content(path)
    _refuse_workbooks(path, content)
    table = reader(path, content)
    names = [str(name).strip() for name in table.columns]
    _refuse_repeated(path, names)
    table.columns = [name or f"column {k}" for k, name in enumerate(names)]
    if table.empty:
        raise ValueError(f"{path} has no rows; a table has at least one below its column names")
    return table


def plain_name(path: Path) -> str:
    """The file's name without the endings that say its format."""
    name = path.name
    for endings in ((".gz",), tuple(_READERS)):
        found = next((e for e in endings if name.lower().endswith(e)), "")
        name = name[: len(name) - len(found)]
    return name


def excerpt(value: object) -> str:
    """A value as an error message shows it: quoted, and cut off where it is long."""
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _reader(path: Path) -> "Callable[[Path, bytes], pd.DataFrame]":
    ending = Path(path.name.lower().removesuffix(".gz")).suffix
    if ending in (".xlsx", ".xls", ".ods"):
        raise ValueError(f"{path} is a spreadsheet: save it as CSV (UTF-8), and give that file")
    if ending not in _READERS:
        raise ValueError(
            f"{path} must end in {', '.join(_READERS)}, or one of these and .gz: rename it, or "
            "save it as CSV (UTF-8)"
        )
    return _READERS[ending]


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"{path} cannot be read: there is no such file{_like(path)}") from None
    except IsADirectoryError:
        raise ValueError(f"{path} cannot be read: it is a folder; give a file in it") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    if not content.startswith(_GZIP):
        if path.name.lower().endswith(".gz") and content:
            raise ValueError(f"{path} is not gzipped: take the ending .gz away")
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        raise ValueError(
            f"{path} cannot be unpacked: it is cut off or damaged; copy it again"
        ) from None


def _like(path: Path) -> str:
    """A hint at a file of nearly this name in the same folder."""
    if not path.parent.is_dir():
        return f"; the folder {path.parent} is not there either"
    names = [other.name for other in path.parent.iterdir() if other.is_file()]
    near = get_close_matches(path.name, names, n=1, cutoff=0.7)
    return f"; did you mean {path.parent / near[0]}?" if near else ""


def _refuse_workbooks(path: Path, content: bytes) -> None:
    if content.startswith((_ZIP, _OLD_EXCEL)):
        raise ValueError(
            f"{path} is a zip archive or a spreadsheet, whatever its ending: save the table as CSV "
            "(UTF-8)"
        )


def _refuse_repeated(path: Path, names: list[str]) -> None:
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    if repeated:
        raise ValueError(f"{path} has several columns named {repeated[0]!r}: rename all but one")


def _text(path: Path, content: bytes) -> str:
    start = content[:_LOOKED_AT]
    if start.startswith(_UTF_16) or start.count(0) * 3 > len(start):
        raise ValueError(f"{path} is UTF-16: save it as UTF-8")
    if 0 in content:
        line = content[: content.index(0)].count(b"\n") + 1
        raise ValueError(f"{path} has a NUL byte in line {line}; text has none: remove it")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(
            f"{path} is not UTF-8: line {line} has the byte {content[error.start]:#04x}; save it "
            "as UTF-8"
        ) from None
    if not text.strip():
        raise ValueError(f"{path} is empty; a table has rows below its column names")
    return text


def _separated(path: Path, content: bytes) -> "pd.DataFrame":
    """Every entry as text, so that nothing is guessed; short rows end in empty entries."""
    import pandas as pd

    text = _text(path, content)
    separator = _separator(text.lstrip().splitlines()[0])
    try:
        lines = pd.read_csv(
            io.StringIO(text),
            sep=separator,
            header=None,
            dtype=str,
            keep_default_na=False,
            skipinitialspace=True,
        )
    except pd.errors.ParserError as error:
        raise ValueError(f"{path} {_ragged(str(error), separator)}") from None
    table = lines.iloc[1:].reset_index(drop=True)
    table.columns = [str(name) for name in lines.iloc[0]]
    return table


def _separator(first_line: str) -> str:
    """The separator that divides the first line into most names; a comma where none does."""
    unquoted = re.sub(r'"[^"]*"', "", first_line)
    return max(_SEPARATORS, key=unquoted.count)


def _ragged(error: str, separator: str) -> str:
    """What the parser said, in words that name the remedy."""
    found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", error)
    if found:
        columns, line, entries = found.groups()
        return (
            f"has {entries} entries in line {line}, where the first line has {columns} (separator "
            f"{separator!r}): put entries that hold a {separator!r} in double quotes, and write "
            "decimals with a point"
        )
    quoted = re.search(r"EOF inside string starting at row (\d+)", error)
    if quoted:
        return f'opens a double quote in line {int(quoted[1]) + 1} and never closes it: add a "'
    return f"cannot be read: {error.removeprefix('Error tokenizing data. C error: ').strip()}"


def _json_lines(path: Path, content: bytes) -> "pd.DataFrame":
    lines = _text(path, content).split("\n")
    return _from_records(
        [
            (f"line {number}", _parsed(line, f"line {number} of {path}", "one JSON object a line"))
            for number, line in enumerate(lines, start=1)
            if line.strip()
        ],
        path,
    )


def _json(path: Path, content: bytes) -> "pd.DataFrame":
    records = _parsed(_text(path, content), str(path), "a list of JSON objects")
    if not isinstance(records, list):
        raise ValueError(
            f"{path} holds a JSON {type(records).__name__}; it must hold a list of objects, as in "
            '[{"id": "a", "weak": 0.1, "strong": 0.5}]'
        )
    return _from_records([(f"record {k}", record) for k, record in enumerate(records)], path)


def _parsed(text: str, place: str, rule: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError(f"{place} is nested too deeply: write {rule}") from None
    except json.JSONDecodeError as error:
        what = f"{error.msg} at character {error.pos + 1}"
        raise ValueError(f"{place} is no JSON ({what}): write {rule}") from None
    except ValueError:  # of int, which would not name the place
        raise ValueError(f"{place} has a number of too many digits: shorten it") from None


def _from_records(records: list[tuple[str, Any]], path: Path) -> "pd.DataFrame":
    import pandas as pd

    for place, record in records:
        if not isinstance(record, dict):
            raise ValueError(
                f"{place} of {path} is {excerpt(record)}; it must be an object, as in "
                '{"id": "a", "weak": 0.1, "strong": 0.5}'
            )
    return pd.DataFrame([record for _, record in records], dtype=object)


def _parquet(path: Path, content: bytes) -> "pd.DataFrame":
    import pyarrow as pa
    from pyarrow.parquet import read_table as read_parquet

    try:
        table = read_parquet(io.BytesIO(content))
        _refuse_repeated(path, table.column_names)  # pandas would refuse them in its own words
        return table.to_pandas(ignore_metadata=True)
    except (pa.ArrowException, OSError) as error:
        first = str(error).strip().splitlines()[0]
        raise ValueError(f"{path} cannot be read as Parquet: {first}") from None


_READERS: "dict[str, Callable[[Path, bytes], pd.DataFrame]]" = {
    ".csv": _separated,
    ".tsv": _separated,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    ".parquet": _parquet,
}

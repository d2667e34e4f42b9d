"""Reference rates on disk: one Parquet file, and the parts it grows from."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backends.files import locked
from backends.rft.tasks import Task

SCHEMA_VERSION = 1
COUNTS = ("successes", "trials", "failures")
_HEADER = b"bots"
_KIND = "references"

Counts = dict[str, tuple[int, int, int]]
Settings = Mapping[str, Any]


class ReferenceFiles:
    """The output of a measurement and the folder `<out>.parts` beside it.

    Every file appears by renaming a finished one, so it is complete whenever it exists: a killed
    run loses at most the chunk it was at. Each carries the settings that its counts depend on.

    Args:
        out: ends in .parquet.
        redo: whether what was made with other settings is left out instead of refused; files of it
            go when the output is written.
    """

    def __init__(self, out: Path, redo: bool = False) -> None:
        if out.suffix != ".parquet":
            raise ValueError(f"the output is {out}; it must end in .parquet: rename it")
        self.out, self._redo = out, redo
        self.parts = out.with_name(f"{out.name}.parts")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the parts for one run; the system lets go when the run ends or is killed.

        Raises:
            ValueError: when another run holds them.
        """
        taken = f"another run is writing {self.out}: wait for it, or choose another --out"
        with locked(self.parts, taken):
            try:
                yield
            finally:
                if not any(self.parts.glob("*.parquet")):
                    shutil.rmtree(self.parts)

    def finished(self) -> dict[str, dict[str, Any]]:
        """The settings of each label that the output has; empty when there is none.

        Raises:
            ValueError: for a file there that is something else.
        """
        return dict(_header(self.out)["models"]) if self.out.exists() else {}

    def accepts(self, found: Settings, wanted: Settings, where: Path) -> bool:
        """Whether the settings are the same.

        Raises:
            ValueError: when they are not, unless told to measure again.
        """
        differing = [
            f"{name} is {found.get(name)!s:.12} there and {value!s:.12} here"
            for name, value in wanted.items()
            if found.get(name) != value
        ]
        if differing and not self._redo:
            raise ValueError(
                f"{where} was made with other settings ({', '.join(differing)}): give the same, "
                "measure again with --redo, or choose another --out"
            )
        return not differing

    def found(self, label: str, settings: Settings) -> Counts:
        """What parts of an earlier run hold for this label."""
        counts: Counts = {}
        for path in self._parts_of(label):
            if self.accepts(_header(path)["settings"], settings, path):
                table = read_columns(path)
                columns = zip(*(table[name] for name in COUNTS), strict=True)
                counts.update(zip(table["id"], columns, strict=True))
        return counts

    def add(self, label: str, settings: Settings, counts: Counts) -> None:
        """Writes one more part."""
        taken = [int(path.stem.rpartition("-")[2]) for path in self._parts_of(label)]
        columns = {
            "id": list(counts),
            **{name: [c[place] for c in counts.values()] for place, name in enumerate(COUNTS)},
        }
        header = {"label": label, "settings": dict(settings)}
        self._write(self.parts / f"{label}-{max(taken, default=0) + 1}.parquet", columns, header)

    def finish(
        self, tasks: Sequence[Task], models: Mapping[str, Settings], found: Mapping[str, Counts]
    ) -> None:
        """Writes the output, the columns of other labels included.

        Args:
            tasks: in the order of the rows.
            models: the settings of every label that the output shall have.
            found: counts of the labels that are new; the others stay as they are.
        """
        columns: dict[str, list[Any]] = {
            "id": [task.key for task in tasks],
            "domain": [task.domain for task in tasks],
        }
        old = read_columns(self.out) if set(models) - set(found) else {}
        for label in models:
            names = column_names(label)
            if label not in found:
                columns |= {name: old[name] for name in names}
                continue
            counts_N = [found[label][task.key] for task in tasks]
            rates_N = [successes / trials if trials else None for successes, trials, _ in counts_N]
            columns |= dict(
                zip(names, [rates_N, *map(list, zip(*counts_N, strict=True))], strict=True)
            )
        self._write(self.out, columns, {"models": {k: dict(v) for k, v in models.items()}})

    def read(self, label: str) -> Counts:
        """The counts of a label of the output."""
        table = read_columns(self.out)
        columns = zip(*(table[name] for name in column_names(label)[1:]), strict=True)
        return dict(zip(table["id"], columns, strict=True))

    def remove_parts(self, label: str) -> None:
        """Removes the parts of a label, and unfinished files of killed runs."""
        for path in (*self._parts_of(label), *self.parts.glob("*.tmp")):
            path.unlink()

    def _parts_of(self, label: str) -> list[Path]:
        paths = sorted(self.parts.glob("*.parquet"))
        return [path for path in paths if path.stem.rpartition("-")[0] == label]

    def _write(self, path: Path, columns: Mapping[str, list[Any]], header: Settings) -> None:
        """Through a temporary file among the parts, on the same disk."""
        import pyarrow as pa
        from pyarrow.parquet import write_table

        whole = {"schema_version": SCHEMA_VERSION, "kind": _KIND, **header}
        table = pa.table({name: pa.array(v, _type(v)) for name, v in columns.items()})
        temporary = self.parts / f"{path.name}.tmp"
        write_table(table.replace_schema_metadata({_HEADER: json.dumps(whole)}), temporary)
        os.replace(temporary, path)


def column_names(label: str) -> tuple[str, ...]:
    """The columns of a label: its rates, then the counts."""
    return (label, *(f"{label}_{name}" for name in COUNTS))


def read_columns(path: Path) -> dict[str, list[Any]]:
    """The columns of a Parquet file of tasks, one of which is `id`.

    Raises:
        ValueError: for a file that cannot be read, or has no such column.
    """
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            table = file.read()
    except (OSError, pa.ArrowException) as error:
        raise ValueError(f"{path} cannot be read as Parquet: {error}") from None
    if "id" not in table.column_names:
        raise ValueError(
            f"{path} has no column 'id' with the keys of tasks; it has "
            f"{', '.join(table.column_names)}: make it with `python -m backends.rft references`"
        )
    return {name: table[name].to_pylist() for name in table.column_names}


def _header(path: Path) -> dict[str, Any]:
    import pyarrow as pa
    from pyarrow.parquet import read_schema

    try:
        metadata = read_schema(path).metadata or {}
        header = json.loads(metadata.get(_HEADER, b"{}"))
    except (OSError, ValueError, pa.ArrowException) as error:
        raise ValueError(f"{path} cannot be read: {error}; move it away and run again") from None
    if header.get("kind") != _KIND or header.get("schema_version") != SCHEMA_VERSION:
        raise ValueError(
            f"{path} holds no reference rates of version {SCHEMA_VERSION}: choose another --out"
        )
    return header


def _type(values: Sequence[Any]) -> Any:
    import pyarrow as pa

    if any(isinstance(value, str) for value in values):
        return pa.string()
    return pa.int64() if all(isinstance(value, int) for value in values) else pa.float64()

"""Results on disk: one self-describing Parquet file per cell, written whole or not at all."""

import hashlib
import json
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from backends.files import TEMPORARY, atomic, locked

SCHEMA_VERSION = 1
_FAILED = ".failed.json"
_STALE_SECONDS = 3600
_LONGEST_STEM = 150


@dataclass(frozen=True, slots=True)
class CellId:
    """The name of a cell: one strategy on one setting with one seed."""

    setting: str
    strategy: str
    seed: int

    def __str__(self) -> str:
        return f"{self.setting}/{self.strategy}/{self.seed}"

    @property
    def stem(self) -> str:
        """The name of its file, without the ending; distinct for distinct cells."""
        parts = (
            quote(part, safe="=,.").replace("--", "%2D-") for part in (self.setting, self.strategy)
        )
        stem = "--".join((*parts, str(self.seed)))
        if len(stem) <= _LONGEST_STEM:
            return stem
        return f"{stem[:_LONGEST_STEM]}~{hashlib.sha256(stem.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True, eq=False)
class CellResult:
    """One finished cell.

    Attributes:
        cell: which.
        config: everything that the outcome depends on.
        columns: one entry per evaluation, the first before training; NaN where not measured.
        extra: figures that are not a time series.
    """

    cell: CellId
    config: dict[str, Any]
    columns: dict[str, npt.NDArray[Any]]
    extra: dict[str, Any]


class Store:
    """A folder of cells.

    A cell's file appears by renaming a finished temporary one, so it is complete whenever it
    exists: a killed run loses at most the cells in flight. Cells made by several machines can be
    copied into one folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def finished(self, cell: CellId) -> bool:
        """Whether the cell's result is there."""
        return self._path(cell).exists()

    def save(self, result: CellResult) -> None:
        """Writes a finished cell, and removes the record of an earlier failure."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        header = {
            "schema_version": SCHEMA_VERSION,
            "cell": [result.cell.setting, result.cell.strategy, result.cell.seed],
            "config": result.config,
            "extra": result.extra,
        }
        columns = {
            name: pa.array(list(values) if values.ndim == 2 else values)
            for name, values in result.columns.items()
        }
        table = pa.table(columns).replace_schema_metadata({"bots": json.dumps(header)})
        self.folder.mkdir(parents=True, exist_ok=True)
        with atomic(self._path(result.cell)) as temporary:
            pq.write_table(table, temporary, compression="zstd")
        self._failure_path(result.cell).unlink(missing_ok=True)

    def save_failure(self, cell: CellId, error: str) -> None:
        """Records that the cell failed, and why."""
        self.folder.mkdir(parents=True, exist_ok=True)
        record = {"cell": [cell.setting, cell.strategy, cell.seed], "error": error}
        with atomic(self._failure_path(cell)) as temporary:
            temporary.write_text(json.dumps(record, indent=1), encoding="utf-8")

    def load(self) -> list[CellResult]:
        """All finished cells, in order of name and seed.

        Raises:
            ValueError: for a file that is not a cell, or of another schema version.
        """
        results = [read_cell(path) for path in self.folder.glob("*.parquet")]
        return sorted(
            results,
            key=lambda result: (result.cell.setting, result.cell.strategy, result.cell.seed),
        )

    def failures(self) -> list[tuple[CellId, str]]:
        """All cells that failed and were not repaired by a later run, with their errors."""
        records = [
            json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(self.folder.glob(f"*{_FAILED}"))
        ]
        return [(CellId(*record["cell"]), record["error"]) for record in records]

    def config(self, cell: CellId) -> dict[str, Any]:
        """The configuration that a finished cell was made with."""
        return _header(self._path(cell))["config"]

    def clean(self) -> None:
        """Removes temporary files that a killed run left behind an hour or more ago."""
        for path in self.folder.glob(f"*{TEMPORARY}"):
            if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                path.unlink(missing_ok=True)

    def locked(self) -> AbstractContextManager[None]:
        """Holds the folder for one run; raises ValueError when another run holds it."""
        return locked(
            self.folder,
            f"another run is writing into {self.folder}: wait for it, or choose another --out and "
            "copy the cells together afterwards",
        )

    def beside(self, cell: CellId, folder: str, ending: str) -> Path:
        """Where other files of a cell go, such as its checkpoint."""
        return self.folder / folder / f"{cell.stem}{ending}"

    def _path(self, cell: CellId) -> Path:
        return self.folder / f"{cell.stem}.parquet"

    def _failure_path(self, cell: CellId) -> Path:
        return self.folder / f"{cell.stem}{_FAILED}"


def _header(path: Path) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_schema(path).metadata or {}
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(
            f"{path} is not a readable result: {error}; delete it and run again"
        ) from None
    if b"bots" not in metadata:
        raise ValueError(
            f"{path} is a Parquet file but not a result of this benchmark; move it away"
        )
    header = json.loads(metadata[b"bots"])
    if header["schema_version"] != SCHEMA_VERSION:
        raise ValueError(
            f"{path} has schema version {header['schema_version']}, this code reads "
            f"{SCHEMA_VERSION}: read it with the release that wrote it, or run again elsewhere"
        )
    return header


def read_cell(path: Path) -> CellResult:
    """The cell in a file; see `Store.load` for what it refuses."""
    import pyarrow.parquet as pq

    header = _header(path)
    table = pq.read_table(path)
    columns = {name: _array(table[name]) for name in table.column_names}
    return CellResult(CellId(*header["cell"]), header["config"], columns, header["extra"])


def _array(column: Any) -> npt.NDArray[Any]:
    import pyarrow as pa

    if pa.types.is_list(column.type):
        return np.array(column.to_pylist())
    return column.to_numpy()

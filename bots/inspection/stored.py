"""A file of state, and what it says about itself."""

import json
import os
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bots.state import State
from bots.state_file import load_state

_HEADER = "header.json"


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A selector's state and the file that holds it.

    Attributes:
        path: the file.
        num_bytes: its size.
        written: when it was last modified, UTC.
        schema: of the file's layout.
        state: what `state_dict` returned.
    """

    path: Path
    num_bytes: int
    written: datetime
    schema: int
    state: State

    @property
    def selector(self) -> str:
        """The selector's name."""
        return self.state["selector"]

    @property
    def settings(self) -> dict[str, Any]:
        """The selector's settings."""
        return self.state["config"]


def read(path: str | os.PathLike[str]) -> Stored:
    """The selector's state in a file.

    Raises:
        OSError: when there is no such file, or it cannot be read.
        ValueError: when it is damaged, of another kind or of a newer release, or the state in it is
            not a selector's.
    """
    state = load_state(path)
    for name, kind in (("selector", str), ("version", int), ("pool", str), ("config", dict)):
        if type(state.get(name)) is not kind:
            raise ValueError(
                f"{os.fspath(path)} holds a state with entries {sorted(state)[:8]}, which is not a "
                f"selector's ({name!r} is no {kind.__name__}): save what state_dict returns"
            )
    facts = os.stat(path)
    written = datetime.fromtimestamp(facts.st_mtime, UTC)
    return Stored(Path(path), facts.st_size, written, _schema(path), state)


def _schema(path: str | os.PathLike[str]) -> int:
    """The layout of a sound file; the first one had no header."""
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(_HEADER))["schema"] if _HEADER in archive.namelist() else 1

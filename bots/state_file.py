"""Files of state: written whole, the one before kept, and refused with a remedy when unsound."""

import errno
import os
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from bots import state_format
from bots.state import State


def save_state(path: str | os.PathLike[str], state: State, keep_previous: bool = True) -> None:
    """Writes a state to one file: it appears whole, or the old one stays.

    At every moment, whenever the process is killed, there is a complete file at `path` or, where
    the file system has no hard links, at `<path>.previous`. On return the file is on the disk. A
    save that is killed may leave a file that ends in `.tmp` beside it.

    Args:
        path: the file; NumPy and zip tools read it if its name ends in `.npz`.
        state: JSON values, arrays of numbers, strings or times, and dicts of these.
        keep_previous: whether the file that was there stays, as `<path>.previous`.

    Raises:
        ValueError: when the state holds anything else.

    Example:
        >>> import tempfile, numpy as np
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_state(folder + "/s.npz", {"a": np.arange(2), "b": {"c": 1.5}})
        ...     load_state(folder + "/s.npz")
        {'b': {'c': 1.5}, 'a': array([0, 1])}
    """
    place, temporary = Path(path), _temporary(path)
    try:
        with temporary.open("xb") as file:
            state_format.write(file, state)
            file.flush()
            os.fsync(file.fileno())
        if keep_previous and place.is_file():
            _keep(place)
        os.replace(temporary, place)
    finally:
        temporary.unlink(missing_ok=True)
    _sync(place.parent)


def load_state(path: str | os.PathLike[str]) -> State:
    """Reads what `save_state` wrote, in this release or an earlier one.

    Raises:
        FileNotFoundError: when there is no file.
        ValueError: when the file is truncated, corrupted, of another kind or of a newer release.
            Both errors name the file that was saved before, if it is there and sound.
    """
    try:
        file = open(path, "rb")  # noqa: SIM115  # errors of opening are not those of reading
    except FileNotFoundError:
        sound = _sound(_previous(path))
        message = f"no state is saved here{f'; load {_previous(path)}' if sound else ''}"
        raise FileNotFoundError(errno.ENOENT, message, os.fspath(path)) from None
    except IsADirectoryError:
        raise ValueError(f"{path} is not a saved state but a folder: name a file in it") from None
    with file:
        try:
            return state_format.read(file)
        except state_format.NewerError as error:
            raise ValueError(f"{path} {error}: upgrade bots-rft") from None
        except state_format.DAMAGE as error:
            raise ValueError(_refusal(path, file, error)) from None


def _previous(path: str | os.PathLike[str]) -> Path:
    return Path(f"{os.fspath(path)}.previous")


def _temporary(path: str | os.PathLike[str]) -> Path:
    return Path(f"{os.fspath(path)}.{uuid4().hex}.tmp")


def _keep(place: Path) -> None:
    """Makes the file at `place` the previous one as well."""
    link = _temporary(place)
    try:
        os.link(place, link)
    except OSError:  # no hard links here: the file leaves its place until the new one takes it
        link = place
    os.replace(link, _previous(place))


def _sync(folder: Path) -> None:
    with suppress(OSError):  # Windows and some network file systems cannot sync a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _refusal(path: str | os.PathLike[str], file: BinaryIO, error: Exception) -> str:
    """Why a file holds no state, and what to do."""
    file.seek(0)
    start = file.read(2)
    if start and start != b"PK":
        remedy = (
            f"load {_previous(path)}, which is" if _sound(_previous(path)) else "name a file of its"
        )
        return f"{path} is not a state written by save_state: {remedy}"
    what = "its end is missing" if start else "it is empty"
    if zipfile.is_zipfile(file):
        what = f"it is damaged or of another kind ({error!r})"
    return f"{path} is not a saved state: {what}; {_remedy(path)}"


def _remedy(path: str | os.PathLike[str]) -> str:
    previous = _previous(path)
    return (
        f"load {previous}, which was saved before it and is sound"
        if _sound(previous)
        else "go back to an earlier checkpoint"
    )


def _sound(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            state_format.read(file)
    except state_format.DAMAGE:
        return False
    return True

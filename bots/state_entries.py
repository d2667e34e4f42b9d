"""A state as named byte strings: one of JSON, and one `.npy` per array.

The JSON is `state.json`. The name of an array is the names that lead to it, quoted, with "/"
between them. Reading trusts nothing: only layouts that writing makes are accepted, and a declared
shape takes no memory beyond the bytes that are there.
"""

import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
import numpy.typing as npt

from bots.state import State

Bytes = bytes | bytearray | memoryview
Pieces = Mapping[str, Sequence[Bytes]]  # contents in parts, so that arrays are not copied
Entries = dict[str, bytearray]

STATE, ARRAY = "state.json", ".npy"
_DEEPEST = 64  # levels of nesting; Python's JSON gives up at about 1000
_DTYPE = r"[<>|][biufcSUmM][1-9][0-9]{0,8}(?:\[\w+\])?"  # numbers, strings, times: no objects
# NumPy's own reader evaluates the header as Python and warns about old ones.
_NPY = re.compile(
    rb"\x93NUMPY\x01\x00(?P<size>..)\{'descr': '(?P<dtype>" + _DTYPE.encode() + rb")', "
    rb"'fortran_order': (?P<fortran>True|False), 'shape': \((?P<shape>[0-9, ]*)\), \} *\n",
    re.DOTALL,
)


def pieces(state: State) -> Pieces:
    """A state's entries by name.

    Raises:
        ValueError: when it holds what cannot be saved.
    """
    if not isinstance(state, dict):
        raise ValueError(f"the state is a {type(state).__name__}: pass what state_dict returned")
    arrays: dict[str, npt.NDArray[Any]] = {}
    _check_json(state)
    try:
        text = json.dumps(_apart(state, (), arrays))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the state cannot be saved: {error}; it may hold JSON values, arrays and dicts of them"
        ) from None
    content = {name: _npy(name, array) for name, array in arrays.items()}
    return {STATE: [text.encode()], **content}


def assembled(entries: Entries) -> State:
    """The state with these entries.

    Raises:
        ValueError, LookupError or TypeError: when they make no state that could be saved.
    """
    state = parsed(entries.pop(STATE))
    for name, content in entries.items():
        *parents, last = names = [
            unquote(part, errors="surrogatepass") for part in name.removesuffix(ARRAY).split("/")
        ]
        place = state
        for parent in parents:
            place = place[parent]
        if not isinstance(place, dict) or last in place or array_name(names) != name:
            raise ValueError(f"the entry {name!r} has no place in the state")
        place[last] = array(content)
    return state


def parsed(text: bytearray) -> State:
    """A JSON object."""
    value = json.loads(text.decode(), object_pairs_hook=_distinct)
    if not isinstance(value, dict):
        raise ValueError("its JSON is no object")
    _check_json(value)
    return value


def array_name(names: Iterable[str]) -> str:
    """The entry of the array that these names lead to."""
    return "/".join(quote(name, safe="", errors="surrogatepass") for name in names) + ARRAY


def array(content: bytearray) -> npt.NDArray[Any]:
    """The array in a `.npy`, whose memory it takes over."""
    start = _NPY.match(content)
    if start is None or start.end() != 10 + int.from_bytes(start["size"], "little"):
        raise ValueError("an array has a layout that save_state does not write")
    dtype = np.dtype(start["dtype"].decode())
    shape = tuple(int(length) for length in re.findall(rb"[0-9]+", start["shape"]))
    if math.prod(shape) * dtype.itemsize != len(content) - start.end():
        raise ValueError(f"an array of shape {shape} and dtype {dtype} has another size")
    order = "F" if start["fortran"] == b"True" else "C"
    return np.ndarray(shape, dtype, content, start.end(), order=order)


def _npy(name: str, values: npt.NDArray[Any]) -> Sequence[Bytes]:
    array = np.asarray(values)
    if not re.fullmatch(_DTYPE, array.dtype.str):
        raise ValueError(
            f"state entry {unquote(name.removesuffix(ARRAY))!r} is an array of dtype "
            f"{array.dtype}: save numbers, strings or times"
        )
    array = array if array.flags.forc else np.ascontiguousarray(array)
    start = io.BytesIO()
    layout = np.lib.format.header_data_from_array_1_0(array)
    np.lib.format.write_array_header_1_0(start, layout)
    return start.getvalue(), array.reshape(-1, order="A").view(np.uint8).data


def _apart(state: State, prefix: tuple[str, ...], arrays: dict[str, npt.NDArray[Any]]) -> State:
    """The state without its arrays, which are put into `arrays` by the names of their entries."""
    rest: State = {}
    for name, value in state.items():
        names = (*prefix, name)
        if isinstance(value, np.ndarray):
            arrays[array_name(names)] = value
        else:
            rest[name] = _apart(value, names, arrays) if isinstance(value, dict) else value
    return rest


def _check_json(state: State) -> None:
    level: list[Any] = [state]
    for _ in range(_DEEPEST):
        level = [child for value in level for child in _children(value)]
        if not level:
            return
    raise ValueError(f"the state is nested more than {_DEEPEST} levels deep: flatten it")


def _children(value: Any) -> Iterable[Any]:
    if not isinstance(value, dict):
        return value if isinstance(value, list | tuple) else ()
    bad = [name for name in value if not isinstance(name, str)]
    if bad:
        raise ValueError(f"the state has a name {bad[0]!r}; names must be strings")
    return value.values()


def _distinct(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("its JSON has a name twice in one place")
    return dict(pairs)

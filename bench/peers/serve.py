"""One contender in a process of its own, timed on request: `python serve.py FILE:ENTER`.

This file runs in the environment of the contender, which may be another project's: it needs NumPy
and nothing of this checkout. FILE is a Python file and ENTER a function or class of it, called as
`ENTER(weak_N, strong_N, setting)`, which returns a `Contender`. That holds what a user has before
there is a selector; its `build` makes the selector, and only this and what follows is measured.

Protocol: JSON, one object per line. The first line on standard input is the setting::

    {"rates": "FILE.npy", "group_size": 16, "threads": 2}

where the file holds the reference rates, shape (2, N), weak before strong, and the answer is::

    {"wall": seconds, "cpu": seconds, "arrays": bytes, "versions": {"numpy": "2.4", ...}}

Then come requests, each with its answer, until standard input ends::

    {"select": 512}                              -> {"ids": [...], "wall": s, "cpu": s}
    {"update": {"ids": [...], "solved": [...]}}  -> {"wall": s, "cpu": s}
    {"memory": true}                             -> {"kept": bytes, "extra": bytes}

What a contender prints goes to standard error.
"""

import ctypes
import gc
import importlib.util
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Protocol, TextIO

import numpy as np

_WARM_TASKS, _WARM_BATCH, _WARM_STEPS = 1024, 32, 40
_FORGET_PEAK = "5"  # proc(5), /proc/pid/clear_refs
_CLOSED = (str, bytes, type, FunctionType, ModuleType, logging.Logger)  # hold no beliefs


class Contender(Protocol):
    """A selector as it is timed.

    Attributes:
        given: what it is built from; the arrays of that are not counted as the selector's.
        versions: of what it is made of.
    """

    given: tuple[Any, ...]
    versions: dict[str, str]

    def build(self) -> Any:
        """Makes the selector; the object whose arrays are counted."""
        ...

    def select(self, batch_size: int) -> Any:
        """Positions of the chosen tasks, shape (B,), anything that NumPy takes for a vector."""
        ...

    def update(self, ids_B: np.ndarray, solved_B: np.ndarray) -> None:
        """Learns how many rollouts of each task solved it, shape (B,)."""
        ...


Enter = Callable[[np.ndarray, np.ndarray, dict[str, Any]], Contender]


def serve(enter: Enter, requests: TextIO, answers: TextIO) -> None:
    """Builds a contender's selector and answers requests until there are none."""

    def answer(values: dict[str, Any]) -> None:
        answers.write(json.dumps(values) + "\n")
        answers.flush()

    setting = json.loads(requests.readline())
    _warm(enter, setting)
    weak_N, strong_N = np.load(setting["rates"])
    contender = enter(weak_N, strong_N, setting)
    before = settled_memory()
    selector, spent = _timed(contender.build)
    after = settled_memory()
    size = array_bytes(selector, contender.given)
    answer({**spent, "arrays": size, "versions": contender.versions})
    for line in requests:
        request = json.loads(line)
        if "memory" in request:
            answer({"kept": _grown(before, after), "extra": _grown(after, memory("VmHWM"))})
        else:
            answer(_step(contender, request))


def _warm(enter: Enter, setting: dict[str, Any]) -> None:
    """Steps on a small pool, revisits included, load and compile what is needed but once."""
    weak_N = np.random.default_rng(0).integers(17, size=_WARM_TASKS) / 16
    contender = enter(weak_N, np.maximum(weak_N, weak_N[::-1]), setting)
    contender.build()
    for _ in range(_WARM_STEPS):
        ids_B = np.asarray(contender.select(_WARM_BATCH))
        contender.update(ids_B, np.full(_WARM_BATCH, setting["group_size"] / 2))


def _step(contender: Contender, request: dict[str, Any]) -> dict[str, Any]:
    if "select" in request:
        ids, spent = _timed(lambda: contender.select(request["select"]))
        return {"ids": np.asarray(ids).tolist(), **spent}
    ids_B = np.array(request["update"]["ids"], dtype=np.int64)
    solved_B = np.array(request["update"]["solved"], dtype=np.float64)
    return _timed(lambda: contender.update(ids_B, solved_B))[1]


def _timed(call: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What the call returned, the time it took, and the time of all its threads."""
    cpu, wall = time.process_time(), time.perf_counter()
    value = call()
    return value, {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def memory(name: str) -> int | None:
    """A size of this process in bytes, by its name in `/proc/self/status`; None without that."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(name)), None)


def settled_memory() -> int | None:
    """The resident size once freed memory was given back; `VmHWM` counts from here.

    None where the system does not allow that: the peak would be that of building.
    """
    gc.collect()
    try:
        Path("/proc/self/clear_refs").write_text(_FORGET_PEAK)
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text(_FORGET_PEAK)
    except (OSError, AttributeError):
        return None
    return memory("VmRSS")


def _grown(low: int | None, high: int | None) -> int | None:
    return None if low is None or high is None else high - low


def array_bytes(owner: object, without: tuple[object, ...] = ()) -> int:
    """Bytes of the arrays that can be reached from an object, each counted once.

    Args:
        owner: the object.
        without: what can be reached from these is left out.

    Example:
        >>> array_bytes({"a": [np.zeros(4)], "b": np.zeros(2, dtype=np.float32)})
        40
    """
    seen: set[int] = set()
    _reached([*without], seen)
    return sum(array.nbytes for array in _reached([owner], seen))


def _reached(waiting: list[object], seen: set[int]) -> list[np.ndarray]:
    """The arrays, views replaced by what they view; `seen` then holds all that was met."""
    arrays = []
    while waiting:
        thing = waiting.pop()
        while isinstance(thing, np.ndarray) and isinstance(thing.base, np.ndarray):
            thing = thing.base
        if id(thing) in seen or isinstance(thing, _CLOSED):
            continue
        seen.add(id(thing))
        if isinstance(thing, np.ndarray):
            arrays.append(thing)
        waiting.extend(gc.get_referents(thing))
    return arrays


def load(place: str) -> Enter:
    """The function named by FILE:FUNCTION."""
    file, _, function = place.rpartition(":")
    spec = importlib.util.spec_from_file_location("contender", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return vars(module)[function]


if __name__ == "__main__":
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # only answers go to standard output
        serve(load(sys.argv[1]), sys.stdin, answers)

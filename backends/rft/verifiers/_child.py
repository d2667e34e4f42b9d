"""The far side of `Isolated`: a process that answers one request after the other."""

import importlib
import json
import os
import select
import signal
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

LOAD_SECONDS = 120.0  # for imports, from a cold network disk
_ERROR_CHARACTERS = 200


def serve(function: str, parent: int, wall_seconds: float, memory_bytes: int) -> None:
    """Answers requests on standard input until it is closed: what the child runs."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(int(LOAD_SECONDS) + 1)
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):  # so that nothing the function prints is taken for a reply
        os.dup2(nowhere, stream)
    module, name = function.split(":")
    try:
        score = getattr(importlib.import_module(module), name)
    except Exception as error:
        _reply(replies, {"error": _words(error)})
        return
    _limit_memory(memory_bytes)
    reply: dict[str, object] = {"ready": True}
    while "memory" not in reply:
        _reply(replies, reply)
        signal.setitimer(signal.ITIMER_REAL, 0)
        while not select.select([requests], [], [], 1.0)[0]:
            if os.getppid() != parent:
                return
        signal.setitimer(signal.ITIMER_REAL, wall_seconds + 1)  # outlives no parent by more
        line = requests.readline()
        if not line.endswith(b"\n"):
            return
        reply = _answer(score, line)
    _reply(replies, reply)


def _answer(score: Callable[..., float], line: bytes) -> dict[str, object]:
    try:
        return {"score": float(score(*json.loads(line)))}
    except MemoryError:
        return {"memory": True}
    except Exception as error:
        return {"error": _words(error)}


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_ERROR_CHARACTERS]


def _reply(replies: BinaryIO, reply: dict[str, object]) -> None:
    replies.write(json.dumps(reply).encode() + b"\n")
    replies.flush()


def _limit_memory(memory_bytes: int) -> None:
    import resource

    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError):  # not Linux, or a lower limit is in force already
        return

"""A scoring function in a process of its own, which hostile input can hang, crash or fill."""

import json
import math
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from typing import IO, Any

from backends.rft.verifiers._child import LOAD_SECONDS
from backends.rft.verifiers.base import VerifierError
from bots import checks

_REPLY_BYTES = 65_536
_ENDING_SECONDS = 60.0  # from the end of a process's output to its own, on a machine that is busy
_BOOT = "import json, sys; a = json.loads(sys.argv[1]); sys.path[:] = a['path']; "
_BOOT += "from backends.rft.verifiers._child import serve; serve(**a['serve'])"
# One thread, since every thread of a linear algebra library reserves memory; and the same order of
# sets in every process, since sympy's results can depend on it.
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}


class Isolated:
    """Calls `module:function` in a child process; a request beyond the limits ends the child.

    The child starts with the first request, answers one after the other, and is replaced after it
    was ended. It ends by itself once this process is gone, however that went: within a second when
    idle, else within `wall_seconds` + 1. After a fork, the copy starts a child of its own. It holds
    hangs, crashes and memory, not malice: the function must not execute what it is given.

    Args:
        function: `module:function`, of JSON values, which returns a number.
        wall_seconds: longest time over one request, > 0; loading the module is not counted.
        memory_bytes: address space that the requests may add to what the loaded module holds, where
            the system can limit it (Linux).
    """

    def __init__(self, function: str, wall_seconds: float = 5.0, memory_bytes: int = 2**30) -> None:
        if len(function.split(":")) != 2:
            raise ValueError(f"function is {function!r}; it must read `module:function`")
        self._function = function
        self._wall_seconds = checks.number("wall_seconds", wall_seconds, 1e-3)
        self._memory_bytes = checks.integer("memory_bytes", memory_bytes, 1)
        self._path = [os.path.abspath(entry) for entry in sys.path]
        self._adopt()

    def call(self, *values: object) -> float:
        """What the function returns for these JSON values.

        Raises:
            VerifierError: for a request beyond a limit, which is named, a function that raised, a
                child that died, or a result that is not a finite number.
        """
        if self._owner != os.getpid():
            self._finish()
            self._adopt()
        with self._lock:
            try:
                reply = self._ask(json.dumps(values))
            except BaseException:  # an interrupt too: the next reply would belong to this request
                self._end()
                raise
        if "error" in reply:
            raise VerifierError(f"{self._function} raised {reply['error']}")
        score = reply.get("score")
        if (
            isinstance(score, bool)
            or not isinstance(score, int | float)
            or not math.isfinite(score)
        ):
            raise VerifierError(f"{self._function} returned {score!r}; it must be a finite number")
        return float(score)

    def close(self) -> None:
        """Ends the child, if there is one; another call would start the next."""
        if self._owner == os.getpid():
            self._end()

    def _ask(self, request: str) -> dict[str, Any]:
        if self._child is not None and self._child.poll() is not None:
            self._end()
        reply = self._exchange(self._child or self._start(), request, self._wall_seconds)
        if "memory" in reply:
            raise VerifierError(
                f"{self._function} asked for more than {self._memory_bytes} bytes (`memory_bytes`) "
                "over one request; its process was ended"
            )
        return reply

    def _start(self) -> subprocess.Popen[bytes]:
        serve = {
            "function": self._function,
            "parent": os.getpid(),
            "wall_seconds": self._wall_seconds,
            "memory_bytes": self._memory_bytes,
        }
        arguments = json.dumps({"path": self._path, "serve": serve})
        self._child = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", _BOOT, arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # so that a fork never repeats what is left in a buffer
            env=os.environ | _ENVIRONMENT,
            start_new_session=True,  # an interrupt from the keyboard is for the parent alone
        )
        self._finish = weakref.finalize(self, _end, self._child, self._owner)
        reply = self._exchange(self._child, None, LOAD_SECONDS)
        if "error" in reply:
            raise VerifierError(f"{self._function} cannot be loaded: {reply['error']}")
        return self._child

    def _exchange(
        self, child: subprocess.Popen[bytes], request: str | None, seconds: float
    ) -> dict[str, Any]:
        late = threading.Event()

        def expire() -> None:
            late.set()
            child.kill()

        timer = threading.Timer(seconds, expire)
        timer.daemon = True
        timer.start()
        try:
            line = _write_and_read(child, request)
        finally:
            timer.cancel()
            timer.join()
        if late.is_set():
            what = "load" if request is None else "answer one request (`wall_seconds`)"
            raise VerifierError(
                f"{self._function} took more than {seconds:g} s to {what}; its process was ended"
            )
        if not line.endswith(b"\n"):
            raise VerifierError(
                f"the process of {self._function} died over one request ({_ending(child)})"
            )
        reply = json.loads(line)
        assert isinstance(reply, dict)
        return reply

    def _adopt(self) -> None:
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._finish: Callable[[], Any] = _nothing

    def _end(self) -> None:
        self._finish()
        self._child, self._finish = None, _nothing


def _nothing() -> None:
    """There is no child to end."""


def _end(child: subprocess.Popen[bytes], owner: int) -> None:
    """Ends the child and waits for it; a fork of its owner only lets go of it."""
    if os.getpid() == owner:
        child.kill()
        child.wait()
    else:
        child.returncode = 0  # the owner waits for it; here it counts as ended
    for pipe in _pipes(child):
        pipe.close()


def _pipes(child: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert child.stdin is not None
    assert child.stdout is not None
    return child.stdin, child.stdout


def _write_and_read(child: subprocess.Popen[bytes], request: str | None) -> bytes:
    requests, replies = _pipes(child)
    rest = memoryview(b"" if request is None else request.encode() + b"\n")
    try:
        while rest:
            rest = rest[requests.write(rest) :]
    except OSError:
        return b""
    return replies.readline(_REPLY_BYTES)


def _ending(child: subprocess.Popen[bytes]) -> str:
    try:
        code = child.wait(_ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        return "it closed its output"
    return f"exit status {code}" if code >= 0 else f"signal {-code}"

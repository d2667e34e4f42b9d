"""The runs of one program, each in a process of its own, and their end."""

import fcntl
import json
import marshal
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from . import linux, program

_ABOVE = 16  # descriptors from here on are free when 0 to 5 are put in place
_PAUSE = 1e-3

Job = dict[str, Any]


class Runner:
    """Runs the job's program, once or once for every input."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._left_bytes = job["limits"]["output_bytes"]
        self._expired = False
        self._pid = 0

    def script(self, text: str) -> bytes | None:
        """What the program prints for this input, unless it fails."""
        source, output = _scratch(text.encode()), _scratch(b"")
        self._start((source, output), lambda: program.run_script(self._job["program"]))
        status = self._wait()
        size = os.fstat(output).st_size
        self._left_bytes -= size
        fine = status == 0 and not self._expired and self._left_bytes >= 0
        result = os.pread(output, size, 0) if fine else None
        os.close(source)
        os.close(output)
        return result

    def functions(self) -> bool:
        """Whether the program's functions pass the tests, which follow the job."""
        job = self._job
        inbox, sender = os.pipe()
        receiver, outbox = os.pipe()

        def run() -> int:
            program.run_functions(job["prefix"], job["program"], job["modules"])
            return 0

        self._start((_scratch(b""), _scratch(b""), inbox, outbox), run)
        os.close(inbox)
        os.close(outbox)
        from . import fair  # jobs without test code do without

        tests = json.loads(program.read_frame(program.JOB))
        names = f"compared_{os.urandom(8).hex()}", f"genuine_{os.urandom(8).hex()}"
        code = marshal.dumps((fair.compiled(tests, names), names))
        nonce = os.urandom(program.NONCE_BYTES)
        _send(sender, program.framed(code) + nonce)
        self._wait()
        os.set_blocking(receiver, False)
        try:
            found = os.read(receiver, len(nonce) + 1)
        except BlockingIOError:
            found = b""
        return found == nonce and not self._expired

    def expire(self) -> None:
        """Ends the program for the time that it takes."""
        self._expired = True
        self._kill()

    def clear(self) -> None:
        """Ends and reaps what the program left behind."""
        while True:
            self._kill()
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                return
            time.sleep(_PAUSE)

    def _start(self, streams: tuple[int, ...], run: Callable[[], int]) -> None:
        ready, report = os.pipe()
        self._pid = os.fork()
        if not self._pid:
            leave = os._exit  # the program may replace it
            try:
                _become(self._job, streams, report)
                leave(run() & 0xFF)
            finally:
                leave(1)
        os.close(report)
        with os.fdopen(ready, "rb") as stream:
            failure = stream.read()
        if failure:
            number, words = failure.decode().split(" ", 1)
            raise OSError(int(number), words)

    def _wait(self) -> int:
        while True:
            pid, status = os.waitpid(-1, 0)
            if pid == self._pid:
                self.clear()
                return status

    def _kill(self) -> None:
        try:
            if self._job["level"]["namespaces"]:
                os.kill(-1, signal.SIGKILL)
            elif sys.platform == "linux":
                linux.kill_descendants()
            elif self._pid:
                os.killpg(self._pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # nothing is left, or zombies alone
            return


def _become(job: Job, streams: tuple[int, ...], report: int) -> None:
    """Puts a program's descriptors and limits in place; says in `report` what cannot be."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        places = (*streams[:2], nowhere, *streams[2:])
        high = [fcntl.fcntl(number, fcntl.F_DUPFD, _ABOVE) for number in (*places, report)]
        for place, number in enumerate(high):
            os.dup2(number, place, inheritable=place < len(places))
        report = len(places)
        os.closerange(report + 1, max(high) + _ABOVE)
        program.confine(job["limits"], job["level"])
    except BaseException as error:
        number = error.errno if isinstance(error, OSError) else None
        os.write(report, f"{number or 0} {type(error).__name__}: {error}".encode())
        raise
    os.close(report)


def _scratch(content: bytes) -> int:
    """A new file without a name; in memory where it can, since the program may fill the disk."""
    if sys.platform == "linux":
        descriptor = os.memfd_create("scratch")
    else:
        path = f"scratch{os.urandom(8).hex()}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        os.unlink(path)
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _send(descriptor: int, message: bytes) -> None:
    rest = memoryview(message)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except BrokenPipeError:  # the program has ended
        return
    finally:
        os.close(descriptor)

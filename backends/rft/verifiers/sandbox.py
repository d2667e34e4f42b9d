"""Programs of unknown intent, run in a process that can do little."""

import contextlib
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from backends.rft.verifiers.base import VerifierError
from backends.rft.verifiers.confinement import Level, Limits

_JAIL = Path(__file__).with_name("_jail")
_BOOT = "import sys; jail = type(sys)('jail'); jail.__path__ = sys.argv[1:]; "
_BOOT += "sys.modules['jail'] = jail; from jail.serve import main; main()"
# Without the packages of the parent, its paths and its environment; sets keep one order.
_COMMAND = (sys.executable, "-s", "-S", "-P", "-X", "utf8", "-W", "ignore", "-c", _BOOT, str(_JAIL))
_ENVIRONMENT = {"PATH": os.defpath, "HOME": "/tmp", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"}
_START_SECONDS = 60.0  # for the sandbox itself, on a machine that is busy
_ERROR_CHARACTERS = 300


class _Refused(VerifierError):
    """The system does not permit this way to confine programs."""


def protections() -> frozenset[str]:
    """What holds programs on this machine.

    - `limits`: of processor time, time, output, file sizes and open files; a clean environment, no
      descriptors of the parent; always.
    - `memory` and `processes`: their limits; the first on Linux alone, the second not where all
      programs must run as root.
    - `descendants`: every process that a program starts ends with it, wherever it hides; without
      `signals`, unless it ends the process that watches it. Elsewhere, those that leave its process
      group live on.
    - `network`: no connection, not even to this machine.
    - `files`: nothing but the standard library and the system's shared libraries can be read, and
      nothing but an empty directory in memory can be written.
    - `signals`: no process outside can be signalled or traced.

    The strongest way that works is found out once, by trying: namespaces, then a user of its own
    and a filter of system calls, then limits alone. What fails for want of memory or the like is
    an error, no reason to take a weaker one.

    Raises:
        VerifierError: when programs cannot be run.
    """
    return _level().protections


class Sandbox:
    """Runs Python programs, with the standard library alone, each in a fresh process.

    Threads may share it, and forks may use it: it holds nothing but its limits. Where `signals` is
    not among the `protections`, a program can end or stop the process that watches it, and counts
    as failed when that happens for other reasons too.

    Args:
        limits: what a program may use.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()

    def outputs(self, program: str, inputs: Sequence[str]) -> list[bytes]:
        """What a program prints for each standard input, up to the first for which it fails.

        It fails with an exit status other than 0, at a signal, and at a limit. Each run has a
        process of its own; they share a working directory.

        Raises:
            VerifierError: when the sandbox could not do its work, whatever the program does.
        """
        reply = _ask(_level(), self._limits, {"program": program, "inputs": list(inputs)})
        outputs = reply.get("outputs", [])
        assert isinstance(outputs, list)
        return [output.encode("latin-1") for output in outputs]

    def passes(
        self, program: str, tests: str, prefix: str = "", modules: Sequence[str] = ()
    ) -> bool:
        """Whether test code runs to its end after a program, in the program's own namespace.

        Args:
            program: the source to test.
            tests: source that raises for a wrong program.
            prefix: source that is run before the program.
            modules: modules that the tests import; what the program changes in them is undone.

        Raises:
            VerifierError: when the sandbox could not do its work, whatever the program does.
        """
        job = {"program": program, "prefix": prefix, "inputs": None, "modules": list(modules)}
        return _ask(_level(), self._limits, job, tests).get("passed") is True


@functools.cache
def _level() -> Level:
    levels = [Level(namespaces=True, own_users=True), Level(filter=True), Level()]
    if os.geteuid() == 0:
        levels.insert(0, Level(namespaces=True, switch_user=True))
        levels.insert(2, Level(switch_user=True, filter=True))
    reason: VerifierError = _Refused("the sandbox runs no program: it ended a harmless one")
    for level in levels if sys.platform == "linux" else levels[-1:]:
        try:
            reply = _ask(level, Limits(), {"program": "print(end='yes')", "inputs": [""]})
        except _Refused as error:
            reason = error
            continue
        if reply.get("outputs") == ["yes"]:
            return level
    raise reason


def _ask(
    level: Level, limits: Limits, job: Mapping[str, object], tests: str = ""
) -> Mapping[str, object]:
    given = {"level": asdict(level), "limits": asdict(limits), "parent": os.getpid()}
    with _directory(level) as work:
        request = _framed({**given, **job, "work": work}) + _framed(tests)
        answer, status, said = _exchange(request, limits.wall_seconds + _START_SECONDS)
    if not answer and status < 0 and "signals" not in level.protections:
        return {}  # the program ended, or stopped, the process that watched it
    if not answer:
        raise VerifierError(f"the sandbox ended without an answer (status {status}); {said}")
    reply = json.loads(answer)
    if "error" in reply:
        kind = _Refused if reply.get("refused") else VerifierError
        raise kind(f"the sandbox could not do its work: {reply['error']}")
    return reply


def _directory(level: Level) -> contextlib.AbstractContextManager[str | None]:
    """Where programs work; namespaces bring their own, which needs no one to remove it."""
    if level.namespaces:
        return contextlib.nullcontext()
    return tempfile.TemporaryDirectory(ignore_cleanup_errors=True)


def _exchange(request: bytes, seconds: float) -> tuple[bytes, int, str]:
    try:
        child = subprocess.Popen(
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,  # an interrupt from the keyboard is for the parent alone
        )
    except OSError as error:
        raise VerifierError(f"the sandbox could not start a process: {error}") from None
    with child:
        try:
            answer, said = child.communicate(request, timeout=seconds)
        except subprocess.TimeoutExpired:
            answer, said = b"", f"it gave none within {seconds:g} s".encode()
        finally:
            child.kill()
    return answer, child.returncode, said[-_ERROR_CHARACTERS:].decode(errors="replace")


def _framed(message: object) -> bytes:
    text = json.dumps(message).encode()
    return len(text).to_bytes(8, "big") + text

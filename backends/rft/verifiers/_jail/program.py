"""What happens in a program's own process, which the program then shares with this module."""

import atexit
import builtins
import importlib
import marshal
import os
import signal
import sys
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from . import linux, seccomp
from .compare import compared

SOLUTION = "solution.py"
JOB = 0
INBOX, OUTBOX = 3, 4
NONCE_BYTES = 32
_LENGTH_BYTES = 8
_OPEN_FILES = 64


def confine(limits: dict[str, Any], level: dict[str, Any]) -> None:
    """Puts the limits in force, for ever.

    Raises:
        OSError: for what the system does not permit.
    """
    os.setsid()
    parent = os.getppid()
    _lower(limits)
    if level["switch_user"]:
        os.setgroups([])
        os.setresgid(*[level["user"]] * 3)
        os.setresuid(*[level["user"]] * 3)
    if sys.platform == "linux":
        linux.drop_privileges()
        if not level["namespaces"]:
            linux.die_with_parent(parent)
    if level["filter"]:
        seccomp.refuse_network()
    os.close(os.open(os.__file__, os.O_RDONLY))  # without it no program could import anything
    _prepare_interpreter()


def run_script(source: str) -> int:
    """The exit status of a program that is run to its end, threads and exit functions included."""
    status = 0
    try:
        exec(compile(source, SOLUTION, "exec", dont_inherit=True), _main_module())
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        status = 1
    if "threading" in sys.modules:
        sys.modules["threading"]._shutdown()
    atexit._run_exitfuncs()
    for stream in {sys.stdout, sys.__stdout__} - {None}:
        stream.flush()
    return status


def run_functions(prefix: str, source: str, modules: Iterable[str]) -> None:
    """Runs a solution, then the tests that arrive in `INBOX`; sends the nonce after them back.

    The tests and the nonce are sent once the process exists, so that its memory does not hold them
    while the solution is loaded. What the solution has changed in `modules` and in the builtin
    names is undone before the tests run.
    """
    read, write, run, load = os.read, os.write, exec, marshal.loads
    undo = [_undo(module) for module in (builtins, *_loaded(modules))]
    genuine = ModuleType("genuine")
    genuine.__dict__.update(builtins.__dict__)
    namespace = _main_module()
    run(compile(prefix, "<prefix>", "exec", dont_inherit=True), namespace)
    run(compile(source, SOLUTION, "exec", dont_inherit=True), namespace)
    for restore in undo:
        restore()
    length = int.from_bytes(_exactly(read, _LENGTH_BYTES), "big")
    tests, (compare, builtin) = load(_exactly(read, length))
    namespace |= {compare: compared, builtin: genuine}
    run(tests, namespace)
    write(OUTBOX, _exactly(read, NONCE_BYTES))


def framed(message: bytes) -> bytes:
    """The message after its length."""
    return len(message).to_bytes(_LENGTH_BYTES, "big") + message


def read_frame(descriptor: int) -> bytes:
    """The next message, and not one byte of what follows."""
    length = int.from_bytes(_exactly(os.read, _LENGTH_BYTES, descriptor), "big")
    return _exactly(os.read, length, descriptor)


def _exactly(read: Callable[[int, int], bytes], size: int, descriptor: int = INBOX) -> bytes:
    parts = []
    while size:
        part = read(descriptor, size)
        if not part:
            raise EOFError("the other side ended")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _lower(limits: dict[str, Any]) -> None:
    import resource

    bounds = [
        (resource.RLIMIT_CPU, limits["cpu_seconds"]),
        (resource.RLIMIT_FSIZE, limits["file_bytes"]),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ]
    if sys.platform == "linux":
        bounds.append((resource.RLIMIT_AS, limits["address_bytes"]))
        bounds.append((resource.RLIMIT_MSGQUEUE, 0))
    if limits["tasks"] is not None:
        bounds.append((resource.RLIMIT_NPROC, limits["tasks"]))
    for what, most in bounds:
        highest = resource.getrlimit(what)[1]  # a lower limit may be in force already
        most = most if highest == resource.RLIM_INFINITY else min(most, highest)
        resource.setrlimit(what, (most, most))


def _prepare_interpreter() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # too large a file ends the program
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv[:] = [SOLUTION]
    sys.dont_write_bytecode = True
    builtins.__dict__.update(exit=sys.exit, quit=sys.exit)  # `site` would have added them


def _main_module() -> dict[str, Any]:
    module = sys.modules["__main__"] = ModuleType("__main__")
    module.__dict__["__builtins__"] = builtins
    return module.__dict__


def _loaded(names: Iterable[str]) -> list[ModuleType]:
    modules = []
    for name in names:
        try:
            modules.append(importlib.import_module(name))
        except ImportError:  # the tests will say so
            continue
    return modules


def _undo(module: ModuleType) -> Callable[[], None]:
    now = module.__dict__
    before = dict(now)
    return lambda: now.update(before)

"""The process that confines itself, runs programs in processes of their own, and reports."""

import errno
import importlib
import json
import os
import signal
import sys
from typing import NoReturn

from . import linux, program
from .runner import Job, Runner

_REPLY = 1
_WORK = "/tmp"
_FIRST_UID = 1_000_000_000  # and the process id: a user of its own, whom nobody else is
_SMALLEST_WORK_BYTES = 4096  # 0 would mean no limit
_REPEAT_SECONDS = 0.5
# How systems answer that they do not permit, or do not know, a way to confine programs; not among
# them is what passes, such as a lack of memory.
_REFUSALS = {errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENOSYS, errno.ENOSPC, errno.EROFS}
_REFUSALS |= {errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.EUSERS}


def main() -> NoReturn:
    """Does the job on standard input, and answers on standard output with one JSON object."""
    try:
        reply = _do(json.loads(program.read_frame(program.JOB)))
    except Exception as error:
        refused = isinstance(error, OSError) and error.errno in _REFUSALS
        reply = {"error": f"{type(error).__name__}: {error}", "refused": refused}
    with os.fdopen(_REPLY, "wb") as stream:
        stream.write(json.dumps(reply).encode())
    os._exit(0)


def _do(job: Job) -> Job:
    if job["inputs"] is None:
        importlib.import_module(".fair", __package__)  # where it lies cannot be read later
    level, limits = job["level"], job["limits"]
    level["user"] = _FIRST_UID + os.getpid()
    limits["tasks"] = limits["processes"]
    if sys.platform != "linux":
        limits["tasks"] = None  # the limit counts what its user runs elsewhere
        os.chdir(job["work"])
        return _serve(job)
    linux.die_with_parent(job["parent"])
    linux.die_first()
    limits["address_bytes"] = linux.address_bytes() + limits["memory_bytes"]
    if level["namespaces"]:
        _enter(job)
        return _serve(job)
    if not level["switch_user"]:
        limits["tasks"] = limits["processes"] + linux.tasks_of_user() if os.getuid() else None
    else:
        os.chown(job["work"], level["user"], level["user"])
    linux.watch()
    os.chdir(job["work"])
    return _serve(job)


def _enter(job: Job) -> None:
    """Goes on as the first process of new namespaces, with whom all others in them end."""
    linux.unshare(job["level"]["own_users"])
    inner = os.fork()
    if inner:
        os._exit(os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1]) & 0xFF)
    linux.die_with_parent(0)  # a parent outside counts as 0
    os.umask(0o022)
    linux.replace_root(_library(), _WORK, max(job["limits"]["file_bytes"], _SMALLEST_WORK_BYTES))


def _library() -> list[str]:
    """The directories of the standard library and of the shared libraries that it loads."""
    system = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo"]
    paths = [*system, os.path.join(sys.base_prefix, "lib"), os.path.dirname(os.__file__)]
    return [*dict.fromkeys(map(os.path.abspath, paths))]


def _serve(job: Job) -> Job:
    runner = Runner(job)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, lambda *_: runner.expire())
    signal.setitimer(signal.ITIMER_REAL, job["limits"]["wall_seconds"], _REPEAT_SECONDS)
    try:
        if job["inputs"] is None:
            return {"passed": runner.functions()}
        outputs = []
        for text in job["inputs"]:
            output = runner.script(text)
            if output is None:
                break
            outputs.append(output.decode("latin-1"))
        return {"outputs": outputs}
    finally:
        runner.clear()

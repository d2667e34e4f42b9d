"""System calls of Linux that confine a process; every failure is an `OSError`."""

import ctypes
import errno
import os
import signal
from collections.abc import Collection

_libc = ctypes.CDLL(None, use_errno=True)

# <linux/sched.h>, <linux/mount.h>, <linux/prctl.h>, <linux/capability.h>
_NEW_MOUNTS, _NEW_UTS, _NEW_IPC = 0x00020000, 0x04000000, 0x08000000
_NEW_USERS, _NEW_PIDS, _NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000
_READ_ONLY, _NO_SETUID, _NO_DEVICES, _BIND, _DETACH = 1, 2, 4, 0x1000, 2
_RECURSIVE, _PRIVATE = 0x4000, 0x40000
_HERE, _AT_RECURSIVE = -100, 0x8000
_PARENT_DEATH, _DUMPABLE, _CHILD_SUBREAPER, _NO_NEW_PRIVILEGES = 1, 4, 36, 38
_CAPABILITIES_VERSION = 0x20080522
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_SYS_MOUNT_SETATTR = 442  # on every architecture

_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
_FILES_IN_WORK = 4096
NOBODY = 65534


def die_with_parent(parent: int) -> None:
    """Has this process killed when the process that started it ends."""
    _call("prctl", _PARENT_DEATH, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before it could be heard of
        os._exit(1)


def die_first() -> None:
    """Has the system, when memory is short, end this process and its descendants before others."""
    try:
        _write("/proc/self/oom_score_adj", "1000")
    except OSError:  # not everywhere may it be written
        return


def watch() -> None:
    """Makes this process, whose memory and files it closes to others of its user, the parent of its
    descendants whose parents end.
    """
    _call("prctl", _DUMPABLE, 0)
    _call("prctl", _CHILD_SUBREAPER, 1)


def unshare(own_users: bool) -> None:
    """Leaves the system's mounts, network, shared memory, names and, for children, processes.

    Args:
        own_users: whether without the rights of root, in a user namespace.
    """
    user, group = os.geteuid(), os.getegid()
    spaces = _NEW_MOUNTS | _NEW_UTS | _NEW_IPC | _NEW_PIDS | _NEW_NETWORK
    _call("unshare", spaces | (_NEW_USERS if own_users else 0))
    if own_users:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{NOBODY} {user} 1")
        _write("/proc/self/gid_map", f"{NOBODY} {group} 1")
    for limit in ("shmall", "msgmni"):  # memory that outlives processes and that no limit counts
        try:
            _write(f"/proc/sys/kernel/{limit}", "0")
        except OSError:
            continue


def replace_root(readable: Collection[str], work: str, work_bytes: int) -> None:
    """Leaves of the file system what is `readable`, which nobody can write, and an empty `work`."""
    root = "/proc"  # it exists everywhere, and nothing that is readable lies below it
    _call("mount", None, b"/", None, _RECURSIVE | _PRIVATE, None)
    _mount_memory(root, "size=1m,mode=755")
    for path in (*readable, *_DEVICES):
        _show(path, root)
    os.makedirs(root + work, exist_ok=True)
    attributes = (ctypes.c_uint64 * 4)(_READ_ONLY | _NO_SETUID, 0, 0, 0)
    size = ctypes.sizeof(attributes)
    _call("syscall", _SYS_MOUNT_SETATTR, _HERE, root.encode(), _AT_RECURSIVE, attributes, size)
    _mount_memory(root + work, f"size={work_bytes},nr_inodes={_FILES_IN_WORK},mode=1777")
    os.chdir(root)
    machine = os.uname().machine
    if machine not in _SYS_PIVOT_ROOT:
        raise OSError(errno.ENOSYS, f"the number of pivot_root is not known for {machine}")
    _call("syscall", _SYS_PIVOT_ROOT[machine], b".", b".")
    _call("umount2", b".", _DETACH)
    os.chdir(work)


def drop_privileges() -> None:
    """Gives up every capability, now and in programs to come."""
    _call("prctl", _NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION, 0)
    _call("capset", header, (ctypes.c_uint32 * 6)())


def kill_descendants() -> None:
    """Ends every process below this one.

    All are stopped first, since a process that dies makes room for another.
    """
    stopped = set[int]()
    while fresh := _descendants() - stopped:
        for pid in fresh:
            _signal(pid, signal.SIGSTOP)
        stopped |= fresh
    for pid in stopped:
        _signal(pid, signal.SIGKILL)


def address_bytes() -> int:
    """The address space that this process has in use."""
    return int(_read("/proc/self/statm").split()[0]) * os.sysconf("SC_PAGE_SIZE")


def tasks_of_user() -> int:
    """How many processes and threads run as this process's user."""
    count = 0
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and os.stat(f"/proc/{entry}").st_uid == os.getuid():
                count += len(os.listdir(f"/proc/{entry}/task"))
        except OSError:  # it ended
            continue
    return count


def _descendants() -> set[int]:
    """Every process below this one."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            children.setdefault(_parent(entry), []).append(int(entry))
    found, heads = set[int](), [os.getpid()]
    while heads:
        below = children.get(heads.pop(), [])
        found.update(below)
        heads.extend(below)
    return found


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _parent(entry: str) -> int:
    try:
        return int(_read(f"/proc/{entry}/stat").rsplit(")", 1)[1].split()[1])
    except OSError:  # it ended
        return 0


def _read(path: str) -> str:
    with open(path) as file:
        return file.read()


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def _show(path: str, root: str) -> None:
    if os.path.lexists(root + path) or not os.path.lexists(path):
        return
    os.makedirs(os.path.dirname(root + path), exist_ok=True)
    if os.path.islink(path):
        os.symlink(os.readlink(path), root + path)
        return
    if os.path.isdir(path):
        os.mkdir(root + path)
    else:
        _write(root + path, "")
    _call("mount", path.encode(), (root + path).encode(), None, _BIND | _RECURSIVE, None)


def _mount_memory(where: str, options: str) -> None:
    flags = _NO_SETUID | _NO_DEVICES
    _call("mount", b"tmpfs", where.encode(), b"tmpfs", flags, options.encode())


def _call(name: str, *values: object) -> None:
    converted = [ctypes.c_ulong(value) if isinstance(value, int) else value for value in values]
    if getattr(_libc, name)(*converted) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")

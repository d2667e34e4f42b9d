"""A filter of system calls, for systems that permit no namespaces."""

import ctypes
import errno
import os
import struct

# <linux/audit.h>; the numbers of socket, ptrace, process_vm_readv and process_vm_writev
_MACHINES = {
    "x86_64": (0xC000003E, (41, 101, 310, 311)),
    "aarch64": (0xC00000B7, (198, 117, 270, 271)),
}
_IO_URING_SETUP = 425  # it could open sockets; the same number on every architecture
_X32 = 0x40000000  # numbers from here on are a second table of the same calls
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # <linux/filter.h>
_NUMBER, _ARCHITECTURE = 0, 4  # offsets in `struct seccomp_data`
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050001  # the second with EPERM
_SET_SECCOMP, _FILTER, _NO_NEW_PRIVILEGES = 22, 2, 38


def refuse_network() -> None:
    """Has the system refuse this process and its descendants sockets and other processes' memory.

    Pairs of connected sockets stay possible.

    Raises:
        OSError: when the system, or this architecture, has no such filter.
    """
    machine = os.uname().machine
    if machine not in _MACHINES:
        raise OSError(errno.ENOSYS, f"no filter of system calls is known for {machine}")
    architecture, refused = _MACHINES[machine]
    tests = [(_AT_LEAST, _X32), *((_EQUAL, number) for number in (*refused, _IO_URING_SETUP))]
    program = [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 0, len(tests) + 2, architecture)]
    program += [(_LOAD, 0, 0, _NUMBER)]
    program += [(test, len(tests) - i, 0, number) for i, (test, number) in enumerate(tests)]
    program += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HP", len(program), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_NO_NEW_PRIVILEGES, *map(ctypes.c_ulong, (1, 0, 0, 0)))
    if libc.prctl(_SET_SECCOMP, ctypes.c_ulong(_FILTER), header) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"seccomp: {os.strerror(number)}")

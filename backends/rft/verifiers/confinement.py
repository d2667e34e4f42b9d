"""What a program may use, and the ways to hold it to that."""

import os
import sys
from dataclasses import dataclass

from bots import checks

_MOST = 2**60  # far from where the system counts round


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may use.

    Attributes:
        cpu_seconds: time of a processor that each of its processes may use in one run, >= 1.
        wall_seconds: time that all runs of a program may take together, > 0.
        memory_bytes: memory that each process may ask for, >= 2**20. A hostile program can take
            this `processes` times, and 64 files of `file_bytes` in memory in each of them.
        processes: processes and threads at one time, >= 1.
        output_bytes: what it may print in all runs together, >= 0.
        file_bytes: size of a file that it writes, of its output too, and of all its files together
            where its directory is in memory, >= 0.
    """

    cpu_seconds: int = 10
    wall_seconds: float = 30.0
    memory_bytes: int = 2**30
    processes: int = 8
    output_bytes: int = 2**24
    file_bytes: int = 2**24

    def __post_init__(self) -> None:
        checks.integer("cpu_seconds", self.cpu_seconds, 1, _MOST)
        checks.number("wall_seconds", self.wall_seconds, 1e-3)
        checks.integer("memory_bytes", self.memory_bytes, 2**20, _MOST)
        checks.integer("processes", self.processes, 1, _MOST)
        checks.integer("output_bytes", self.output_bytes, 0, _MOST)
        checks.integer("file_bytes", self.file_bytes, 0, _MOST)


@dataclass(frozen=True, slots=True)
class Level:
    """A way to confine programs.

    Attributes:
        namespaces: own file system, network, processes and shared memory.
        own_users: the namespaces are entered without the rights of root.
        switch_user: programs run as a user that nobody else is.
        filter: system calls that open sockets are refused.
    """

    namespaces: bool = False
    own_users: bool = False
    switch_user: bool = False
    filter: bool = False

    @property
    def protections(self) -> frozenset[str]:
        """What it protects from; `sandbox.protections` explains the names."""
        linux = sys.platform == "linux"
        counted = os.geteuid() != 0 or self.switch_user  # root's processes are not
        given = {
            "limits": True,
            "memory": linux,
            "processes": linux and counted,
            "descendants": linux,
            "network": self.namespaces or self.filter,
            "files": self.namespaces,
            "signals": self.namespaces or self.switch_user,
        }
        return frozenset(name for name, holds in given.items() if holds)

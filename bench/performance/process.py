"""The near end of `bench/peers/serve.py`: contenders in processes of their own."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from bench.performance.world import World
from bots._types import Floats, Ints

_ROOT = Path(__file__).parents[2]
_SERVE = _ROOT / "bench" / "peers" / "serve.py"
_OURS = _ROOT / "bench" / "performance" / "ours.py"
_TRINITY = _ROOT / "bench" / "peers" / "trinity.py"
_SHOWN_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class Contender:
    """Where a contender comes from.

    Attributes:
        name: in tables.
        place: FILE:ENTER for `serve.py`.
        python: the interpreter and its options. -P keeps the file's own folder from being searched
            for modules; -I ignores this checkout too.
        warm_steps: before it is timed; many where a step's cost depends on what was visited lately.
    """

    name: str
    place: str
    python: tuple[str, ...] = (sys.executable, "-P")
    warm_steps: int = 3


LIVE = Contender("live", f"{_OURS}:live", warm_steps=300)
NEVER_FORGETS = Contender("live, lambda = 0", f"{_OURS}:never_forgets")
BOTS = Contender("bots", f"{_OURS}:plain_bots")
NUMPY = Contender("plain NumPy", f"{_OURS}:PlainNumPy")


def trinity(python: str) -> Contender:
    """The published selector, in the environment of that interpreter."""
    return Contender("trinity-rft", f"{_TRINITY}:Trinity", (python, "-I"))


@dataclass(frozen=True, slots=True)
class Step:
    """One select and one update.

    Attributes:
        select: seconds.
        update: seconds.
        cpu: seconds of all threads, for both.
        informative: share of the batch's groups with successes and failures.
    """

    select: float
    update: float
    cpu: float
    informative: float

    @property
    def seconds(self) -> float:
        """Of both."""
        return self.select + self.update


@dataclass(slots=True)
class Talk:
    """A conversation with a running contender.

    Attributes:
        built: seconds to make the selector, bytes of its arrays, and versions.
    """

    name: str
    _process: subprocess.Popen[str]
    _errors: IO[str]
    built: dict[str, Any] = field(default_factory=dict)

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Sends one line and reads one.

        Raises:
            ValueError: when the process has ended or says something else.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())
        except (OSError, ValueError):
            self._errors.seek(0)
            said = self._errors.read()[-_SHOWN_CHARACTERS:].strip()
            raise ValueError(
                f"the process of {self.name} ended or did not answer; it said:\n{said}\nInstall "
                "the peer again if it is the peer's: python -m bench.peers.install_trinity"
            ) from None

    def step(self, world: World, batch_size: int) -> Step:
        """Has it select a batch, rolls that out, and has it learn."""
        selected = self.ask({"select": batch_size})
        ids_B = self._checked(selected["ids"], world, batch_size)
        solved_B = world.solved(ids_B)
        learned = self.update(ids_B, solved_B)
        cpu = selected["cpu"] + learned["cpu"]
        return Step(selected["wall"], learned["wall"], cpu, world.informative(solved_B))

    def update(self, ids_B: Ints, solved_B: Floats) -> dict[str, Any]:
        """Feedback, whoever selected the tasks."""
        return self.ask({"update": {"ids": ids_B.tolist(), "solved": solved_B.tolist()}})

    def _checked(self, ids: list[int], world: World, batch_size: int) -> Ints:
        ids_B = np.array(ids, dtype=np.int64)
        inside = ids_B.size and ids_B.min() >= 0 and ids_B.max() < world.num_tasks
        if not inside or np.unique(ids_B).size != batch_size:
            raise ValueError(
                f"{self.name} did not select {batch_size} distinct tasks of {world.num_tasks}: "
                "its times mean nothing"
            )
        return ids_B


@contextmanager
def started(contender: Contender, world: World, threads: int) -> Iterator[Talk]:
    """A contender that has built its selector, until the end of the block.

    Raises:
        ValueError: when its interpreter does not run, or the selector cannot be built.
    """
    count = str(threads)
    variables = {
        **os.environ,
        "PYTHONPATH": str(_ROOT),
        "OMP_NUM_THREADS": count,
        "NUMBA_NUM_THREADS": count,
    }
    command = [*contender.python, str(_SERVE), contender.place]
    with tempfile.TemporaryFile("w+") as errors, tempfile.TemporaryDirectory() as folder:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=variables,
                text=True,
            )
        except OSError as error:
            raise ValueError(f"{command[0]} does not run: {error}") from None
        try:
            talk = Talk(contender.name, process, errors)
            talk.built = talk.ask(_setting(world, threads, Path(folder)))
            yield talk
        finally:
            process.kill()
            process.communicate()


def _setting(world: World, threads: int, folder: Path) -> dict[str, Any]:
    file = folder / "rates.npy"
    np.save(file, np.stack([world.weak_N, world.strong_N]))
    return {"rates": str(file), "group_size": world.group_size, "threads": threads}

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.rft.verifiers.base import VerifierError
from backends.rft.verifiers.isolated import Isolated
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
SCORERS = """
import json, os, signal, sys, time

def echo(value): return value
def length(text): return len(text)
def pid(): return os.getpid()
def hang(_=None):
    while True: pass
def power(): return 9**9**9**9
def pid_or_hang(hangs):
    while hangs: time.sleep(1)
    return os.getpid()
def pid_or_interrupt(interrupts):
    if interrupts:
        os.kill(os.getppid(), signal.SIGUSR1)
        hang()
    return os.getpid()
def orphan(path):
    with open(path + '.begun', 'w') as file: file.write(str(os.getpid()))
    os.rename(path + '.begun', path)
    os.kill(os.getppid(), signal.SIGKILL)
    hang()
def fill(size): return len(bytearray(size))
def fail(text): raise KeyError(text)
def leave(code): os._exit(code)
def crash(): os.kill(os.getpid(), signal.SIGSEGV)
def talk(): print('{"score": 1.0}'); os.write(1, b'{"score": 1.0}\\n'); return 0.25
def read(): return len(sys.stdin.read())
def recurse(): return recurse()
def raise_exit(): raise SystemExit(3)
"""


@pytest.fixture(scope="module", autouse=True)
def scorers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("scorers")
    (folder / "hostile_scorers.py").write_text(SCORERS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield


def isolated(name: str, **options: float) -> Isolated:
    """Without a limit of time that a busy machine could meet, unless it is asked for."""
    given = {"wall_seconds": PATIENCE} | options
    return Isolated(f"hostile_scorers:{name}", **given)  # pyright: ignore[reportArgumentType]


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_one_child_answers_all_requests_and_ends_with_close():
    scorer = isolated("pid")
    child = int(scorer.call())
    assert int(scorer.call()) == child != os.getpid()
    scorer.close()
    scorer.close()
    with pytest.raises(ChildProcessError):  # nothing is left to wait for: no zombie
        os.waitpid(child, 0)


def test_texts_arrive_whole():
    scorer = isolated("length")
    for text in ("", "\0", "\ud800", "a\nb\r\n", "é" * 2_000_000):
        assert scorer.call(text) == len(text)
    scorer.close()


@pytest.mark.parametrize("name", ["hang", "power"])
def test_a_request_that_never_ends_is_ended(name):
    scorer = isolated(name, wall_seconds=0.3)
    with pytest.raises(VerifierError, match=r"0\.3 s .*wall_seconds"):
        scorer.call()
    scorer.close()


def test_after_a_limit_the_next_request_starts_a_new_child(monkeypatch):
    scorer = isolated("pid_or_hang")
    first = scorer.call(False)
    with monkeypatch.context() as patch:
        patch.setattr(scorer, "_wall_seconds", 0.3)
        with pytest.raises(VerifierError, match="wall_seconds"):
            scorer.call(True)
    assert not alive(int(first))
    assert scorer.call(False) != first
    scorer.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the address space is limited on Linux alone")
def test_a_request_that_fills_memory_is_refused_and_the_next_one_answered():
    scorer = isolated("fill", memory_bytes=2**26)
    assert scorer.call(2**24) == 2**24
    with pytest.raises(VerifierError, match=r"67108864 bytes .*memory_bytes"):
        scorer.call(2**28)
    assert scorer.call(2**24) == 2**24
    scorer.close()


def test_a_function_that_raises_keeps_its_child():
    scorer = isolated("fail")
    for text in ("no", "\ud800", "x" * 1_000_000):
        with pytest.raises(VerifierError, match="raised KeyError") as caught:
            scorer.call(text)
        assert len(str(caught.value)) < 300
    scorer.close()


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("leave", (0,), "died over one request .exit status 0"),
        ("raise_exit", (), "died over one request .exit status 3"),
        ("crash", (), "died over one request .signal 11"),
        ("recurse", (), "RecursionError"),
        ("echo", (float("nan"),), "returned nan"),
        ("echo", (float("inf"),), "returned inf"),
        ("echo", ("zero",), "raised ValueError"),
        ("echo", ([],), "raised TypeError"),
        ("missing", (), "cannot be loaded: AttributeError"),
    ],
)
def test_what_is_no_score_is_an_error_with_its_reason(name, values, message):
    scorer = isolated(name)
    with pytest.raises(VerifierError, match=message):
        scorer.call(*values)
    scorer.close()


def test_what_the_function_prints_is_not_its_score():
    scorer = isolated("talk")
    assert scorer.call() == 0.25
    scorer.close()


def test_the_function_finds_an_empty_standard_input():
    scorer = isolated("read")
    assert scorer.call() == 0
    scorer.close()


def test_an_unknown_module_is_named():
    with pytest.raises(VerifierError, match="no_such_module"):
        Isolated("no_such_module:score", PATIENCE).call()
    with pytest.raises(ValueError, match="module:function"):
        Isolated("no_function")


@pytest.mark.parametrize(
    ("options", "message"),
    [({"wall_seconds": 0}, "wall_seconds is 0"), ({"memory_bytes": 1.5}, "memory_bytes is 1.5")],
)
def test_impossible_limits_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        isolated("pid", **options)


def test_an_interrupt_leaves_no_reply_for_the_next_request():
    """The child interrupts its parent, which then surely waits for a reply."""
    scorer = isolated("pid_or_interrupt")
    first = scorer.call(False)
    previous = signal.signal(signal.SIGUSR1, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            scorer.call(True)
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert not alive(int(first))
    assert scorer.call(False) != first
    scorer.close()


def test_a_child_killed_while_idle_is_replaced():
    scorer = isolated("pid")
    first = int(scorer.call())
    os.kill(first, signal.SIGKILL)
    until(lambda: not alive(first))
    assert scorer.call() != first
    scorer.close()


def test_a_forgotten_scorer_ends_its_child():
    scorer = isolated("pid")
    child = int(scorer.call())
    del scorer
    gc.collect()
    assert not alive(child)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
def test_an_idle_child_ends_with_a_parent_that_is_killed(tmp_path):
    program = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "from backends.rft.verifiers.isolated import Isolated\n"
        f"scorer = Isolated('hostile_scorers:pid', wall_seconds={PATIENCE})\n"
        "print(int(scorer.call()), flush=True); input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.kill()
    until(lambda: not alive(child))


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
def test_a_child_at_work_ends_with_a_parent_that_is_killed(tmp_path):
    """The child kills its parent, and would go on for ever; on a slow machine, at a later try."""
    program = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "from backends.rft.verifiers.isolated import Isolated, VerifierError\n"
        "scorer = Isolated('hostile_scorers:orphan', wall_seconds=1.0)\n"
        "while True:\n"
        "    try: scorer.call('pid')\n"
        "    except VerifierError: pass\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, cwd=tmp_path)
    assert done.returncode == -signal.SIGKILL
    child = int((tmp_path / "pid").read_text())
    until(lambda: not alive(child))


@pytest.mark.skipif(sys.platform != "linux", reason="needs a fork")
def test_after_a_fork_each_side_has_its_own_child(tmp_path):
    program = (
        f"import os, sys; sys.path[:] = {sys.path!r}\n"
        "from backends.rft.verifiers.isolated import Isolated\n"
        f"scorer = Isolated('hostile_scorers:pid', wall_seconds={PATIENCE})\n"
        "before = scorer.call()\n"
        "if not (pid := os.fork()):\n"
        "    other = scorer.call()\n"
        "    scorer.close()\n"
        "    sys.exit(0 if other != before else 1)\n"
        "assert os.waitpid(pid, 0)[1] == 0\n"
        "assert scorer.call() == before\n"
    )
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")

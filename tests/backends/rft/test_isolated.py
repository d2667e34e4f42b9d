import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.rft.verifiers.base import VerifierError
from backends.rft.verifiers.isolated import Isolated

ROOT = Path(__file__).parents[3]
SCORERS = """
import json, os, signal, sys, time

def echo(value): return value
def length(text): return len(text)
def pid(): return os.getpid()
def hang(_=None):
    while True: pass
def power(): return 9**9**9**9
def sleep_or_pid(seconds):
    time.sleep(seconds)
    return os.getpid()
def swallow(seconds):
    try:
        time.sleep(seconds)
    except BaseException:
        return 1.0
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
    return Isolated(f"hostile_scorers:{name}", **options)  # pyright: ignore[reportArgumentType]


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def ends_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(pid)


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
def test_a_request_that_hangs_is_ended_and_the_next_one_answered(name):
    scorer = isolated(name, wall_seconds=0.3)
    start = time.monotonic()
    with pytest.raises(VerifierError, match=r"0\.3 s .*wall_seconds"):
        scorer.call()
    assert time.monotonic() - start < 5
    scorer.close()


def test_after_a_limit_the_next_request_starts_a_new_child():
    scorer = isolated("sleep_or_pid", wall_seconds=0.5)
    first = scorer.call(0)
    with pytest.raises(VerifierError, match="wall_seconds"):
        scorer.call(60)
    assert scorer.call(0) != first
    assert not alive(int(first))
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
        Isolated("no_such_module:score").call()
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
    scorer = isolated("sleep_or_pid", wall_seconds=30)
    first = scorer.call(0)
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            scorer.call(60)
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert not alive(int(first))
    assert scorer.call(0) != first
    scorer.close()


def test_a_child_killed_while_idle_is_replaced():
    scorer = isolated("pid")
    first = int(scorer.call())
    os.kill(first, signal.SIGKILL)
    assert ends_within(first, 5)
    assert scorer.call() != first
    scorer.close()


def test_a_forgotten_scorer_ends_its_child():
    scorer = isolated("pid")
    child = int(scorer.call())
    del scorer
    gc.collect()
    assert not alive(child)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
@pytest.mark.parametrize(("seconds", "limit"), [(0, 10), (60, 10)])
def test_the_child_ends_with_a_parent_that_is_killed(tmp_path, seconds, limit):
    program = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "from backends.rft.verifiers.isolated import Isolated\n"
        "scorer = Isolated('hostile_scorers:sleep_or_pid', wall_seconds=1.5)\n"
        f"print(int(scorer.call(0)), flush=True); scorer.call({seconds}); input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.kill()
    assert ends_within(child, limit)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a fork")
def test_after_a_fork_each_side_has_its_own_child(tmp_path):
    program = (
        f"import os, sys; sys.path[:] = {sys.path!r}\n"
        "from backends.rft.verifiers.isolated import Isolated\n"
        "scorer = Isolated('hostile_scorers:pid')\n"
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

import json
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from backends.rft.verifiers import VERIFIERS, sandbox
from backends.rft.verifiers.base import VerifierError
from backends.rft.verifiers.code import CodeVerifier
from backends.rft.verifiers.confinement import Level, Limits
from tests.waiting import PATIENCE, until

SMALL = Limits(
    cpu_seconds=1,
    wall_seconds=PATIENCE,  # what a busy machine could meet
    memory_bytes=2**28,
    processes=8,
    output_bytes=2**20,
    file_bytes=2**20,
)
LEVELS = {
    "root": Level(namespaces=True, switch_user=True),
    "users": Level(namespaces=True, own_users=True),
    "filter": Level(switch_user=True, filter=True),
    "filter-same-user": Level(filter=True),
    "limits": Level(),
}
pytestmark = pytest.mark.integration
ECHO = '{"inputs": ["a\\n"], "outputs": ["a\\n"]}'
PASS = "print(input())"


def fenced(source: str, language: str = "python") -> str:
    return f"Let me think.\n```{language}\n{source}\n```\nDone."


def functional(tests: str, **others: str) -> str:
    return json.dumps({"functional": tests, **others})


def works(level: Level) -> bool:
    try:
        job = {"program": "print(end='yes')", "inputs": [""]}
        return sandbox._ask(level, SMALL, job).get("outputs") == ["yes"]
    except VerifierError:
        return False


@pytest.fixture(scope="module")
def verifier() -> CodeVerifier:
    """Confined as this machine permits it."""
    return CodeVerifier(SMALL)


@pytest.fixture(scope="module")
def usable() -> dict[str, bool]:
    return {}


@pytest.fixture(params=LEVELS)
def level(request, usable, monkeypatch) -> Level:
    """Every way to confine programs that this machine permits."""
    level = LEVELS[request.param]
    if request.param not in usable:
        usable[request.param] = sys.platform == "linux" and works(level)
    if not usable[request.param]:
        pytest.skip(f"{request.param} does not work here")
    monkeypatch.setattr(sandbox, "_level", lambda: level)
    return level


def needs(*names: str) -> None:
    missing = set(names) - sandbox.protections()
    if missing:
        pytest.skip(f"not protected here: {', '.join(sorted(missing))}")


def named(name: str) -> list[int]:
    """Processes that gave themselves this name; zombies too."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "comm").read_text().strip() == name:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def children() -> list[str]:
    return [
        stat
        for task in Path("/proc/self/task").iterdir()
        for stat in (task / "children").read_text().split()
    ]


def name_itself(name: str) -> str:
    return f"import ctypes; ctypes.CDLL(None).prctl(15, {name!r}.encode(), 0, 0, 0)\n"


# What programs are asked to do


def test_the_verifier_is_known_by_name():
    assert VERIFIERS["code"] is CodeVerifier


@pytest.mark.parametrize(
    ("program", "score"),
    [
        ("a, b = map(int, input().split())\nprint(a + b)", 1.0),
        ("import sys\nprint(sum(map(int, sys.stdin.read().split())), '  \\n\\n')", 1.0),
        ("print(sum(map(int, open(0).read().split())))\nimport sys; sys.exit(0)", 1.0),
        ("print(sum(map(int, input().split())))\nexit()", 1.0),
        ("if __name__ == '__main__':\n print(sum(map(int, input().split())))", 1.0),
        ("import os\nos.write(1, b'%d' % sum(map(int, input().split())))\nos._exit(0)", 1.0),
        ("import atexit\natexit.register(lambda: print(sum(map(int, input().split()))))", 1.0),
        (
            "import sys, threading\nthreading.stack_size(2**26)\nsys.setrecursionlimit(10**6)\n"
            "def f(n): return 0 if n == 0 else 1 + f(n - 1)\n"
            "def main(): f(20000); print(sum(map(int, input().split())))\n"
            "threading.Thread(target=main).start()",
            1.0,
        ),
        ("a, b = map(int, input().split())\nprint(a - b)", 0.0),
        ("print(5)", 0.0),
        ("print(sum(map(int, input().split())))\nraise SystemExit(3)", 0.0),
        ("print(sum(map(int, input().split())))\n1 / 0", 0.0),
        ("\nprint()\nprint(sum(map(int, input().split())))", 0.0),
        ("input(); input(); print(5)", 0.0),
        ("import numpy\nprint(sum(map(int, input().split())))", 0.0),
        ("pass", 0.0),
        ("print(", 0.0),
    ],
)
def test_programs_are_judged_by_what_they_print(verifier, program, score):
    answer = json.dumps({"inputs": ["2 3\n", "1 1\n"], "outputs": ["5\n", "2"]})
    assert verifier.score(fenced(program), answer) == score


@pytest.mark.parametrize(
    ("printed", "expected", "score"),
    [
        ("1 2", "1 2\n", 1.0),
        ("1 2  \r\n3\n\n", "1 2\n3", 1.0),
        ("", "\n", 1.0),
        ("é☃", "é☃", 1.0),
        ("1  2", "1 2", 0.0),
        (" 1", "1", 0.0),
        ("1\n\n2", "1\n2", 0.0),
        ("1.0", "1", 0.0),
        ("yes", "YES", 0.0),
    ],
)
def test_only_white_space_at_the_ends_is_ignored(verifier, printed, expected, score):
    answer = json.dumps({"inputs": [""], "outputs": [expected]})
    assert verifier.score(fenced(f"print({printed!r}, end='')"), answer) == score


LEETCODE = functional(
    "def check(candidate):\n    assert candidate(nums=[2, 7], target=9) == [0, 1]\n\n"
    "check(Solution().twoSum)",
    prefix="from typing import *\nfrom functools import *\n",
)
MBPP = functional(
    "import math\nassert math.isclose(volume(10, 8), 240)\nassert volume(3, 2) == 18\n"
)
TACO = functional(
    """_inputs = [['ab'], ['']]
_outputs = [['ba'], ['']]
import math
def _deep_eq(a, b, tol=1e-5):
    if isinstance(a, float) or isinstance(b, float):
        return math.isclose(a, b, rel_tol=tol, abs_tol=tol)
    if isinstance(a, (list, tuple)):
        if len(a) != len(b): return False
        return all(_deep_eq(x, y, tol) for x, y in zip(a, b))
    return a == b

for i, o in zip(_inputs, _outputs):
    assert _deep_eq(solve(*i), o[0])"""
)
PRIME = functional("def check_filter():\n    assert filter([1, -1]) == [1]\n\ncheck_filter()\n")
CLASSES = functional("assert Point(1, 2) == Point(1, 2)\nassert Point(1, 2) != Point(2, 2)")


@pytest.mark.parametrize(
    ("program", "answer", "score"),
    [
        (
            "class Solution:\n def twoSum(self, nums: List[int], target: int) -> List[int]:\n"
            "  return [0, 1]",
            LEETCODE,
            1.0,
        ),
        ("class Solution:\n def twoSum(self, nums, target): return [1, 0]", LEETCODE, 0.0),
        ("class Solution: pass", LEETCODE, 0.0),
        ("def volume(a, b): return 3.0 * a * b if a > 3 else 3 * a * b", MBPP, 1.0),
        ("def volume(a, b): return a * b", MBPP, 0.0),
        ("def solve(text): return text[::-1]", TACO, 1.0),
        ("def solve(text): return text", TACO, 0.0),
        ("def filter(xs): return [x for x in xs if x > 0]", PRIME, 1.0),
        ("def filter(xs): return xs", PRIME, 0.0),
        (
            "from dataclasses import dataclass\n@dataclass\nclass Point:\n x: int\n y: int",
            CLASSES,
            1.0,
        ),
        ("class Point:\n def __init__(self, *_): pass", CLASSES, 0.0),
        ("from collections import Counter\ndef f(): return Counter('aa')", "f() == {'a': 2}", 1.0),
        ("class L(list): pass\ndef f(): return L([1])", "f() == [1]", 1.0),
        ("from fractions import Fraction\ndef f(): return Fraction(2)", "0 < f() < 3", 1.0),
        ("from fractions import Fraction\ndef f(): return Fraction(2)", "f() == 2", 1.0),
        ("def f(): return {1: [2]}.keys()", "f() == {1} and 1 in f()", 1.0),
        ("input = lambda: 4\ndef f(): return input()", "f() == 4 and __name__ == '__main__'", 1.0),
        ("import helper\ndef f(): return 4", "f() == 4", 0.0),
    ],
)
def test_functions_are_judged_by_test_code(verifier, program, answer, score):
    answer = answer if answer.startswith("{") else functional(f"assert {answer}")
    verifier.check(answer)
    assert verifier.score(fenced(program), answer) == score


@pytest.mark.parametrize(
    ("completion", "score"),
    [
        (fenced("print('b')") + fenced(PASS), 1.0),
        (fenced(PASS) + fenced("print('b')"), 0.0),
        (fenced(PASS) + fenced("print('b')", ""), 1.0),
        (fenced(PASS, ""), 1.0),
        (fenced(PASS, "Python3"), 1.0),
        (fenced(PASS, "py"), 1.0),
        (fenced(PASS, "cpp"), 0.0),
        (fenced(PASS) + "```python\nprint('b')", 1.0),
        (f"   ```python  \r\n{PASS}\r\n   ```\r\n", 1.0),
        (f"```python\n{PASS}", 0.0),
        (PASS, 0.0),
        ("", 0.0),
        ("```python\n```", 0.0),
        ("```", 0.0),
    ],
)
def test_the_last_closed_python_block_counts(verifier, completion, score):
    assert verifier.score(completion, ECHO) == score


# Answers


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("", "Expecting value"),
        ("58", "type int"),
        ("[" * 100_000, "recursion"),
        ("[]", "type list"),
        ("{}", r"keys are \[\]"),
        ('{"inputs": ["1"]}', "keys are"),
        ('{"pytest": "def test(): pass"}', "keys are .'pytest'"),
        ('{"inputs": ["1"], "outputs": ["1"], "functional": "f()"}', "keys are"),
        ('{"inputs": [], "outputs": []}', "at least one"),
        ('{"inputs": ["1", "2"], "outputs": ["1"]}', "2 inputs and 1 outputs"),
        ('{"inputs": [1], "outputs": ["1"]}', "holds 1, which is no text"),
        ('{"inputs": ["\\ud800"], "outputs": ["1"]}', "no text"),
        ('{"inputs": "1", "outputs": "1"}', "must be a list"),
        ('{"functional": ""}', "blank"),
        ('{"functional": ["assert f()"]}', "must be texts"),
        ('{"functional": "assert f("}', "no Python"),
        ('{"functional": "return f()"}', "no Python"),
        ('{"functional": "import numpy.linalg, math"}', "imports numpy, but"),
        ('{"functional": "f()", "prefix": "from pandas import *"}', "`prefix` imports pandas"),
        ('{"functional": "f()", "prefix": "import"}', "`prefix` is no Python"),
        ('{"functional": "f()", "prefix": null}', "must be texts"),
    ],
)
def test_malformed_answers_are_refused_with_the_remedy(verifier, answer, message):
    with pytest.raises(ValueError, match=message) as caught:
        verifier.check(answer)
    assert "functional" in str(caught.value)
    assert len(str(caught.value)) < 600


def test_impossible_limits_are_refused():
    with pytest.raises(ValueError, match="cpu_seconds is 0"):
        Limits(cpu_seconds=0)
    with pytest.raises(ValueError, match="wall_seconds is nan"):
        Limits(wall_seconds=float("nan"))


def test_peculiar_test_code_raises_no_warning(verifier):
    answer = functional("assert f() is 4\nassert '\\d' != f()")
    verifier.check(answer)
    assert verifier.score(fenced("def f(): return 4"), answer) == 1.0


# Hostile programs


@pytest.mark.parametrize(
    "program",
    [
        "import os; os._exit(0)",
        "import sys; sys.exit(0)",
        "raise SystemExit",
        "def f(): raise SystemExit(0)",
        "def f():\n import os\n os._exit(0)",
        "print('ok passed True 1.0', flush=True)",
        "import os\nfor n in range(64):\n try: os.write(n, b'{\"passed\": true}' * 9)\n"
        " except OSError: pass",
        "import os, sys\nsys.exit = os._exit = lambda *_: None",
        "import sys\nsys.excepthook = lambda *_: None\nf = 1",
        "import builtins\nbuiltins.AssertionError = KeyError\ndef f(x): return x",
        "import builtins\nbuiltins.zip = lambda *_: ()\nbuiltins.all = lambda _: True\n"
        "def f(x): return x",
        "zip = lambda *_: ()\nall = lambda _: True\ndef f(x): return x",
        "import math\nmath.isclose = lambda *_, **__: True\ndef f(x): return x",
        "class A:\n def __eq__(self, other): return True\ndef f(x): return A()",
        "class A:\n def __ne__(self, other): return False\n __eq__ = None\ndef f(x): return A()",
        "class A(int):\n def __eq__(self, other): return True\ndef f(x): return A()",
        "class A(list):\n def __eq__(self, other): return True\ndef f(x): return [A()]",
        "A = type('A', (), {'__eq__': lambda *_: True})\ndef f(x): return {'a': A()}['a']",
        "class A:\n def __lt__(*_): return True\n __gt__ = __abs__ = __sub__ = lambda s, *_: s\n"
        "def f(x): return A()",
        "import os, threading\ndef f(x):\n threading.Thread(target=os._exit, args=[0]).start()\n"
        " while True: pass",
        "import os\nos.fork()\ndef f(x): os._exit(0)",
        "import os\nif os.fork(): os._exit(0)\ndef f(x): return 4",
        "import signal, os\nsignal.raise_signal(9)",
        "import sys\nsys.setrecursionlimit(5)",
        "import marshal\nmarshal.loads = lambda _: compile('', '', 'exec')\ndef f(x): return x",
        "import os\nos.read = lambda *_: b''\nos.write = print\nexec = print\ndef f(x): return x",
    ],
)
def test_success_is_not_faked(verifier, program):
    answer = functional(
        "import math\nfor i, o in zip([1, 2], [3, 4]):\n    r = f(i)\n"
        "    assert r == o or [r] == [o] or abs(r - o) < 1e-6 or math.isclose(r, o)\n"
        "    assert all([not r != o])"
    )
    assert verifier.score(fenced("def f(x): return x + 2"), answer) == 1.0
    assert verifier.score(fenced(program), answer) == 0.0


def test_the_expected_output_is_nowhere_in_the_process(verifier):
    program = (
        "import gc, sys\nfound = [sys._current_frames()]\n"
        "f = sys._getframe()\nwhile f: found.append(f.f_locals); f = f.f_back\n"
        "text = repr(found) + repr(gc.get_objects())\n"
        "i = text.find('yah-eht-ni-eldeen'[::-1])\nprint(text[i:i + 17] if i >= 0 else 'none')"
    )
    answer = json.dumps({"inputs": [""], "outputs": ["needle-in-the-hay"]})
    assert verifier.score(fenced(program), answer) == 0.0
    assert verifier.score(fenced(program), json.dumps({"inputs": [""], "outputs": ["none"]})) == 1.0


# Without a limit of time, the right answer would follow or stand.
HANGS = [
    "while True: pass",
    "import signal\nsignal.signal(signal.SIGXCPU, lambda *_: None)\nwhile True: pass",
    "import threading, time\nprint(input())\n"
    "threading.Thread(target=time.sleep, args=[600]).start()",
    "import time, signal\nfor s in range(1, 32):\n try: signal.signal(s, signal.SIG_IGN)\n"
    " except OSError: pass\ntime.sleep(600)\nprint(input())",
]


def is_wrong(program: str, limits: Limits) -> bool:
    return CodeVerifier(limits).score(fenced(program), ECHO) == 0.0


@pytest.mark.parametrize("program", HANGS)
def test_programs_that_hang_are_wrong(program):
    assert is_wrong(program, Limits(wall_seconds=0.5))


def test_time_is_limited_however_programs_are_confined(level):
    assert is_wrong(HANGS[-1], Limits(wall_seconds=0.3))
    assert is_wrong(HANGS[0], SMALL)  # by the limit of processor time


@pytest.mark.parametrize(
    "program",
    [
        "while True: print('a' * 100_000)",
        "print('a' * 2_000_000)",
        "import os\nwhile True: os.write(1, b'a' * 100_000)",
        "open('big', 'wb').write(bytes(2_000_000))\nprint(input())",
        "import sys\nsys.setrecursionlimit(10**9)\ndef f(): return f()\nf()",
        "def f(): return f()\nf()",
        "import sys\nsys.stdout.close()",
        "import os\nos.close(1)\nprint(input())",
        "import ctypes\nctypes.string_at(0)",
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
        "import os, signal\nos.abort()",
        "\0",
        "print(input())\0",
        "\ud800",
        "# \udfff\nprint(input())",
        "(" * 5000 + ")" * 5000,
        "-" * 100_000 + "1",
        "x = " + "[" * 90 + "]" * 90 + "\n" + "f(" * 150,
        "raise BaseException",
        "class E(Exception):\n def __str__(self): raise E\nraise E",
    ],
)
def test_programs_that_fail_are_wrong_and_no_error(verifier, program):
    assert verifier.score(fenced(program), ECHO) == 0.0


def test_memory_is_limited(verifier):
    needs("memory")
    for program in ("x = bytearray(2**29)", "x = []\nwhile True: x.append(bytearray(2**20))"):
        assert verifier.score(fenced(f"{program}\nprint(input())"), ECHO) == 0.0
    assert verifier.score(fenced(f"x = bytearray(2**27)\n{PASS}"), ECHO) == 1.0


def test_files_in_memory_are_limited(verifier):
    needs("files")
    program = (
        "import os\nprint(end='a')\ntry:\n for n in range(64):\n"
        "  with open(f'f{n}', 'wb') as f: f.write(bytes(2**19))\n"
        "except OSError as e: print(e.errno)"
    )
    answer = '{"inputs": ["", ""], "outputs": ["a28", "a28"]}'
    assert verifier.score(fenced(program), answer) == 1.0


BOMBS = [
    "import os\nwhile True:\n try: os.fork()\n except OSError: pass",
    "import os\nwhile True:\n try:\n  if not os.fork(): os.setsid()\n except OSError: pass",
    "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=[600]).start()",
]


@pytest.mark.parametrize("program", BOMBS)
def test_bombs_of_processes_are_ended_whole(level, program):
    needs("processes", "descendants")
    name = f"bomb{os.urandom(4).hex()}"
    assert is_wrong(name_itself(name) + program, replace(SMALL, wall_seconds=0.7))
    assert named(name) == []


def test_daemons_do_not_outlive_their_program(level):
    needs("descendants")
    name = f"daemon{os.urandom(4).hex()}"
    program = (
        "import os, time, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"{name_itself(name)}reader, writer = os.pipe()\n"
        "if not os.fork():\n os.setsid()\n if not os.fork():\n"
        "  os.setsid(); os.write(writer, b'.'); time.sleep(600)\n os._exit(0)\n"
        "os.read(reader, 1)\nprint(input())"
    )
    assert CodeVerifier(SMALL).score(fenced(program), ECHO) == 1.0
    assert named(name) == []


def test_no_child_is_left(level):
    before = children()
    for program in (PASS, "import time; time.sleep(600)", "import os; os.fork(); os.fork()"):
        CodeVerifier(Limits(wall_seconds=0.5)).score(fenced(program), ECHO)
    assert children() == before


def test_nothing_outside_the_working_directory_is_written(verifier, tmp_path):
    needs("files")
    places = [str(tmp_path), str(Path(__file__).parent), "/", "/usr/lib", "/dev", "/etc", "/proc"]
    program = (
        f"import os\nfor p in {places!r}:\n try: open(p + '/written', 'w'); print(p)\n"
        " except OSError: pass\n"
        "try: open(os.__file__, 'a'); print('library')\nexcept OSError: pass\n"
        "open('here', 'w').write('x'); print(open('here').read(), os.getcwd())"
    )
    assert verifier.score(fenced(program), '{"inputs": [""], "outputs": ["x /tmp"]}') == 1.0
    assert list(tmp_path.iterdir()) == []


def test_files_outside_are_not_read(verifier, tmp_path):
    needs("files")
    (tmp_path / "secret").write_text("a")
    places = [str(tmp_path / "secret"), __file__, "/etc/passwd", "/proc/1/environ"]
    program = (
        f"import os\nfor p in {places!r}:\n try: print(open(p).read())\n except OSError: pass\n"
        f"print(os.path.exists({str(Path.home())!r} + '/.bashrc'))"
    )
    assert verifier.score(fenced(program), '{"inputs": [""], "outputs": ["False"]}') == 1.0


def test_the_environment_and_the_descriptors_are_clean(level, monkeypatch):
    monkeypatch.setenv("SECRET", "a")
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    program = (
        "import os, sys\nfound = []\nfor n in range(3, 512):\n try: os.fstat(n); found.append(n)\n"
        " except OSError: pass\nprint(sorted(os.environ), found, 'site' in sys.modules)"
    )
    expected = "['HOME', 'LANG', 'PATH', 'PYTHONHASHSEED'] [] False"
    answer = json.dumps({"inputs": [""], "outputs": [expected]})
    assert CodeVerifier(SMALL).score(fenced(program), answer) == 1.0
    os.close(reader)
    os.close(writer)


def test_no_connection_is_made(level):
    needs("network")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        address = listener.getsockname()
        program = (
            f"import socket\ntry:\n socket.create_connection({address})\n"
            " print('connected')\nexcept OSError: print('refused')"
        )
        answer = '{"inputs": [""], "outputs": ["refused"]}'
        assert CodeVerifier(SMALL).score(fenced(program), answer) == 1.0
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_signals_reach_nobody_outside(level):
    needs("signals")
    program = (
        f"import os, signal\nfor pid in ({os.getpid()}, os.getppid(), 1, 0):\n"
        " for s in (signal.SIGTERM, signal.SIGKILL):\n"
        "  if pid == 0: signal.signal(signal.SIGTERM, signal.SIG_IGN); s = signal.SIGTERM\n"
        "  try: os.kill(pid, s)\n  except OSError: pass\n"
        "group = os.getpgid(os.getppid())\n"
        "try: group and os.killpg(group, signal.SIGKILL)\nexcept OSError: pass\nprint(input())"
    )
    assert CodeVerifier(SMALL).score(fenced(program), ECHO) == 1.0


def test_a_program_that_ends_everything_it_can_is_wrong(level):
    needs("signals")
    program = "import os, signal\nos.kill(-1, signal.SIGKILL)\nos.kill(os.getpid(), signal.SIGKILL)"
    assert CodeVerifier(SMALL).score(fenced(program), ECHO) == 0.0


def test_where_a_program_can_end_its_watcher_that_is_wrong_too(level, monkeypatch):
    if "signals" in level.protections:
        pytest.skip("it cannot")
    for number in ("SIGKILL", "SIGSTOP"):
        if number == "SIGSTOP":  # nothing but time tells a watcher that is stopped
            monkeypatch.setattr(sandbox, "_START_SECONDS", 0.5 - PATIENCE)
        program = f"import os, signal\nos.kill(os.getppid(), signal.{number})\nprint(input())"
        assert CodeVerifier(SMALL).score(fenced(program), ECHO) == 0.0


def test_privileges_are_not_regained(verifier):
    needs("files")
    program = (
        "import ctypes, os\nlibc = ctypes.CDLL(None)\ndone = []\n"
        "calls = (lambda: os.setuid(0), lambda: os.chroot('.'), lambda: os.mknod('d', 0o60600))\n"
        "for call in calls:\n"
        " try: call(); done.append(call)\n except OSError: pass\n"
        "if libc.mount(b'tmpfs', b'/tmp', b'tmpfs', 0, None) == 0: done.append('mount')\n"
        "print(len(done))"
    )
    assert verifier.score(fenced(program), '{"inputs": [""], "outputs": ["0"]}') == 1.0


# The sandbox itself


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["/no/such/python"], "could not start a process"),
        ([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], "without an answer"),
        ([sys.executable, "-c", "1 / 0"], "ZeroDivisionError"),
        ([sys.executable, "-c", "import time; time.sleep(1200)"], "none within"),
        ([sys.executable, "-c", 'print(\'{"error": "no memory"}\')'], "no memory"),
    ],
)
def test_a_sandbox_that_cannot_work_is_an_error(verifier, monkeypatch, command, message):
    needs("signals")
    assert verifier.score(fenced(PASS), ECHO) == 1.0
    monkeypatch.setattr(sandbox, "_COMMAND", command)
    if message == "none within":
        monkeypatch.setattr(sandbox, "_START_SECONDS", 0.3 - PATIENCE)
    with pytest.raises(VerifierError, match=message):
        verifier.score(fenced(PASS), ECHO)


def test_limits_that_cannot_be_set_are_an_error():
    limits = Limits()
    object.__setattr__(limits, "file_bytes", 2**70)
    with pytest.raises(VerifierError, match=r"OSError: .* OverflowError"):
        CodeVerifier(limits).score(fenced(PASS), ECHO)


def test_only_a_refusal_by_the_system_leads_to_weaker_protection(monkeypatch):
    asked: list[Level] = []

    def ask(level, *_):
        asked.append(level)
        raise VerifierError("no memory") if len(asked) > 1 else sandbox._Refused("not permitted")

    monkeypatch.setattr(sandbox, "_ask", ask)
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(VerifierError, match="no memory"):
        sandbox._level.__wrapped__()
    assert len(asked) == 2


def test_threads_share_a_verifier(verifier):
    programs = [f"print(int(input()) + {n})" for n in range(4)] * 3
    answers = [json.dumps({"inputs": ["1"], "outputs": [str(1 + n % 4)]}) for n in range(12)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(verifier.score, map(fenced, programs), answers)) == [1.0] * 12


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
def test_programs_are_what_a_lack_of_memory_ends_first():
    name = f"first{os.urandom(4).hex()}"
    hostile = fenced(f"{name_itself(name)}import time; time.sleep(600)")
    with ThreadPoolExecutor(1) as pool:
        score = pool.submit(CodeVerifier(SMALL).score, hostile, ECHO)
        until(lambda: named(name) or score.done())
        (found,) = named(name)
        try:
            assert Path(f"/proc/{found}/oom_score_adj").read_text() == "1000\n"
        finally:
            os.kill(found, signal.SIGKILL)
        assert score.result() == 0.0


@pytest.mark.skipif(sys.platform != "linux", reason="needs a fork")
def test_a_fork_uses_the_same_verifier(tmp_path):
    program = (
        f"import os, sys; sys.path[:] = {sys.path!r}\n"
        "from backends.rft.verifiers.code import CodeVerifier, Limits\n"
        f"verifier = CodeVerifier(Limits(wall_seconds={PATIENCE}))\n"
        f"assert verifier.score({fenced(PASS)!r}, {ECHO!r}) == 1.0\n"
        "pid = os.fork()\n"
        f"assert verifier.score({fenced(PASS)!r}, {ECHO!r}) == 1.0\n"
        "assert not pid or os.waitpid(pid, 0)[1] == 0\n"
    )
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_programs_end_with_the_process_that_asked(tmp_path, number):
    name = f"orphan{os.urandom(4).hex()}"
    hostile = fenced(f"{name_itself(name)}import time; time.sleep(600)")
    program = (  # a shell's background jobs are started with SIGINT ignored
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "from backends.rft.verifiers.code import CodeVerifier, Limits\n"
        f"CodeVerifier(Limits(wall_seconds={PATIENCE})).score({hostile!r}, {ECHO!r})\n"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL) as parent:
        until(lambda: named(name))
        parent.send_signal(number)
    until(lambda: not named(name))


def test_the_protections_are_those_of_the_platform():
    found = sandbox.protections()
    assert "limits" in found
    known = {"limits", "memory", "processes", "descendants", "network", "files", "signals"}
    assert found <= known

import subprocess
import sys

import pytest

from bots.command_line import Command, command_line, perform
from tests.test_layout import ROOT


def raising(error):
    def run(options):
        raise error

    return run


def ended(run, *words: str, expected=(), again="") -> int:
    command = Command("go", "go", lambda parser: None, run, ("go",), again)
    return perform(command_line("prog", "Goes.", [command]), ["go", *words], expected)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("x is 3"), "error: x is 3"),
        (FileNotFoundError(2, "No such file or directory", "a.csv"), "error: a.csv: no such file"),
        (OSError("disk"), "error: disk"),
        (
            ModuleNotFoundError("no", name="torch.nn"),
            "error: this needs torch.nn: `make .venv/rft`",
        ),
        (ModuleNotFoundError("no", name="pandas"), "`pip install -e '.[bench]'`"),
    ],
)
def test_an_error_is_one_line_and_status_2(error, line, capsys):
    assert ended(raising(error)) == 2
    told = capsys.readouterr().err
    assert line in told
    assert told.count("\n") == 1


def test_errors_that_nobody_expects_are_raised():
    with pytest.raises(RuntimeError):
        ended(raising(RuntimeError("bug")))
    with pytest.raises(ModuleNotFoundError):
        ended(raising(ModuleNotFoundError("typo", name="bots.typo")))
    assert ended(raising(RuntimeError("dead")), expected=(RuntimeError,)) == 2


@pytest.mark.parametrize(("stop", "status"), [((), 130), (("SIGTERM",), 143)])
def test_a_stopped_command_says_what_it_does_the_next_time(stop, status, capsys):
    assert ended(raising(KeyboardInterrupt(*stop)), again="goes on from here") == status
    assert capsys.readouterr().err == "stopped; the same command goes on from here\n"
    assert ended(raising(KeyboardInterrupt(*stop))) == status
    assert capsys.readouterr().err == "stopped\n"


@pytest.mark.parametrize("status", [0, 1, 7])
def test_the_status_is_the_command_s(status):
    assert ended(lambda options: status) == status


@pytest.mark.integration
def test_a_reader_that_has_seen_enough_is_no_error():
    words = f"{sys.executable} -m bench list | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", words], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("strategies")

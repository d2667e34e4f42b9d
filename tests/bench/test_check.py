import argparse
import random

import numpy as np
import pytest

from bench.check import BUILT, add_options, examine, run
from bench.checking import LAWS, Subject, judge, running

_OWN = "tests.bench.broken_selectors:"
BROKEN = [
    ("Repeats", "B distinct", "select(10) returned 10 tasks, 1 of them distinct"),
    ("ReturnsScores", "B distinct", "returned float64 of shape (1,), not positions"),
    ("IgnoresExclude", "excluded tasks", "with 20 tasks left chose [26] of those excluded"),
    ("EmptyExcludeDraws", "excluding nothing", "select(10) and select(10, exclude=[])"),
    ("NeedsAnArray", "excluding nothing", "'list' object has no attribute 'size'"),
    ("CountsExclusions", "excluding nothing", "differ in told of the state"),
    ("FlattensExclude", "exclusions are refused", "select(10, exclude=[[1, 2]]) on 120 tasks was"),
    ("TakesAnySize", "batch sizes", "select(0) on 120 tasks was taken"),
    ("DrawsBeforeRefusing", "batch sizes", "raised, but had changed rng/state/state"),
    ("DrawsBeforeRefusing", "exclusions are refused", "raised, but had changed rng/state/state"),
    ("OwnGenerator", "equal choices", "made with default_rng(0) and told the same differ"),
    ("Shared", "equal choices", "share nothing between instances"),
    ("GlobalNumpy", "own generator", "drew from the global generator of np.random"),
    ("GlobalPython", "own generator", "drew from the global generator of random"),
    ("SortsExclude", "it is handed", "select(10, exclude=[7, 3, 7]) left [3, 7, 7]"),
    ("WritesToFeedback", "it is handed", "changed feedback.successes_B"),
    ("WritesToPool", "can be called", "assignment destination is read-only"),
    ("ReturnsItsOwnArray", "it returns", "had returned was overwritten"),
    ("DividesByTrials", "empty groups", "update(Feedback([3, 8], [2, 0], [4, 0])) raised"),
    ("CountsToTwo", "empty groups", "NotImplementedError: a task three times"),
    (
        "LosesFarTasks",
        "outside the pool",
        "1000000000000], [1, 1], [2, 2])) on 120 tasks was",
    ),
    ("LearnsBeforeRefusing", "outside the pool", "raised, but had changed last"),
    ("Overconfident", "beliefs", "solve_rates() returned 1.125 for task"),
    ("OneBelief", "beliefs", "float64 of shape () for 120 tasks"),
    ("CountsInMetrics", "metrics are floats", "the int 3 for 'sound/updates'"),
    ("DrawsBeliefs", "looking at", "after every step"),
    ("ForgetsPasses", "forward passes", "returned [9, 8, 7, 6, 5, 4, 3]"),
    ("ForgetsItsGenerator", "resumes bit for bit", "rng.bit_generator.state"),
    ("SavesASet", "survives a file", "has the set 'seen'"),
    ("SavesAView", "is a copy", "last of what state_dict() had returned changed"),
    ("LoadsAView", "is a copy", "last of what load_state_dict took changed"),
    ("TakesAnyPool", "another pool", "pool with other keys) was taken"),
    ("TakesAnyState", "damaged state", "a state without 'note') was taken"),
    ("TakesAnyVersion", "damaged state", "(a state of the next version) was taken"),
    ("TakesAnyCounts", "damaged state", "a state with {'nonsense': 1} as its 'counts') was taken"),
    ("AssignsBeforeChecking", "damaged state", "load_state_dict({}) raised, but had changed last"),
    ("NeedsDomains", "taken, or refused", "on a pool without domains, select(10) raised TypeError"),
    ("FreeFeatures", "embeddings", "forward_passes() returned 0"),
    ("PaysLate", "embeddings", "forward_passes() returned 0"),
    ("peeks", "true solve rates", "it holds backends.simulated.SimulatedTruth"),
    ("hoards", "tell what it declares", "holds a pool with domains, features, references of 'str"),
    ("Raises", "can be called", "RuntimeError: this selector always fails (broken_selectors.py"),
    ("Exits", "can be called", "select(10) raised SystemExit: 3"),
    ("greedy", "it runs where", "the collector trains on 11 groups"),
    ("own_tasks", "it runs where", "not in the pool now"),
    ("remembering", "stopped run", "step 6 trained on"),
    ("returns_a_number", "can be built", "the factory returned 42"),
    ("cannot_be_built", "can be built", "raised KeyError: 'weak' (broken_selectors.py"),
]
ADVISED = [
    ("ReturnsAList", "array of int64", "select(10) returned list"),
    ("NoExclude", "select takes `batch_size`", "it is written select(batch_size)"),
    ("UngroupedMetrics", "metrics are named", "has the name 'mean rate'"),
    ("SeesTooMuch", "no more than it uses", "`sees = ()` would do"),
    ("Slow", "at most 10 ms", "ms, the fastest of 5"),
]


def found(name: str, verdict: str) -> list[str]:
    return [str(finding) for finding in examine(_OWN + name) if finding.verdict == verdict]


def command(*strategies: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_options(parser)
    return parser.parse_args(strategies)


@pytest.fixture
def patient(monkeypatch):
    """No selector is called slow, however slow the machine."""
    monkeypatch.setattr(running, "_SLOW_MS", np.inf)


@pytest.mark.usefixtures("patient")
def test_a_sound_selector_has_nothing_to_repair():
    findings = list(examine(f"{_OWN}Sound"))
    assert [str(finding) for finding in findings if finding.verdict not in ("ok", "skipped")] == []
    assert len(findings) == 1 + len(LAWS)


@pytest.mark.parametrize(("name", "law", "says"), BROKEN)
def test_a_broken_selector_fails_the_law_that_it_breaks(name, law, says):
    held = [judge(each, Subject(_OWN + name)) for each in (BUILT, *LAWS) if law in each.name]
    (line,) = [str(finding) for finding in held if finding.verdict == "FAILED"]
    assert says in line
    assert ". Remedy: " in line
    assert "\n" not in line


@pytest.mark.integration
@pytest.mark.parametrize(("name", "law", "says"), ADVISED)
def test_what_is_only_advisable_is_a_warning(name, law, says):
    assert found(name, "FAILED") == []
    (line,) = [line for line in found(name, "warning") if law in line]
    assert says in line


@pytest.mark.parametrize("name", ["Raises", "Exits", "Repeats", "OwnGenerator"])
def test_a_fault_that_stops_many_laws_is_reported_once_or_twice(name):
    assert len(found(name, "FAILED")) <= 2
    assert len(found(name, "skipped")) > 5


def test_the_check_leaves_global_generators_as_they_were():
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    list(examine(f"{_OWN}Sound"))
    assert before == (random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002


@pytest.mark.usefixtures("patient")
def test_the_command_prints_a_line_per_law_and_fails_with_the_strategy(capsys):
    assert run(command("shuffle", f"{_OWN}SeesTooMuch")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 * (len(LAWS) + 3)
    assert lines[0] == "shuffle:"
    assert lines[-1].endswith(" laws, 0 broken, 1 warning")
    assert run(command("shuffle", f"{_OWN}Repeats")) == 1
    assert "FAILED   a batch is B distinct positions" in capsys.readouterr().out


@pytest.mark.parametrize("spec", ["no-such-name", "no.such.module:factory", "bots:a"])
def test_what_cannot_be_found_is_bad_input(spec):
    with pytest.raises(ValueError, match=r"no strategy|cannot import|key=value"):
        run(command(spec))

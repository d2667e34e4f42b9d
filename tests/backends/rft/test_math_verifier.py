import importlib.util
from collections.abc import Iterator

import pytest

from backends.rft.verifiers.base import VerifierError
from backends.rft.verifiers.math import MathVerifier
from tests.waiting import PATIENCE

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(importlib.util.find_spec("math_verify") is None, reason="needs math_verify"),
]


@pytest.fixture(scope="module")
def verifier() -> Iterator[MathVerifier]:
    verifier = MathVerifier(PATIENCE)
    yield verifier
    verifier.close()


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        (r"\boxed{58}", "58"),
        (r"First \boxed{57}, no: \boxed{58}", "58"),
        (r"so \boxed{ \frac{2}{4} }.", r"\frac{1}{2}"),
        (r"\boxed{0.5}", "1/2"),
        (r"\boxed{\frac{1}{2}}", "$0.5$"),
        (r"\boxed{$58$}", "58"),
        (r"\boxed{x=3}", "3"),
        (r"\boxed{1, 2}", r"\{2, 1\}"),
        (r"\boxed{y + x}", "x + y"),
        (r"\boxed{\{1,2\}}", r"\boxed{\{1,2\}}"),
        (r"\boxed{\begin{pmatrix}1\\2\end{pmatrix}}", r"\begin{pmatrix}1\\2\end{pmatrix}"),
        (r"\boxed{\text{yes}}", "yes"),
        ("The answer is 58.", "58"),
        (r"Therefore $x = \frac{1}{2}$", "0.5"),
        ("x" * 100_000 + r"\boxed{58}", "58"),
    ],
)
def test_equal_answers_score_one(verifier, completion, answer):
    assert verifier.score(completion, answer) == 1.0


@pytest.mark.parametrize(
    "completion",
    [
        "",
        "   ",
        "no number at all",
        r"\boxed{57}",
        r"\boxed{58} or \boxed{57}",
        r"\boxed{57, 58}",
        r"\boxed{57 \text{ or } 58}",
        r"\boxed{58} and then \boxed{5",
        r"\boxed{}",
        r"\boxed{ }",
        r"\boxed{58\}",
        r"\boxed{58 \neq 57}",
        r"\boxed{x \geq 58}",
        r"\boxed{0/0}",
        "\0",
        "\\boxed{\0}",
        "\ud800",
        "\\boxed{\udfff}",
        "{" * 10_000,
        "}" * 10_000,
        r"\boxed{" * 1_000,
        "$" * 10_000,
        "9" * 1_000_000,
        "7" * 2_000_000 + " ",
        r"\boxed{" + "9" * 4_000 + "}",
        r"\boxed{1e999999999}",
        r"\boxed{" + "1+" * 2_000 + "1}",
        r"\def\x{\x\x}\boxed{\x}",
        "( 1" * 1_300,
        r"\boxed{\text{__import__('os').abort()}}",
    ],
)
def test_wrong_and_hostile_completions_score_zero(verifier, completion):
    assert verifier.score(completion, "58") == 0.0


@pytest.mark.parametrize(
    "completion",
    [
        r"\boxed{9^{9^{9^{9}}}}",
        "9**9**9**9",
        r"\boxed{\sum_{n=1}^{10^9} \frac{1}{n^2}}",
        r"\boxed{" + "{" * 2_000 + "}" * 2_000 + "}",
    ],
)
def test_bombs_meet_the_time_limit(completion):
    """They take seconds at the least, and other answers milliseconds."""
    verifier = MathVerifier(wall_seconds=0.1)
    with pytest.raises(VerifierError, match=r"0\.1 s .*wall_seconds"):
        verifier.score(completion, "58")
    verifier.close()


def test_after_a_bomb_a_normal_answer_is_scored(monkeypatch):
    verifier = MathVerifier(PATIENCE)
    with monkeypatch.context() as patch:
        patch.setattr(verifier._equal, "_wall_seconds", 0.1)
        with pytest.raises(VerifierError, match="wall_seconds"):
            verifier.score(r"\boxed{9^{9^{9^{9}}}}", "3")
    assert verifier.score(r"\boxed{\frac{6}{2}}", "3") == 1.0
    verifier.close()


@pytest.mark.parametrize(
    "answer", ["58", "-0.5", r"\frac12", "$x+1$", "(1,2)", "yes", r"\boxed{3}"]
)
def test_an_answer_that_it_parses_is_accepted(verifier, answer):
    verifier.check(answer)
    assert verifier.score(f"so \\boxed{{{answer}}}", answer) == 1.0


@pytest.mark.parametrize("answer", ["", "  ", "???", r"\sqrt", "{", "{" * 5000, "1" * 5000, "\0"])
def test_an_answer_that_it_cannot_parse_is_refused(verifier, answer):
    with pytest.raises(ValueError, match="`math` cannot compare with the answer") as caught:
        verifier.check(answer)
    assert len(str(caught.value)) < 300


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install math-verify"):
        MathVerifier()

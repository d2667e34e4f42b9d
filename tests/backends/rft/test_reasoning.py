import importlib.util
import json
from collections import Counter
from collections.abc import Iterator

import pytest

from backends.rft.reasoning import COMPACT, FAMILIES, reasoning_tasks
from backends.rft.tasks import Task, TaskSet
from backends.rft.verifiers.base import VerifierError
from backends.rft.verifiers.reasoning import ReasoningVerifier
from tests.waiting import PATIENCE

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        importlib.util.find_spec("reasoning_gym") is None, reason="needs reasoning_gym"
    ),
]

HOSTILE = [
    "",
    "zzz",
    "None",
    "nan",
    "[NaN]",
    "[" + ", ".join(["NaN"] * 9) + "]",
    "0",
    "0x0",
    "Infinity",
    "\0",
    "\ud800",
    "[" * 10_000,
    "9" * 19_000,
    "1e999999999",
    "0/0",
    "9" * 5_000 + "/3",
    "{}",
    "__import__('os').abort()",
    "1\n2\n3",
    "True",
]


@pytest.fixture(scope="module")
def verifier() -> Iterator[ReasoningVerifier]:
    verifier = ReasoningVerifier(PATIENCE)
    yield verifier
    verifier.close()


@pytest.fixture(scope="module")
def tasks() -> dict[str, Task]:
    """One task of every family."""
    train, _ = reasoning_tasks(FAMILIES, [0], 1, heldout_share=0)
    return {json.loads(task.answer)["dataset"]: task for task in train}


def oracle(task: Task) -> str:
    return json.loads(task.answer)["entry"]["answer"]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_right_answer_in_tags_scores_one_and_hostile_ones_zero(verifier, tasks, family):
    task = tasks[family]
    verifier.check(task.answer)
    right = f"<answer>{oracle(task)}</answer>"
    assert verifier.score(f"<answer>zzz</answer> so {right}.", task.answer) == 1.0
    assert verifier.score(oracle(task), task.answer) == 0.0
    assert verifier.score(f"{right} <answer>zzz</answer>", task.answer) == 0.0
    for text in HOSTILE:
        assert verifier.score(text, task.answer) == 0.0
        if text not in ("0", "0x0"):
            assert verifier.score(f"<answer>{text}</answer>", task.answer) == 0.0
    assert verifier.score(right, task.answer) == 1.0


@pytest.mark.parametrize("family", COMPACT)
def test_a_compact_task_is_answered_with_the_bare_answer(verifier, family):
    (task,), _ = reasoning_tasks([family], [0], 1, heldout_share=0, compact=True)
    assert isinstance(task.prompt, str)
    assert len(task.prompt) < 400
    assert task.prompt.endswith("=")
    verifier.check(task.answer)
    right = oracle(task)
    if family == "number_sorting":
        right = right.strip("[]").replace("'", "")
    assert verifier.score(right, task.answer) == 1.0
    assert verifier.score("7" + right, task.answer) == 0.0
    assert verifier.score("", task.answer) == 0.0


def test_model_output_is_never_executed(verifier, tasks, tmp_path):
    trace = tmp_path / "executed"
    for task in tasks.values():
        for call in (f"open({str(trace)!r}, 'w')", f"[open({str(trace)!r}, 'w')]"):
            assert verifier.score(f"<answer>{call}</answer>", task.answer) == 0.0
    assert not trace.exists()


def test_an_equal_value_in_other_words_scores_one(verifier, tasks):
    total = oracle(tasks["chain_sum"])
    assert verifier.score(f"<answer>{total}.00</answer>", tasks["chain_sum"].answer) == 1.0


def test_a_partial_score_is_a_failure(verifier, tasks):
    task = tasks["knights_knaves"]
    half = oracle(task).split(" and ")[0]
    assert verifier.score(f"<answer>{half}</answer>", task.answer) == 0.0


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "58",
        "[" * 100_000,
        '{"dataset": "chain_sum"}',
        '{"dataset": ["x"], "compact": false, "entry": {"answer": "1", "metadata": {}}}',
        '{"dataset": "countdown", "compact": false, "entry": {"answer": "1", "metadata": {}}}',
        '{"dataset": "chain_sum", "compact": 0, "entry": {"answer": "1", "metadata": {}}}',
        '{"dataset": "chain_sum", "compact": false, "entry": {"answer": "", "metadata": {}}}',
        '{"dataset": "word_sorting", "compact": false, "entry": {"answer": "a", "metadata": {}}}',
    ],
)
def test_an_answer_in_another_format_is_refused(verifier, answer):
    with pytest.raises(ValueError, match="`reasoning` cannot use the answer"):
        verifier.check(answer)
    with pytest.raises(VerifierError):
        verifier.score("<answer>1</answer>", answer)


@pytest.mark.parametrize(
    ("family", "entry"),
    [
        ("bitwise_arithmetic", {"answer": "0x1", "metadata": {"problem": "print('executed')"}}),
        ("number_sorting", {"answer": "print('executed')", "metadata": {"direction": "ascending"}}),
        ("number_sorting", {"answer": "[[]]", "metadata": {"direction": "ascending"}}),
    ],
)
def test_an_answer_that_would_be_executed_is_refused(verifier, family, entry):
    answer = json.dumps({"dataset": family, "compact": False, "entry": entry})
    with pytest.raises(ValueError, match=r"holds more than|not a list of numbers"):
        verifier.check(answer)
    with pytest.raises(VerifierError):
        verifier.score("<answer>1</answer>", answer)


def test_cells_have_their_size_their_share_and_their_label():
    train, heldout = reasoning_tasks(["gcd", "lcm"], [0, 2], 20, heldout_share=0.25)
    assert Counter(task.domain for task in train) == dict.fromkeys(
        ("gcd-0", "gcd-2", "lcm-0", "lcm-2"), 15
    )
    assert set(Counter(task.domain for task in heldout).values()) == {5}
    assert TaskSet(train, heldout).pool.num_tasks == 60
    assert {task.verifier for task in train} == {"reasoning"}
    ((role, text),) = train[0].prompt
    assert role == "user"
    assert "<answer>" in text


def test_no_prompt_occurs_twice_over_levels_and_parts():
    train, heldout = reasoning_tasks(["products"], [0, 1], 300, heldout_share=0.3)
    prompts = [task.prompt for task in (*train, *heldout)]
    assert len(set(prompts)) == len(prompts) > 300


def test_a_level_is_exactly_that_level():
    train, _ = reasoning_tasks(["chain_sum"], [3], 30, heldout_share=0, compact=True)
    terms = {len(str(task.prompt).replace("-", "+").split("+")) for task in train}
    assert len(terms) == 1


def test_same_seed_same_tasks_and_growing_a_cell_moves_none():
    small, large = (reasoning_tasks(["gcd"], [1], n, 3, heldout_share=0.2) for n in (20, 40))
    assert small == reasoning_tasks(["gcd"], [1], 20, 3, heldout_share=0.2)
    assert set(small[0]) < set(large[0])
    assert set(small[1]) < set(large[1])
    assert small != reasoning_tasks(["gcd"], [1], 20, 300, heldout_share=0.2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"families": ["game_of_life_halting"]},
            "'game_of_life_halting' cannot be used.*chain_sum",
        ),
        ({"families": ["no_such_family"]}, "'no_such_family' cannot be used"),
        ({"levels": [4]}, "gcd has no level 4: its levels run from 0 to 3"),
        ({"levels": [10**9]}, "gcd has no level 1000000000"),
        ({"levels": [-1]}, "level is -1"),
        ({"levels": [0.5]}, r"level is 0\.5"),
        ({"per_cell": 0}, "per_cell is 0"),
        ({"heldout_share": 2}, "heldout_share is 2"),
        ({"families": ["lcm"], "compact": True}, "'lcm' has no compact prompt"),
    ],
)
def test_impossible_requests_are_refused(change, message):
    request = {"families": ["gcd"], "levels": [0], "per_cell": 2} | change
    with pytest.raises(ValueError, match=message):
        reasoning_tasks(**request)


def test_without_the_package_both_say_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install reasoning-gym"):
        reasoning_tasks(["gcd"], [0], 2)
    with pytest.raises(ValueError, match="pip install reasoning-gym"):
        ReasoningVerifier()

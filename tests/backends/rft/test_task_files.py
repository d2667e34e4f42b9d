import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.rft.task_files import read_task_file, read_tasks
from backends.rft.tasks import Task, TaskSet
from backends.rft.verifiers.base import AbstractVerifier
from backends.rft.verifiers.exact import ExactVerifier


class StubVerifier(AbstractVerifier):
    """Refuses one answer, and counts those that were not closed."""

    open = 0

    def __init__(self) -> None:
        StubVerifier.open += 1

    def check(self, answer: str) -> None:
        if answer == "refused":
            raise ValueError("`stub` does not like it")

    def score(self, completion: str, answer: str) -> float:
        return 0.0

    def close(self) -> None:
        StubVerifier.open -= 1


KNOWN = {"exact": ExactVerifier, "math": StubVerifier, "code": StubVerifier}
ROWS = [{"question": f"What is {k} + 1?", "answer": str(k + 1)} for k in range(200)]


def jsonl(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def parquet(path: Path, rows: list[Any]) -> Path:
    pa = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    write_table(pa.Table.from_pylist(rows), path)
    return path


WRITERS = {".jsonl": jsonl, ".parquet": parquet}


def read(path: Path, **options: Any) -> TaskSet:
    return read_tasks(path, **{"verifier": "exact", "known": KNOWN} | options)


def everything(tasks: TaskSet) -> list[Task]:
    return [*tasks.train_N, *tasks.heldout]


def guru(k: int, **changes: Any) -> dict[str, Any]:
    return {
        "data_source": "math__deepscaler",
        "prompt": [{"role": "user", "content": f"Compute {k}."}],
        "ability": "math",
        "reward_model": {"ground_truth": str(k), "style": "rule"},
        "extra_info": {"index": k, "split": "train"},
        "qwen2.5_7b_pass_rate": k / 100,
        "qwen3_30b_pass_rate": None if k == 3 else 1.0,
    } | changes


@pytest.mark.parametrize("suffix", WRITERS)
def test_every_row_is_a_task_of_one_part(tmp_path, suffix):
    tasks = read(WRITERS[suffix](tmp_path / f"a{suffix}", ROWS))
    assert {(t.prompt, t.answer) for t in everything(tasks)} == {
        (row["question"], row["answer"]) for row in ROWS
    }
    assert 5 <= len(tasks.heldout) <= 40
    assert tasks.references == {}
    assert {task.verifier for task in everything(tasks)} == {"exact"}


def test_both_formats_hold_the_same_tasks(tmp_path):
    rows = [row | {"id": k, "domain": "sum", "rate": k / 200} for k, row in enumerate(ROWS)]
    one, other = (
        read(write(tmp_path / f"a{suffix}", rows), weak="rate") for suffix, write in WRITERS.items()
    )
    assert everything(one) == everything(other)
    assert one.pool.fingerprint == other.pool.fingerprint


def test_more_rows_in_another_order_move_no_task(tmp_path):
    small = read(jsonl(tmp_path / "a.jsonl", ROWS[:100]))
    large = read(jsonl(tmp_path / "b.jsonl", ROWS[::-1]))
    assert set(small.train_N) < set(large.train_N)
    assert set(small.heldout) < set(large.heldout)


def test_another_seed_holds_out_others(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", ROWS)
    assert set(read(path).heldout) != set(read(path, seed=1).heldout)


def test_a_file_of_its_own_is_held_out_whole(tmp_path):
    path, other = jsonl(tmp_path / "a.jsonl", ROWS[:9]), jsonl(tmp_path / "b.jsonl", ROWS[9:12])
    tasks = read(path, heldout_path=other)
    assert (len(tasks.train_N), len(tasks.heldout)) == (9, 3)
    with pytest.raises(
        ValueError, match=r"line 1 of .*a\.jsonl, to be held out, has the prompt of"
    ):
        read(path, heldout_path=path)


def test_repeated_rows_are_left_out_and_counted(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", [*ROWS, *ROWS[:7], ROWS[0]])
    found = read_task_file(path, verifier="exact", known=KNOWN)
    assert found.repeated == 8
    assert len(everything(found.tasks)) == 200


def test_columns_of_a_row_name_its_key_verifier_domain_and_rates(tmp_path):
    rows = [
        {"problem": f"p{k}", "solution": k, "id": f"id{k}", "domain": "d", "verifier": "math"}
        | {"w": None if k == 0 else 0.5}
        for k in range(40)
    ]
    tasks = read(jsonl(tmp_path / "a.jsonl", rows), weak="w")
    for task in everything(tasks):
        number = str(task.prompt)[1:]
        assert task == Task(f"id{number}", f"p{number}", number, "math", "d")
    weak_N = tasks.references["weak"]
    assert [np.isnan(rate) for rate in weak_N] == [task.key == "id0" for task in tasks.train_N]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("58 ", "58 "),
        (58, "58"),
        (58.0, "58"),
        (0.5, "0.5"),
        ([1, 2], "[1, 2]"),
        ({"inputs": ["1"]}, '{"inputs": ["1"]}'),
        ("é\0", "é\0"),
    ],
)
def test_answers_become_text(tmp_path, answer, text):
    path = jsonl(tmp_path / "a.jsonl", [{"prompt": "p", "answer": answer}])
    tasks = read(path, heldout_path=jsonl(tmp_path / "b.jsonl", ROWS))
    assert [task.answer for task in tasks.train_N] == [text]


@pytest.mark.parametrize("suffix", WRITERS)
def test_guru_is_recognised(tmp_path, suffix):
    rows = [guru(k) for k in range(20)]
    tasks = read(WRITERS[suffix](tmp_path / f"a{suffix}", rows), verifier=None, heldout_share=0.3)
    for task in everything(tasks):
        chat = (("user", f"Compute {task.key}."),)
        assert task == Task(task.key, chat, task.key, "math", "math__deepscaler")
    keys = [int(task.key) for task in tasks.train_N]
    assert tasks.references["weak"].tolist() == [key / 100 for key in keys]
    assert [key for key, r in zip(keys, tasks.references["strong"], strict=True) if r != r] == [3]


def test_guru_verifiers_follow_the_ability_or_the_source(tmp_path):
    rows = [
        guru(0),
        guru(1, ability="codegen", data_source="codegen__taco"),
        guru(2, ability="code", data_source="x"),
        guru(3, ability="logical_reasoning", data_source="logic__zebra"),
        guru(4, ability=None, data_source="codegen__taco"),
    ]
    path = jsonl(tmp_path / "a.jsonl", rows)
    heldout = jsonl(tmp_path / "b.jsonl", [guru(9)])
    tasks = read(path, verifier=None, heldout_path=heldout)
    assert [task.verifier for task in tasks.train_N] == ["math", "code", "code", "exact", "code"]
    forced = read(path, verifier="exact", heldout_path=heldout)
    assert {task.verifier for task in everything(forced)} == {"exact"}


def test_guru_indexes_that_repeat_give_way_to_hashes(tmp_path):
    rows = [guru(k, extra_info={"index": k // 2}) for k in range(20)]
    tasks = read(jsonl(tmp_path / "a.jsonl", rows), heldout_share=0.3)
    assert {len(task.key) for task in everything(tasks)} == {32}


def test_rates_that_no_row_of_guru_has_are_no_reference(tmp_path):
    rows = [guru(k, **{"qwen3_30b_pass_rate": None}) for k in range(20)]
    tasks = read(jsonl(tmp_path / "a.jsonl", rows), heldout_share=0.3)
    assert tasks.references.keys() == {"weak"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"a\.jsonl has no rows"),
        (b"\n \n", r"a\.jsonl has no rows"),
        (b"\n{oops\n", r"line 2 of .*a\.jsonl is no JSON"),
        (b"[1]\n", r"line 1 of .* is a JSON list, not an object"),
        (b'{"question": "\xff"}\n', "line 1 of .* is no JSON"),
        (b"[" * 100_000, "line 1 of .* is no JSON"),
        (b'{"question": "q", "answer": ' + b"9" * 5_000 + b"}", "line 1 of .* is no JSON"),
        (b'{"question": "q"}', "line 1 of .* has no `answer` or `ground_truth` or `solution`"),
        (b'{"answer": "1"}', "has no `question` or `prompt` or `problem`; it has 'answer'"),
        (b'{"question": null, "answer": "1"}', "has no `question`"),
    ],
)
def test_a_line_that_is_no_task_is_named(tmp_path, content, message):
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        read(path)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"question": ""}, "the prompt is '' in line 2 of"),
        ({"question": 5}, "the prompt is 5 in line 2 .* must be text, or a list"),
        ({"question": []}, "the prompt is \\[\\]"),
        ({"question": ["hi"]}, "the prompt is \\['hi'\\]"),
        ({"question": [{"role": "user"}]}, "the content of a message is None"),
        ({"question": "\ud800"}, "the prompt in line 2 .* surrogate"),
        ({"question": {"a": "x" * 10**6}}, "the prompt is "),
        ({"answer": "\udfff"}, "the answer in line 2 .* surrogate"),
        ({"answer": " "}, "the answer is ' ' in line 2"),
        ({"answer": True}, "the answer is True in line 2"),
        ({"answer": float("nan")}, "the answer is nan"),
        ({"answer": [float("inf")]}, r"the answer \[inf\] .* is no JSON value"),
        ({"answer": "refused", "verifier": "math"}, "answer in line 2 .* cannot be used: `stub`"),
        ({"verifier": "maths"}, "the verifier is 'maths' in line 2 .* one of exact, math, code"),
        ({"verifier": ["exact"]}, r"the verifier is \['exact'\]"),
        ({"id": ""}, "`id` is ''"),
        ({"id": 1.5}, r"`id` is 1\.5"),
        ({"id": "first"}, "`id` is 'first' in line 1 of .* and in line 2 of"),
        ({"domain": []}, r"`domain` is \[\]"),
        ({"rate": "0.5"}, "`rate` is '0.5' in line 2 .* is a number"),
        ({"rate": True}, "`rate` is True"),
        ({"rate": 50}, "`rate` is 50 .* divide percentages by 100"),
        ({"rate": -1}, "`rate` is -1 .* leave missing entries empty"),
        ({"question": "first"}, "one prompt has two answers, '1' in line 1 .* and '2' in line 2"),
        ({"reward_model": 3, "data_source": "x"}, "`reward_model` is 3 in line 2"),
        ({"reward_model": {}, "data_source": "x"}, "line 2 .* has no `ground_truth`"),
    ],
)
def test_a_wrong_value_is_named_with_its_row(tmp_path, change, message):
    first = {"question": "first", "answer": "1", "id": "first", "rate": 0.5}
    row = {"question": "second", "answer": "2"} | change
    before = StubVerifier.open
    with pytest.raises(ValueError, match=message) as caught:
        read(jsonl(tmp_path / "a.jsonl", [first, row]), weak="rate")
    assert len(str(caught.value)) < 600
    assert StubVerifier.open == before


def test_a_task_without_a_verifier_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"line 1 of .* has no verifier; name one in a column"):
        read(jsonl(tmp_path / "a.jsonl", ROWS), verifier=None)


def test_a_rate_column_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"column 'wrong' of .*a\.jsonl, the strong reference"):
        read(jsonl(tmp_path / "a.jsonl", ROWS), strong="wrong")


@pytest.mark.parametrize("name", ["absent.jsonl", "absent.parquet", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name):
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(ValueError, match=r"cannot be read|must end in"):
        read(tmp_path / name)
    with pytest.raises(ValueError, match="cannot be read"):
        read(tmp_path / "folder.jsonl")


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.jsonl.gz", "a"])
def test_another_ending_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"must end in \.jsonl"):
        read(jsonl(tmp_path / name, ROWS))


def test_a_damaged_parquet_file_is_named(tmp_path):
    path = parquet(tmp_path / "a.parquet", ROWS)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ValueError, match=r"a\.parquet cannot be read"):
        read(path)


def test_rows_of_parquet_count_from_0(tmp_path):
    path = parquet(tmp_path / "a.parquet", [*ROWS, {"question": "q", "answer": None}])
    with pytest.raises(ValueError, match=r"row 200 of .* has no `answer`"):
        read(path)


def test_a_line_beyond_the_limit_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr("backends.rft._records._LINE_BYTES", 1000)
    path = jsonl(tmp_path / "a.jsonl", [ROWS[0], {"question": "q" * 2000, "answer": "1"}])
    with pytest.raises(ValueError, match=r"line 2 of .* has more than 1000 bytes"):
        read(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"heldout_share": 2}, "heldout_share is 2"), ({"seed": -1}, "seed is -1")],
)
def test_impossible_options_are_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        read(jsonl(tmp_path / "a.jsonl", ROWS), **options)


def test_a_share_that_leaves_a_part_empty_is_refused(tmp_path):
    with pytest.raises(ValueError, match="0 tasks held out"):
        read(jsonl(tmp_path / "a.jsonl", ROWS), heldout_share=0)


def test_the_imports_that_guru_keeps_beside_tests_of_functions_join_them(tmp_path):
    tests = {"functional": "assert double(2) == 4"}
    row = {
        "data_source": "codegen__leetcode2k",
        "ability": "codegen",
        "prompt": "Double a number.",
        "reward_model": {"ground_truth": json.dumps(tests)},
        "extra_info": {"index": 0, "prefix": "from typing import *\n"},
    }
    plain = {**row, "prompt": "Again.", "extra_info": {"index": 1}}
    path = tmp_path / "guru.jsonl"
    path.write_text("\n".join(json.dumps(r) for r in (row, plain)))
    tasks = read_tasks(path, heldout_share=0.5, seed=2)
    answers = {task.prompt: json.loads(task.answer) for task in (*tasks.train_N, *tasks.heldout)}
    assert answers["Double a number."] == {"prefix": "from typing import *\n", **tests}
    assert answers["Again."] == tests

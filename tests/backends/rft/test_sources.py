from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.rft.families import make_tasks
from backends.rft.sources import (
    TaskSource,
    load_tasks,
    parse_tasks,
    with_references,
)
from backends.rft.tasks import Task, TaskSet
from tests.lazy import lazily

with lazily():
    import pyarrow as pa
    from pyarrow.parquet import write_table

TASKS = TaskSet(
    tuple(Task(key, f"{key}=", "1") for key in ("a", "b", "c")), (Task("h", "h=", "1"),)
)


def parquet(path: Path, **columns: list[Any]) -> Path:
    write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize(
    ("text", "kind", "name", "levels"),
    [
        ("tasks.jsonl", "file", "tasks.jsonl", "0"),
        ("a/families:R.parquet", "file", "a/families:R.parquet", "0"),
        ("families:OURSAG", "families", "OURSAG", "0"),
        ("reasoning:chain_sum,gcd@0-3", "reasoning", "chain_sum,gcd", "0-3"),
        ("reasoning:gcd@2", "reasoning", "gcd", "2"),
        ("reasoning:gcd", "reasoning", "gcd", "0"),
    ],
)
def test_words_name_a_source(text, kind, name, levels):
    source = parse_tasks(text, seed=7)
    assert (source.kind, source.name, source.levels, source.seed) == (kind, name, levels, 7)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the tasks are ''; they must be a file such as"),
        ("tasks.csv", r"the tasks are 'tasks\.csv'; they must be a file such as tasks\.jsonl"),
        ("families", "the tasks are 'families'"),
        ("families:", "the tasks are 'families:'"),
        ("family:R", "the tasks are 'family:R'"),
        ("families:RZ", "the families are 'RZ'; they must be distinct letters of ASMGORPUT"),
        ("families:RR", "the families are 'RR'; they must be distinct"),
        ("reasoning:gcd@", "the levels are ''; they must be one number or a rising range"),
        ("reasoning:gcd@3-1", "the levels are '3-1'"),
        ("reasoning:gcd@-1", "the levels are '-1'"),
        ("reasoning:gcd@0-", "the levels are '0-'"),
        ("reasoning:gcd@²", "the levels are '²'"),
    ],
)
def test_words_that_name_none_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse_tasks(text)


@pytest.mark.parametrize(
    ("text", "setting", "message"),
    [
        ("families:R", {"verifier": "math"}, "verifier is 'math'; it has a meaning for file only"),
        ("families:R", {"compact": True}, "compact is True; it has a meaning for reasoning only"),
        ("a.jsonl", {"pool_per_cell": 3}, "pool_per_cell is 3; it has a meaning for families only"),
        ("families:R", {"heldout_share": 0.5}, "for file and reasoning only"),
        ("families:R", {"pool_per_cell": 0}, "pool_per_cell is 0"),
        ("a.jsonl", {"heldout_share": 2.0}, "heldout_share is 2"),
        ("a.jsonl", {"seed": -1}, "seed is -1"),
    ],
)
def test_settings_that_mean_nothing_are_refused(text, setting, message):
    with pytest.raises(ValueError, match=message):
        parse_tasks(text, **setting)


def test_a_source_survives_json():
    source = parse_tasks("reasoning:chain_sum,gcd@0-3", per_cell=5, compact=True, seed=2)
    assert TaskSource(**json.loads(json.dumps(asdict(source)))) == source


@pytest.mark.integration
def test_families_are_those_that_supervised_training_keeps_apart():
    tasks = load_tasks(parse_tasks("families:RO", pool_per_cell=5, heldout_per_cell=2, seed=1))
    assert (tasks.train_N, tasks.heldout) == make_tasks("RO", 5, 2, 1)


def test_a_file_is_read_with_its_settings(tmp_path):
    rows = [{"question": f"q{k}", "answer": k, "w": k / 20, "s": 1.0} for k in range(20)]
    path, other = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    other.write_text(json.dumps({"question": "h", "answer": "1"}))
    settings = {"verifier": "exact", "weak": "w", "strong": "s", "heldout_path": str(other)}
    tasks = load_tasks(parse_tasks(str(path), **settings))
    assert [task.prompt for task in tasks.heldout] == ["h"]
    assert tasks.references["weak"].tolist() == [k / 20 for k in range(20)]
    assert tasks.references["strong"].tolist() == [1.0] * 20
    shared = load_tasks(parse_tasks(str(path), verifier="exact", heldout_share=0.5, seed=3))
    assert 2 < len(shared.heldout) < 18


@pytest.mark.integration
def test_reasoning_tasks_have_exact_levels():
    pytest.importorskip("reasoning_gym")
    source = parse_tasks("reasoning:chain_sum,gcd@0-1", per_cell=4, heldout_share=0.25, seed=1)
    tasks = load_tasks(source)
    domains = {"chain_sum-0", "chain_sum-1", "gcd-0", "gcd-1"}
    assert {task.domain for task in tasks.train_N} == domains
    assert (len(tasks.train_N), len(tasks.heldout)) == (12, 4)
    compact = parse_tasks("reasoning:gcd", per_cell=4, heldout_share=0.25, compact=True)
    assert isinstance(load_tasks(compact).train_N[0].prompt, str)


def test_references_are_joined_by_key_and_missing_ones_stay_missing(tmp_path):
    path = parquet(
        tmp_path / "r.parquet",
        id=["c", "x", "a"],
        weak=[0.25, 0.5, None],
        strong=[1.0, 1.0, 0.75],
        weak_trials=[4, 4, 0],
    )
    references = with_references(TASKS, path).references
    np.testing.assert_array_equal(references["weak"], [np.nan, np.nan, 0.25])
    np.testing.assert_array_equal(references["strong"], [0.75, np.nan, 1.0])
    assert with_references(TASKS, path).pool.references.keys() == {"weak", "strong"}


def test_rollouts_behind_the_rates_are_counted_for_the_tasks_at_hand(tmp_path):
    counts = {"weak_trials": [4, 3, 9], "weak_failures": [0, 1, 0]}
    path = parquet(tmp_path / "r.parquet", id=["a", "b", "z"], weak=[0.5, 1.0, 0.1], **counts)
    assert with_references(TASKS, path).reference_rollouts == 8
    bare = parquet(tmp_path / "bare.parquet", id=["a"], weak=[0.5])
    assert with_references(TASKS, bare).reference_rollouts is None


def test_references_are_named_by_their_label_and_others_stay(tmp_path):
    path = parquet(tmp_path / "r.parquet", id=["a"], step9=[0.5])
    old = TaskSet(TASKS.train_N, TASKS.heldout, {"strong": np.ones(3)})
    references = with_references(old, path, weak="step9").references
    np.testing.assert_array_equal(references["weak"], [0.5, np.nan, np.nan])
    np.testing.assert_array_equal(references["strong"], [1, 1, 1])


@pytest.mark.parametrize(
    ("columns", "given", "message"),
    [
        (
            {"id": ["a"], "w": [0.5]},
            {},
            "has neither a column 'weak' nor one 'strong'; it has id, w",
        ),
        ({"id": ["a"], "w": [0.5]}, {"strong": "s"}, "no column 's'; it has id, w: name one of"),
        ({"weak": [0.5]}, {}, "has no column 'id'"),
        ({"id": ["x"], "weak": [0.5]}, {}, r"'weak' of .* has no rate for any of the 3 tasks"),
        ({"id": ["h"], "weak": [0.5]}, {}, "has no rate for any"),
        ({"id": ["a"], "weak": [None]}, {}, "has no rate for any"),
        ({"id": ["a"], "weak": [float("nan")]}, {}, "has no rate for any"),
        ({"id": ["a"], "weak": [16]}, {}, "is 16 for the task 'a'; a solve rate lies in"),
        ({"id": ["a"], "weak": ["hi"]}, {}, "is 'hi' for the task 'a'"),
    ],
)
def test_a_join_that_fails_is_refused(tmp_path, columns, given, message):
    path = parquet(tmp_path / "r.parquet", **columns)
    with pytest.raises(ValueError, match=message):
        with_references(TASKS, path, **given)


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "r.parquet").write_text("x")
    for name in ("r.parquet", "absent.parquet"):
        with pytest.raises(ValueError, match=r"cannot be read as Parquet"):
            with_references(TASKS, tmp_path / name)

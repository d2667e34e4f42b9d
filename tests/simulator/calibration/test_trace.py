import gzip

import numpy as np
import pytest

from simulator.calibration.trace import from_columns, read

GOOD = "task,visit,successes,trials\nb,0,1,8\na,1,3,8\na,0,2,8\n"


def test_rows_are_ordered_by_task_and_time(tmp_path):
    (tmp_path / "t.csv").write_text(GOOD)
    trace = read(tmp_path / "t.csv")
    assert trace.names_K.tolist() == ["a", "b"]
    assert trace.task_R.tolist() == [0, 0, 1]
    assert trace.successes_R.tolist() == [2, 3, 1]
    assert trace.visit_R.tolist() == [0, 1, 0]
    assert trace.times_R(9.5).tolist() == [0, 9.5, 0]
    assert trace.group_size == 8


def test_all_formats_say_the_same(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    (tmp_path / "t.csv").write_text(GOOD)
    with gzip.open(tmp_path / "t.csv.gz", "wt") as file:
        file.write(GOOD)
    columns = {"task": ["b", "a", "a"], "visit": [0, 1, 0], "successes": [1, 3, 2]}
    pq.write_table(pa.table({**columns, "trials": [8, 8, 8]}), tmp_path / "t.parquet")
    counts = [read(tmp_path / f"t.{end}").successes_R for end in ("csv", "csv.gz", "parquet")]
    assert all(np.array_equal(one, counts[0]) for one in counts)


def test_steps_win_over_visits_and_count_from_the_first(tmp_path):
    text = "task,step,visit,successes,trials,tokens\na,3,0,1,8,90\na,7,1,2,8,80\n"
    (tmp_path / "t.csv").write_text(text)
    assert read(tmp_path / "t.csv").times_R(100).tolist() == [0, 4]


def test_a_split_is_a_partition_that_the_seed_decides():
    names_R = np.repeat(np.arange(30).astype(str), 2)
    counts_R = np.arange(60)
    trace = from_columns(names_R, np.tile([0, 1], 30), counts_R, counts_R + 1, by_step=False)
    first, second = trace.split(0.5, 3)
    assert sorted([*first.names_K, *second.names_K]) == sorted(trace.names_K)
    assert sorted([*first.successes_R, *second.successes_R]) == counts_R.tolist()
    assert np.array_equal(trace.split(0.5, 3)[0].names_K, first.names_K)
    assert not np.array_equal(trace.split(0.5, 4)[0].names_K, first.names_K)


@pytest.mark.parametrize("share", [0.0, 1.0, 1.5, 0.001])
def test_a_split_with_an_empty_part_is_refused(share):
    rows = np.zeros(3, dtype=np.int64)
    trace = from_columns(np.array(["a", "b", "c"]), rows, rows, rows + 1, by_step=False)
    with pytest.raises(ValueError, match="choose a share between 0 and 1"):
        trace.split(share, 0)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "has no column task: it has none"),
        ("task,visit,successes\na,0,1\n", "has no column trials"),
        ("task,successes,trials\na,1,8\n", "has no column step or visit"),
        ("task,visit,successes,trials\n", "has no rows"),
        (
            "task,visit,successes,trials\na,0,-1,8\n",
            "successes of row 1 is '-1'; it must be a whole",
        ),
        ("task,visit,successes,trials\na,0,nan,8\n", "successes of row 1 is 'nan'"),
        ("task,visit,successes,trials\na,0,1.5,8\n", "successes of row 1 is '1.5'"),
        ("task,visit,successes,trials\na,0,,8\n", "successes of row 1 is ''"),
        ("task,visit,successes,trials\na,inf,1,8\n", "visit of row 1 is 'inf'"),
        ("task,visit,successes,trials\na,0,9,8\n", "row 1 has 9 successes in 8 trials"),
        ("task,visit,successes,trials\na,0,0,0\n", "row 1 has 0 successes in 0 trials"),
        ("task,visit,successes,trials\na,0,1,8\na,0,1,8\n", "task a has two rows at visit 0"),
        ("task,visit,successes,trials\na,0,1\n", "row 1 has 3 values; the header names 4"),
    ],
)
def test_impossible_traces_are_refused_by_name(text, complaint, tmp_path):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ValueError, match=complaint) as raised:
        read(tmp_path / "t.csv")
    assert "t.csv" in str(raised.value)


@pytest.mark.parametrize("name", ["none.csv", "none.parquet", "broken.csv.gz", "broken.parquet"])
def test_unreadable_files_are_refused(name, tmp_path):
    (tmp_path / "broken.csv.gz").write_bytes(b"no gzip")
    (tmp_path / "broken.parquet").write_bytes(b"no parquet")
    with pytest.raises(ValueError, match="cannot be read"):
        read(tmp_path / name)


def test_unknown_formats_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"one of .csv, .csv.gz and .parquet"):
        read(tmp_path / "t.json")


def test_missing_values_in_parquet_are_refused(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"task": ["a"], "visit": [0], "successes": pa.array([None], pa.int64())}
    pq.write_table(pa.table({**columns, "trials": [8]}), tmp_path / "t.parquet")
    with pytest.raises(ValueError, match="successes of row 1 is None"):
        read(tmp_path / "t.parquet")

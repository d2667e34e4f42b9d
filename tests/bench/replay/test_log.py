import gzip

import numpy as np
import pytest

from bench.replay import log_of, read_log, write_log
from simulator.calibration.trace import from_columns

COLUMNS = {
    "task": ["b", "a", "b", "a"],
    "step": [3, 3, 4, 7],
    "successes": [1, 8, 2, 0],
    "trials": [8, 8, 8, 8],
}
MORE = {
    "inclusion": [0.25, 1.0, 0.5, 0.125],
    "tokens": [10, 20, 30, 40],
    "domain": ["x", "y", "x", "y"],
    "reference/weak": [0.5, np.nan, 0.5, np.nan],
}


@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
def test_what_is_written_is_read(tmp_path, ending):
    write_log(tmp_path / f"log.{ending}", COLUMNS | MORE)
    log = read_log(tmp_path / f"log.{ending}")
    assert log.trace.names_K.tolist() == ["a", "b"]
    assert log.step_R.tolist() == [0, 4, 0, 1]
    assert log.trace.successes_R.tolist() == [8, 0, 1, 2]
    assert log.inclusion_R.tolist() == [1.0, 0.125, 0.25, 0.5]
    assert log.tokens_R.tolist() == [20, 40, 10, 30]
    assert log.pool.domains_N.tolist() == ["y", "x"]
    assert np.isnan(log.pool.references["weak"][0])
    assert log.pool.references["weak"][1] == 0.5
    assert log.num_steps == 5


def test_parquet_says_the_same(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    write_log(tmp_path / "log.csv", COLUMNS | MORE)
    pq.write_table(pa.table(COLUMNS | MORE), tmp_path / "log.parquet")
    one, other = read_log(tmp_path / "log.csv"), read_log(tmp_path / "log.parquet")
    assert one.pool.fingerprint == other.pool.fingerprint
    for name in ("step_R", "inclusion_R", "tokens_R"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist()


def test_a_log_without_further_columns_knows_less(tmp_path):
    write_log(tmp_path / "log.csv", COLUMNS)
    log = read_log(tmp_path / "log.csv")
    assert log.inclusion_R is None
    assert log.tokens_R is None
    assert not log.pool.references
    assert log.pool.domains_N is None


def test_batches_are_the_rows_of_a_step_in_the_order_of_time(tmp_path):
    write_log(tmp_path / "log.csv", COLUMNS)
    log = read_log(tmp_path / "log.csv")
    found = [sorted(log.trace.names_K[log.trace.task_R[rows]]) for rows in log.batches()]
    assert found == [["a", "b"], ["b"], ["a"]]
    assert log.batch_size == 1
    assert log.informative_R.tolist() == [False, False, True, True]


def by_visit(tasks: int, visits: int):
    task_R, visit_R = (grid.ravel() for grid in np.meshgrid(np.arange(tasks), np.arange(visits)))
    names_R = np.array([f"{task:04d}" for task in task_R])
    eights = np.full(task_R.size, 8)
    return from_columns(names_R, visit_R, eights // 2, eights, by_step=False)


def test_a_visit_is_cut_into_batches_of_equal_size_in_random_order():
    trace = by_visit(60, 3)
    log = log_of(trace, steps_per_visit=5.9)
    assert np.bincount(log.step_R).tolist() == [10] * 18
    for visit in range(3):
        steps = log.step_R[trace.when_R == visit]
        assert (steps // 6 == visit).all()
        assert (np.diff(steps) < 0).any()
    other = log_of(trace, steps_per_visit=5.9, seed=1)
    assert not np.array_equal(log.step_R, other.step_R)
    assert np.array_equal(log.step_R, log_of(trace, steps_per_visit=5.9).step_R)


def test_a_log_by_visit_must_say_how_long_a_visit_is():
    with pytest.raises(ValueError, match="--steps-per-visit"):
        log_of(by_visit(6, 2))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"inclusion": [0.0, 1.0, 0.5, 0.1]}, r"lies in \(0, 1\]"),
        ({"inclusion": [1.5, 1.0, 0.5, 0.1]}, r"lies in \(0, 1\]"),
        ({"inclusion": ["", 1.0, 0.5, 0.1]}, r"lies in \(0, 1\]"),
        ({"domain": ["x", "y", "z", "y"]}, "task b has domain x in one row and z"),
        ({"reference/weak": [0.5, 0.1, 0.4, 0.1]}, "does not change"),
        ({"reference/weak": [0.5, 0.1, "", 0.1]}, "does not change"),
        ({"reference/weak": ["?", 0.1, "?", 0.1]}, "holds no numbers"),
    ],
)
def test_columns_that_contradict_themselves_are_refused(tmp_path, change, words):
    write_log(tmp_path / "log.csv", COLUMNS | change)
    with pytest.raises(ValueError, match=words):
        read_log(tmp_path / "log.csv")


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("log.txt", COLUMNS),
        ("log.csv", COLUMNS | {"inclusion": [0.5]}),
        ("log.csv", COLUMNS | {"incluson": [0.5] * 4}),
        ("log.csv", {name: COLUMNS[name] for name in ("task", "step", "trials")}),
    ],
)
def test_a_log_that_could_not_be_read_is_not_written(tmp_path, name, columns):
    with pytest.raises(ValueError, match=r"CSV|columns are"):
        write_log(tmp_path / name, columns)
    assert not list(tmp_path.iterdir())


def test_a_zipped_log_is_zipped(tmp_path):
    write_log(tmp_path / "log.csv.gz", COLUMNS)
    with gzip.open(tmp_path / "log.csv.gz", "rt") as file:
        assert file.readline().strip() == "task,step,successes,trials"

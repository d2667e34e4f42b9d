import numpy as np
import pytest

from bots import Pool


def test_a_task_without_a_measured_rate_stays_unknown():
    pool = Pool(["a", "b"], {"weak": [0.5, np.nan]})
    assert np.isnan(pool.references["weak"][1])


@pytest.mark.parametrize(
    "other",
    [
        Pool(["a", "c"], {"weak": [0.5, 0.1]}, ["x", "y"]),
        Pool(["b", "a"], {"weak": [0.5, 0.1]}, ["x", "y"]),
        Pool(["a", "b"], {"weak": [0.5, 0.2]}, ["x", "y"]),
        Pool(["a", "b"], {"strong": [0.5, 0.1]}, ["x", "y"]),
        Pool(["a", "b"], {"weak": [0.5, 0.1]}, ["x", "x"]),
        Pool(["a", "b"], {"weak": [0.5, 0.1]}),
        Pool(["a", "b"]),
        Pool([0, 1], {"weak": [0.5, 0.1]}, ["x", "y"]),
    ],
)
def test_any_difference_changes_the_fingerprint(other):
    pool = Pool(["a", "b"], {"weak": [0.5, 0.1]}, ["x", "y"])
    assert pool.fingerprint == Pool(["a", "b"], {"weak": [0.5, 0.1]}, ["x", "y"]).fingerprint
    assert pool.fingerprint != other.fingerprint


def test_labels_cannot_be_shifted_into_each_other():
    assert Pool(["ab", "c"]).fingerprint != Pool(["a", "bc"]).fingerprint
    assert Pool(["a\0b", "c"]).fingerprint != Pool(["a", "b\0c"]).fingerprint
    assert Pool(["a", "1:b"]).fingerprint != Pool(["a1:", "b"]).fingerprint


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (([],), "0 tasks"),
        ((["a", "b", "a"],), "'a' names 2 tasks"),
        (([0.5, 1.5],), "integers or strings"),
        (([[1, 2]],), "vector"),
        ((["a"], {"weak": [0.1, 0.2]}), "shape"),
        ((["a"], {"weak": [1.5]}), r"\[0, 1\]"),
        ((["a"], {"weak": [-0.1]}), r"\[0, 1\]"),
        ((["a"], {}, ["x", "y"]), "one per task"),
    ],
)
def test_bad_input_is_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        Pool(*arguments)

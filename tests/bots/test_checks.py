import numpy as np
import pytest

from bots import checks


@pytest.mark.parametrize(
    ("exclude", "says"),
    [
        (np.arange(111), "9 of the pool's 120 tasks are left .* 10 were asked for"),
        (np.arange(120), "0 of the pool's 120"),
        ([3, 120], "exclude spans 3 to 120"),
        ([-1], "exclude spans -1"),
        ([0.5], "exclude has .* float"),
        (np.zeros(120, dtype=np.bool_), "exclude has .* mask"),
        ([[1, 2]], "exclude has shape"),
        (7, "exclude has shape"),
    ],
)
def test_exclusions_that_cannot_be_are_refused_in_words(exclude, says):
    with pytest.raises(ValueError, match=says):
        checks.excluded(exclude, 10, 120)


@pytest.mark.parametrize("nothing", [None, np.empty(0, dtype=np.int64), np.array([]), []])
def test_nothing_is_excluded_in_several_ways(nothing):
    assert checks.excluded(nothing, 10, 120).tolist() == []


def test_exclusions_become_distinct_positions_and_stay_as_they_are():
    exclude = np.array([7, 3, 7])
    assert checks.excluded(exclude, 10, 120).tolist() == [3, 7]
    assert exclude.tolist() == [7, 3, 7]


@pytest.mark.parametrize("size", [0, -1, 121, 2.5, True, None])
def test_a_batch_size_that_cannot_be_is_named(size):
    with pytest.raises(ValueError, match="batch_size"):
        checks.batch_size(size, 120)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from bots.live.belief import grouping
from bots.live.belief.grouping import distinct_values, grouped, positions, rounded

VALUE = st.sampled_from([0.0, -0.0, 0.1, 0.5, 1.0, np.nan])


@given(st.lists(VALUE, min_size=1, max_size=20))
def test_distinct_values_and_positions_give_the_values_back(values):
    values = np.array(values)
    distinct = distinct_values(values, 9)
    assert_array_equal(distinct[positions(values, distinct)], values)
    assert_array_equal(distinct, np.unique(values))


def test_more_than_the_limit_is_nothing():
    values = np.array([1, 2, 3, 1])
    assert distinct_values(values, 3).tolist() == [1, 2, 3]
    assert distinct_values(values, 2) is None
    column = np.array([1, 2, 3]), np.array([0, 1, 2, 0], dtype=np.int32)
    assert grouped(iter([column]), 2) is None
    assert grouped(iter([column, None]), 3) is None


@given(st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=30))
def test_rows_of_groups_are_distinct_ascending_and_those_of_their_members(rows):
    columns = [(np.arange(4), np.array(column)) for column in zip(*rows, strict=True)]
    entries, group = grouped(iter(columns), 64)
    found = list(zip(*(entry.tolist() for entry in entries), strict=True))
    assert found == sorted(set(rows))
    assert [found[g] for g in group] == rows


def test_rounding_is_to_the_nearest_level_and_keeps_what_is_missing():
    assert rounded(np.array([0.0, 0.1, 0.13, 1.0, np.nan]), 4).tolist() == [0, 0, 1, 4, 5]


@pytest.mark.parametrize("table", [1, 1 << 25])
def test_as_many_groups_as_the_limit_are_found_with_and_without_a_table(monkeypatch, table):
    monkeypatch.setattr(grouping, "_TABLE", table)
    column = np.array([5, 6, 7]), np.array([2, 0, 2], dtype=np.int32)
    entries, group = grouped(iter([column]), 2)
    assert (entries[0].tolist(), group.tolist()) == ([5, 7], [1, 0, 1])
    assert grouped(iter([column]), 1) is None

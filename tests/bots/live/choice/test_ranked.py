"""Places among ranks, and tasks picked uniformly; false alarms for one seed in 10,000."""

import math

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import stats

from bots.live.choice.ranked import ordered, pick


def ranked():
    tasks, ranks = np.array([5, 6, 7, 8, 9]), np.array([0.3, 0.1, 0.4, 0.2, 0.9])
    strata = np.array([2, 0, 0, 2, 2])
    return ordered(tasks, ranks, strata, np.ones(3), np.array([0.7, math.inf, 0.95]))


def test_tasks_come_stratum_by_stratum_best_first():
    one = ranked()
    assert one.task_ids.tolist() == [6, 7, 8, 5, 9]
    assert one.first(np.array([1, 0, 2])).tolist() == [True, False, True, True, False]


@pytest.mark.parametrize(
    ("numbers", "ranks"),
    [
        ([1, 1, 1], [0.1, math.inf, 0.2]),
        ([2, 0, 3], [0.4, -math.inf, 0.9]),
        ([3, 1, 4], [0.7, math.inf, 0.95]),
        ([4, 2, 9], [math.inf, math.inf, math.inf]),
        ([0, 0, 0], [-math.inf] * 3),
    ],
)
def test_ranks_by_place_end_with_the_one_beyond_the_list(numbers, ranks):
    assert ranked().nth(np.array(numbers)).tolist() == ranks


@pytest.mark.integration
@pytest.mark.parametrize("count", [0, 1, 3, 7, 10])
@pytest.mark.parametrize("usable", [np.arange(10), np.arange(0, 40, 4), np.arange(40)])
def test_picked_tasks_are_distinct_usable_and_uniform(count, usable):
    rng = np.random.default_rng(count)
    counts = np.zeros(40)
    for _ in range(1_000):
        picked = pick(lambda x: 39 - x, 40, count, lambda tasks: np.isin(tasks, usable), rng)
        assert np.unique(picked).size == picked.size == count
        counts[picked] += 1
    assert_array_equal(np.setdiff1d(np.flatnonzero(counts), usable), [])
    share = count / usable.size
    if 0 < share < 1:
        # Tasks exclude one another, which narrows the statistic by this factor.
        narrowed = stats.chisquare(counts[usable]).statistic * (usable.size - 1)
        narrowed /= usable.size * (1 - share)
        assert stats.chi2(usable.size - 1).sf(narrowed) > 1e-4 / 15

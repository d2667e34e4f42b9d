import numpy as np
import pytest

from bots.baselines.histories.weighted import weighted_b

NONE = np.empty(0, dtype=np.int64)


def test_pairs_are_drawn_as_one_task_after_another():
    """Pairs under weights 1, 2, 3, 4; chi-square, 5 degrees of freedom, false-alarm rate 0.1 %."""
    weights, rng, counts = np.array([1.0, 2.0, 3.0, 4.0]), np.random.default_rng(0), {}
    for _ in range(6000):
        pair = tuple(sorted(weighted_b(weights, 2, NONE, rng).tolist()))
        counts[pair] = counts.get(pair, 0) + 1
    statistic = 0.0
    for i in range(4):
        for j in range(i):
            a, b = weights[i] / 10, weights[j] / 10
            expected = 6000 * (a * b / (1 - a) + b * a / (1 - b))
            statistic += (counts.get((j, i), 0) - expected) ** 2 / expected
    assert statistic < 20.5


def test_tasks_of_weight_zero_come_last_and_at_random():
    """Each of three tasks misses 1 of 3 draws; all of 40 draws alike has chance below 1e-6."""
    weights, rng = np.array([0.0, 1e-6, 0.0, 1.0, 0.0]), np.random.default_rng(0)
    assert sorted(weighted_b(weights, 2, NONE, rng).tolist()) == [1, 3]
    others = {tuple(sorted(weighted_b(weights, 4, NONE, rng).tolist())) for _ in range(40)}
    assert all({1, 3} < set(ids) for ids in others)
    assert len(others) == 3


@pytest.mark.parametrize("weights", [np.zeros(4), np.ones(4)])
def test_excluded_tasks_are_not_drawn_even_where_all_others_have_no_weight(weights):
    ids = weighted_b(weights, 2, np.array([0, 2]), np.random.default_rng(0))
    assert sorted(ids.tolist()) == [1, 3]

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots import closeness, softmax_b, top_b

CHI_SQUARE_999 = {5: 20.5, 11: 31.3, 19: 43.8}  # upper 0.1 % points: the false-alarm rate accepted


@given(st.lists(st.floats(0, 1), min_size=1, max_size=400), st.data())
def test_no_task_outside_the_batch_is_better_than_one_inside(rates, data):
    utility = closeness(np.array(rates), 0.5)
    size = data.draw(st.integers(1, len(rates)))
    batch = top_b(utility, size, np.random.default_rng(0))
    assert len(set(batch.tolist())) == size
    outside = np.delete(utility, batch)
    assert outside.size == 0 or utility[batch].min() >= outside.max()


@pytest.mark.parametrize("size", [1, 7, 64, 500, 5000])
def test_the_shortlist_never_changes_the_choice(size):
    rng = np.random.default_rng(1)
    for utility in (
        rng.random(5000),
        np.sort(rng.random(5000)),
        np.tile(rng.random(10), 500) + 1e-9 * rng.random(5000),
    ):
        expected = np.sort(np.argsort(utility)[-size:])
        assert np.array_equal(np.sort(top_b(utility, size, rng)), expected)


def test_a_utility_that_is_not_a_number_is_refused():
    with pytest.raises(ValueError, match="1 utilities are NaN"):
        top_b(np.array([0.1, np.nan, 0.3]), 1, np.random.default_rng(0))


def test_ties_are_broken_evenly():
    utility = np.array([1.0, *[0.5] * 20, 0.1])
    rng = np.random.default_rng(2)
    counts = np.zeros(22)
    for _ in range(4000):
        counts[top_b(utility, 6, rng)] += 1
    assert counts[0] == 4000
    assert counts[21] == 0
    expected = 4000 * 5 / 20
    variance = expected * (1 - 5 / 20) * 20 / 19
    assert ((counts[1:21] - expected) ** 2 / variance).sum() < CHI_SQUARE_999[19]


def test_without_ties_no_random_number_is_used():
    rng = np.random.default_rng(3)
    before = rng.bit_generator.state
    top_b(np.arange(100.0), 10, rng)
    assert rng.bit_generator.state == before


@pytest.mark.integration
def test_softmax_draws_tasks_one_after_another_in_proportion():
    utility, temperature, draws = np.array([-0.1, -0.3, -0.5, -0.2]), 0.2, 20_000
    weights = np.exp(utility / temperature)
    chance: dict[frozenset, float] = {}
    for first, second in permutations(range(4), 2):
        pair = weights[first] / weights.sum() * weights[second] / (weights.sum() - weights[first])
        chance[frozenset((first, second))] = chance.get(frozenset((first, second)), 0) + pair
    rng = np.random.default_rng(4)
    counts = dict.fromkeys(chance, 0)
    for _ in range(draws):
        counts[frozenset(softmax_b(utility, 2, temperature, rng).tolist())] += 1
    statistic = sum((counts[k] - draws * chance[k]) ** 2 / (draws * chance[k]) for k in chance)
    assert statistic < CHI_SQUARE_999[5]


def test_a_low_temperature_takes_the_best():
    utility = closeness(np.linspace(0, 1, 50), 0.5)
    batch = softmax_b(utility, 10, 1e-6, np.random.default_rng(5))
    assert set(batch.tolist()) == set(top_b(utility, 10, np.random.default_rng(5)).tolist())

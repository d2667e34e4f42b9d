from math import exp, log

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bots import Feedback, Pool
from bots.baselines.bandits.sec import SECSelector

POOL = Pool(np.arange(6), domains_N=["b", "a", "a", "b", "a", "c"])


def sec(**options) -> SECSelector:
    return SECSelector(POOL, np.random.default_rng(0), **options)


def values(selector: SECSelector) -> list[float]:
    return selector.state_dict()["value_K"].round(4).tolist()


def test_three_steps_by_hand():
    selector = sec(learning_rate=0.5)
    selector.update(Feedback([1, 0], [2, 0], [4, 4]))  # |A| is sqrt(3)/2 in a, 0 in b
    assert values(selector) == [0.433, 0, 0]
    selector.update(Feedback([2, 4, 3], [4, 1, 1], [4, 4, 2]))  # a: 0 and 3/4; b: sqrt(1/2)
    assert values(selector) == [0.404, 0.3536, 0]
    selector.update(Feedback([1, 2], [2, 0], [4, 12]))  # a: 4 rollouts of sqrt(3)/2, 12 of 0
    assert values(selector) == [0.3103, 0.3536, 0]


def test_domains_are_drawn_by_the_softmax_and_tasks_uniformly():
    """Chi-square with 5 degrees of freedom, false-alarm rate 0.1 %."""
    selector, counts = sec(temperature=0.4), np.zeros(6)
    selector.update(Feedback([1, 0], [2, 1], [4, 2]))
    weights = [exp(0.5 * 0.75**0.5 / 0.4), exp(0.5 * 0.5**0.5 / 0.4), 1.0]
    a, b, c = (weight / sum(weights) for weight in weights)
    expected = 6000 * np.array([b / 2, a / 3, a / 3, b / 2, a / 3, c])
    for _ in range(6000):
        counts[selector.select(1)] += 1
    assert ((counts - expected) ** 2 / expected).sum() < 20.5
    entropy = -(a * log(a) + b * log(b) + c * log(c))
    assert_allclose(selector.metrics()["sec/entropy"], entropy)


def test_learning_rate_one_keeps_the_last_reward_and_zero_nothing():
    for rate, kept in ((1.0, 0.75), (0.0, 0.0)):
        selector = sec(learning_rate=rate)
        selector.update(Feedback([5], [2], [4]))
        selector.update(Feedback([5], [1], [4]))
        assert values(selector) == [0, 0, kept]


def test_a_cold_temperature_takes_the_best_domain_until_it_is_used_up():
    selector = sec(temperature=1e-6)
    selector.update(Feedback([0, 1], [1, 1], [2, 8]))
    assert set(selector.select(2).tolist()) == {0, 3}
    assert set(selector.select(5).tolist()) == {0, 1, 2, 3, 4}
    assert set(selector.select(3, np.array([0, 3])).tolist()) == {1, 2, 4}
    assert set(selector.select(1, np.array([0, 1, 2, 3, 4])).tolist()) == {5}


def test_a_pool_without_domains_is_refused():
    with pytest.raises(ValueError, match="domains and the pool has none"):
        SECSelector(Pool.numbered(4), np.random.default_rng(0))


@pytest.mark.parametrize(
    "options", [{"learning_rate": 1.1}, {"learning_rate": -0.1}, {"temperature": 0.0}]
)
def test_impossible_options_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        sec(**options)

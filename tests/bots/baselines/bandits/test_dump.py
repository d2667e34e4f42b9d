from math import exp, log, sqrt
from statistics import mean

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bots import Feedback, Pool
from bots.baselines.bandits.dump import DUMPSelector

POOL = Pool(np.arange(6), domains_N=[0, 0, 1, 1, 2, 2])


def dump(**options) -> DUMPSelector:
    return DUMPSelector(POOL, np.random.default_rng(0), **options)


def figures(windows: list[list[float]], seen: list[int], tau: float) -> dict[str, float]:
    means = [mean(window) if window else 0.0 for window in windows]
    bonuses = [sqrt(2 * log(max(sum(seen), 1) + 1) / (own + 1)) for own in seen]
    weights = [exp((m + bonus) / tau) for m, bonus in zip(means, bonuses, strict=True)]
    shares = [weight / sum(weights) for weight in weights]
    return {
        "dump/advantage": mean(means),
        "dump/bonus": mean(bonuses),
        "dump/entropy": -sum(share * log(share) for share in shares),
    }


def check(selector: DUMPSelector, *expected) -> None:
    for name, value in figures(*expected).items():
        assert_allclose(selector.metrics()[name], value, err_msg=name)


def test_three_steps_by_hand():
    selector, half = dump(window=6, temperature=0.5), sqrt(3) / 2
    check(selector, [[], [], []], [0, 0, 0], 0.5)
    selector.update(Feedback([0, 2], [2, 0], [4, 4]))
    check(selector, [[half] * 4, [0.0] * 4, []], [4, 4, 0], 0.5)
    selector.update(Feedback([1, 4], [1, 1], [4, 2]))
    check(selector, [[half] * 2 + [0.75] * 4, [0.0] * 4, [sqrt(0.5)] * 2], [8, 4, 2], 0.5)
    selector.update(Feedback([0, 1], [0, 2], [4, 4]))
    check(selector, [[0.0] * 2 + [half] * 4, [0.0] * 4, [sqrt(0.5)] * 2], [16, 4, 2], 0.5)


def test_a_group_larger_than_the_window_fills_it():
    selector = dump(window=3)
    selector.update(Feedback([0, 0, 5], [4, 1, 2], [4, 5, 100]))
    merged = 2 * sqrt(5 / 9 * 4 / 9 * 8 / 9)
    rare = 2 * sqrt(0.02 * 0.98 * 0.99)
    check(selector, [[merged] * 3, [], [rare] * 3], [9, 0, 100], 0.1)


def test_a_feedback_larger_than_the_window_is_sampled_evenly():
    """Ids rise with difficulty: half of the groups have mean |A| of sqrt(3) / 2, the others 0.

    A window holds 10 of 100 groups: its mean has a standard deviation of 0.13 about 0.43, and the
    mean of 200 such of 0.01; five of them is a false alarm in a million.
    """
    pool = Pool(np.arange(100), domains_N=np.zeros(100, dtype=int))
    selector = DUMPSelector(pool, np.random.default_rng(0), window=40)
    means = []
    for _ in range(200):
        selector.update(Feedback(range(100), [2] * 50 + [0] * 50, [4] * 100))
        means.append(selector.metrics()["dump/advantage"])
    assert abs(mean(means) - sqrt(3) / 4) < 0.05
    assert max(means) > min(means)


def test_domains_never_sampled_come_first_and_the_bonus_vanishes():
    selector = dump()
    selector.update(Feedback([0, 2], [8, 8], [16, 16]))
    assert set(selector.select(2).tolist()) == {4, 5}
    for _ in range(300):
        selector.update(Feedback([0, 2, 4], [8, 2, 0], [16, 16, 16]))
    assert selector.metrics()["dump/bonus"] < 0.07
    assert set(selector.select(2).tolist()) <= {0, 1, 2, 3}


def test_exploration_zero_goes_by_the_advantage_alone():
    selector = dump(exploration=0.0, temperature=1e-3)
    selector.update(Feedback([2], [2], [4]))
    assert set(selector.select(2).tolist()) == {2, 3}
    assert selector.metrics()["dump/bonus"] == 0


def test_excluded_domains_leave_their_places_to_the_others():
    selector = dump(exploration=0.0, temperature=1e-6)
    selector.update(Feedback([2, 4], [2, 1], [4, 4]))
    assert set(selector.select(2, np.array([2, 3])).tolist()) == {4, 5}
    assert set(selector.select(3, np.array([2])).tolist()) == {3, 4, 5}


def test_a_pool_without_domains_is_refused():
    with pytest.raises(ValueError, match="arms of dump are domains"):
        DUMPSelector(Pool.numbered(4), np.random.default_rng(0))


@pytest.mark.parametrize("options", [{"window": 0}, {"temperature": 0.0}, {"exploration": -1.0}])
def test_impossible_options_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        dump(**options)

from statistics import mean, stdev

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bots import Pool
from bots.baselines.bandits.advantage import mean_absolute_advantage
from bots.baselines.bandits.arms import Arms, by_domain, share_out

NONE = np.empty(0, dtype=np.int64)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("size", [2, 3, 8, 16])
def test_mean_absolute_advantage_is_that_of_the_rewards(size):
    for solved in range(1, size):
        rewards = [1.0] * solved + [0.0] * (size - solved)
        advantages = [(reward - mean(rewards)) / stdev(rewards) for reward in rewards]
        expected = mean(abs(advantage) for advantage in advantages)
        found = mean_absolute_advantage(np.array([float(solved)]), np.array([float(size)]))
        assert_allclose(found, expected)


def test_groups_of_one_kind_or_of_one_rollout_have_no_advantage():
    solved, trials = np.array([0.0, 5.0, 1.0, 0.3]), np.array([5.0, 5.0, 1.0, 0.5])
    assert mean_absolute_advantage(solved, trials).tolist() == [0, 0, 0, 0]


def test_domains_are_arms_in_the_order_of_their_labels():
    arms = by_domain("x", Pool(np.arange(5), domains_N=["b", "a", "c", "a", "b"]))
    assert arms.arm_N.tolist() == [1, 0, 2, 0, 1]
    assert arms.left(np.array([0, 2])).tolist() == [2, 1, 0]


@pytest.mark.integration
def test_tasks_are_drawn_uniformly_within_arms():
    """Chi-square with 5 degrees of freedom for the larger arm, false-alarm rate 0.1 %."""
    arms, counts, source = Arms(np.array([0, 1, 1, 1, 1, 1, 1, 1]), 2), np.zeros(8), rng()
    for _ in range(6000):
        counts[arms.draw(np.array([1, 2]), np.array([3]), source)] += 1
    assert counts[[0, 3]].tolist() == [6000, 0]
    variance = 2000 * (1 - 2 / 6) * 6 / 5
    assert ((counts[[1, 2, 4, 5, 6, 7]] - 2000) ** 2 / variance).sum() < 20.5


def test_a_batch_is_shared_in_proportion_to_exp_logit():
    """Within 4.4 standard deviations of 3/4, false-alarm rate 1e-5."""
    counts = share_out(np.log([3.0, 1.0]), np.array([10**6, 10**6]), 40_000, rng())
    assert counts.sum() == 40_000
    assert abs(counts[0] - 30_000) < 4.4 * np.sqrt(40_000 * 3 / 16)


def test_places_of_an_empty_arm_go_to_the_others_in_proportion():
    """Within 4.4 standard deviations of 2/3, false-alarm rate 1e-5."""
    logits = np.array([900.0, np.log(2), 0.0])
    counts = share_out(logits, np.array([7, 10**6, 10**6]), 30_007, rng())
    assert counts[0] == 7
    assert counts.sum() == 30_007
    assert abs(counts[1] - 20_000) < 4.4 * np.sqrt(30_000 * 2 / 9)


def test_a_batch_of_everything_takes_all_tasks_of_all_arms():
    left = np.array([3, 0, 1, 2])
    counts = share_out(np.array([0.0, 1e6, -1e6, 5.0]), left, 6, rng())
    assert_array_equal(counts, left)
    arms = Arms(np.array([0, 0, 0, 2, 3, 3]), 4)
    assert sorted(arms.draw(counts, NONE, rng())) == list(range(6))

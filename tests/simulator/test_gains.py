"""Gain laws against policies whose gradients are worked out rollout by rollout."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from simulator.gains import GAIN_LAWS, expected_weights, score_slope

SIZE = 8


def advantages(gain: str, rewards_MG: np.ndarray) -> np.ndarray:
    """Advantages as the cited algorithms define them, scaled as `simulator.gains` says."""
    mean = rewards_MG.mean(axis=1, keepdims=True)
    if gain == "grpo":
        std = rewards_MG.std(axis=1, keepdims=True)
        return (rewards_MG - mean) / np.where(std > 0, std, 1)
    if gain == "drgrpo":
        return 2 * (rewards_MG - mean)
    if gain == "rloo":
        others = (rewards_MG.sum(axis=1, keepdims=True) - rewards_MG) / (SIZE - 1)
        return 2 * (rewards_MG - others)
    return (rewards_MG - mean) / np.where(mean > 0, mean, 1)


@pytest.mark.parametrize("gain", ["grpo", "drgrpo", "rloo", "maxrl"])
@pytest.mark.parametrize("rate", [0.05, 0.3, 0.5, 0.9])
def test_the_expected_gradient_of_a_sampled_group_is_the_closed_form(gain, rate):
    """The policy succeeds with logit l, so d log pi(i) / dl = r_i - p.

    40,000 groups; equality within five standard errors, false-alarm rate 6e-7 per case.
    """
    rewards = (np.random.default_rng(0).random((40_000, SIZE)) < rate).astype(float)
    gradients = (advantages(gain, rewards) * (rewards - rate)).mean(axis=1)
    closed = expected_weights(gain, np.array([rate]), SIZE)[0]
    assert abs(gradients.mean() - closed) < 5 * gradients.std() / np.sqrt(40_000) + 1e-4


@pytest.mark.parametrize("gain", ["grpo", "drgrpo", "rloo", "maxrl"])
def test_given_its_mean_a_binary_group_has_exactly_its_weight(gain):
    """The mean over i of A_i (r_i - p) does not depend on p once the rewards are known."""
    for successes in range(SIZE + 1):
        rewards = np.repeat([1.0, 0.0], [successes, SIZE - successes])[None, :]
        exact = (advantages(gain, rewards) * (rewards - 0.37)).mean()
        mean, size = np.array([successes / SIZE]), np.array([float(SIZE)])
        assert_allclose(GAIN_LAWS[gain](mean, mean * (1 - mean), size), exact, atol=1e-12)


@pytest.mark.parametrize("gain", GAIN_LAWS)
def test_groups_that_are_all_alike_weigh_nothing(gain):
    mean, none = np.array([0.0, 1.0, 0.4]), np.zeros(3)
    assert not GAIN_LAWS[gain](mean, none, np.full(3, 8.0)).any()


@pytest.mark.parametrize("gain", GAIN_LAWS)
def test_every_law_gives_a_half_solved_task_a_weight_of_one_half(gain):
    half = np.array([0.5])
    weight = GAIN_LAWS[gain](half, half * half, np.array([1e9]))
    assert weight[0] == pytest.approx(0.5, rel=1e-6)


def test_the_laws_prefer_different_tasks():
    """The best solve rate is below one half under MaxRL and the hard law, at it under GRPO."""
    rates = np.linspace(0.01, 0.99, 99)
    best = {gain: rates[expected_weights(gain, rates, 16).argmax()] for gain in GAIN_LAWS}
    assert best["grpo"] == best["drgrpo"] == best["rloo"] == pytest.approx(0.5)
    assert best["hard"] < best["maxrl"] < 0.3
    informative = expected_weights("transfer", rates, 16)
    assert_allclose(informative, 0.5 * (1 - rates**16 - (1 - rates) ** 16), atol=1e-4)


@pytest.mark.integration
@pytest.mark.parametrize("correlation", [0.0, 0.3])
def test_rewards_in_parts_push_as_the_regression_of_scores_on_rewards_says(correlation):
    """Dr. GRPO's expected update is the gradient of the expected reward, up to (1 - 1 / n)."""
    rate, tests = 0.3, 10
    closed = expected_weights("drgrpo", np.array([rate]), SIZE, tests, correlation)[0]
    assert closed == pytest.approx(2 * (1 - 1 / SIZE) * rate * (1 - rate), rel=0.02)


def test_the_score_slope_is_that_of_a_linear_regression():
    """Against the scores of a beta-binomial law, by numerical differentiation of its logarithm."""
    from math import comb, lgamma

    tests, correlation, rate, small = 4, 0.3, 0.4, 1e-6

    def log_probability(count: int, p: float) -> float:
        a, b = p * (1 - correlation) / correlation, (1 - p) * (1 - correlation) / correlation
        beta = lgamma(count + a) + lgamma(tests - count + b) - lgamma(tests + a + b)
        return np.log(comb(tests, count)) + beta - lgamma(a) - lgamma(b) + lgamma(a + b)

    counts = np.arange(tests + 1)
    chance = np.exp([log_probability(int(c), rate) for c in counts])
    scores = [
        (log_probability(int(c), rate + small) - log_probability(int(c), rate - small)) / 2 / small
        for c in counts
    ]
    scores = np.array(scores) * rate * (1 - rate)
    reward = counts / tests - rate
    slope = (chance * reward * scores).sum() / (chance * reward**2).sum()
    assert slope == pytest.approx(score_slope(tests, correlation), rel=1e-4)

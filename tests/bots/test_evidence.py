import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots import RolloutBatch
from bots.evidence import MOST_INFORMATION, information


def evidence(rewards_BG):
    rewards_BG = np.asarray(rewards_BG, dtype=float)
    batch = RolloutBatch(np.arange(len(rewards_BG)), rewards_BG)
    return batch.feedback(success_threshold=None).evidence()


def passed(tests, groups, size, seed):
    """Shares of independent tests passed, at solve rates that differ between tasks."""
    rng = np.random.default_rng(seed)
    rates = rng.uniform(0.1, 0.9, (groups, 1))
    return rng.binomial(tests, rates, (groups, size)) / tests


@given(st.lists(st.lists(st.integers(0, 1), min_size=5, max_size=5), min_size=1, max_size=9))
def test_rewards_of_0_and_1_are_worth_one_trial_exactly(rewards_BG):
    bernoulli, observed = evidence(rewards_BG).variance_sums
    assert bernoulli == observed
    assert evidence(rewards_BG).information == 1


@pytest.mark.parametrize("tests", [1, 2, 4, 8])
@pytest.mark.parametrize("size", [2, 4, 16])
def test_the_mean_of_independent_tests_is_worth_as_many_trials(tests, size):
    """5 standard errors of the ratio of 20,000 groups: 12 cases, false alarms below 1e-5."""
    found = evidence(passed(tests, 20_000, size, seed=tests + size)).information
    error = tests * 5 * np.sqrt(2 / (20_000 * (size - 1)))
    assert found == pytest.approx(tests, abs=error)


def test_a_scaled_posterior_has_the_width_of_the_mean_reward():
    """Over 4,000 measurements at one solve rate; within 10 %, a standard error being 2.2 %."""
    rng, tests, size = np.random.default_rng(0), 4, 32
    rewards_BG = rng.binomial(tests, 0.4, (4_000, size)) / tests
    worth, sums_B = evidence(rewards_BG).information, rewards_BG.sum(axis=1)
    alpha_B, beta_B = worth * sums_B, worth * (size - sums_B)
    total_B = alpha_B + beta_B
    believed = np.mean(alpha_B * beta_B / (total_B**2 * (total_B + 1)))
    assert believed == pytest.approx(np.var(sums_B / size), rel=0.1)


def test_rewards_without_variance_are_worth_the_most():
    assert evidence([[0.5, 0.5], [0.25, 0.25]]).information == MOST_INFORMATION


@pytest.mark.parametrize("rewards_BG", [[[0.5], [0.2]], [[1, 1], [0, 0]], [[np.nan, np.nan]]])
def test_where_no_variance_shows_a_reward_is_worth_one_trial(rewards_BG):
    assert evidence(rewards_BG).information == 1


def test_single_rollouts_say_nothing_about_the_variance():
    rewards_BG = passed(3, 20, 4, seed=0)
    singles = np.full((9, 4), np.nan)
    singles[:, 0] = 0.5
    both = evidence(np.vstack([rewards_BG, singles])).variance_sums
    assert both == pytest.approx(evidence(rewards_BG).variance_sums)


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=6))
def test_information_is_bounded_for_any_rewards(rewards_BG):
    assert 1 <= evidence(rewards_BG).information <= MOST_INFORMATION


def test_sums_of_several_feedbacks_give_the_ratio_of_all():
    rewards_BG = passed(4, 60, 8, seed=1)
    parts = [evidence(part).variance_sums for part in np.split(rewards_BG, 3)]
    together = information(*np.sum(parts, axis=0))
    assert together == pytest.approx(evidence(rewards_BG).information)

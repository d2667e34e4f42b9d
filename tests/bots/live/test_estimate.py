import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from bots.live.choice.inclusion import inclusion_probabilities, window_probability
from bots.live.estimate import Estimate, Smoothed, pool_mean

TASKS, BATCH, GROUP, TARGET, REPLICATIONS = 400, 40, 16, 0.5, 3000


def replicate(alpha_N, beta_N, true_N, uniform: int, rng) -> list[Estimate]:
    """Selection in plain words, again and again from the same belief, and what is made of it."""
    by_rank, estimates, predicted_N = BATCH - uniform, [], alpha_N / (alpha_N + beta_N)
    for _ in range(REPLICATIONS):
        rank_N = np.abs(rng.beta(alpha_N, beta_N) - TARGET)
        order_N = np.argsort(rank_N)
        floor = rng.choice(order_N[by_rank:], uniform, replace=False)
        chosen_B, by_rank_B = np.append(order_N[:by_rank], floor), np.arange(BATCH) < by_rank
        tau_B = rank_N[order_N[by_rank - 1 + by_rank_B]]
        chance_B = window_probability(alpha_N[chosen_B], beta_N[chosen_B], TARGET, tau_B)
        pi_B = inclusion_probabilities(chance_B, by_rank_B, uniform, TASKS, by_rank)
        rates_B = rng.binomial(GROUP, true_N[chosen_B]) / GROUP
        estimates.append(pool_mean(rates_B, predicted_N[chosen_B], pi_B, predicted_N.mean(), TASKS))
    return estimates


def assert_unbiased(estimates: list[Estimate], truth: float) -> None:
    """A z-test at 4 standard errors: a false alarm once in 16,000 seeds."""
    means = np.array([estimate.mean for estimate in estimates])
    assert abs(means.mean() - truth) < 4 * means.std() / np.sqrt(means.size)


def coverage(estimates: list[Estimate], truth: float) -> float:
    intervals = np.array([estimate.interval() for estimate in estimates])
    return float(((intervals[:, 0] <= truth) & (truth <= intervals[:, 1])).mean())


def belief(rng, low: float, high: float, counts: float):
    mean_N = rng.uniform(low, high, TASKS)
    return counts * mean_N, counts * (1 - mean_N)


@pytest.mark.integration
def test_the_pool_s_mean_is_estimated_without_bias_and_with_honest_intervals():
    rng = np.random.default_rng(0)
    alpha_N, beta_N = belief(rng, 0.05, 0.95, 12.0)
    true_N = rng.beta(alpha_N, beta_N)
    estimates = replicate(alpha_N, beta_N, true_N, 8, rng)
    assert_unbiased(estimates, true_N.mean())
    assert 0.92 <= coverage(estimates, true_N.mean()) <= 0.98


@pytest.mark.integration
def test_a_wrong_belief_costs_precision_and_not_truth():
    rng = np.random.default_rng(1)
    alpha_N, beta_N = belief(rng, 0.05, 0.95, 12.0)
    true_N = rng.beta(beta_N, alpha_N) * 0.7
    estimates = replicate(alpha_N, beta_N, true_N, 8, rng)
    assert abs((alpha_N / 12).mean() - true_N.mean()) > 0.1
    assert_unbiased(estimates, true_N.mean())
    assert coverage(estimates, true_N.mean()) >= 0.92


@pytest.mark.integration
def test_sharp_beliefs_without_a_floor_leave_it_unbiased():
    rng = np.random.default_rng(2)
    alpha_N, beta_N = belief(rng, 0.38, 0.62, 60.0)
    true_N = rng.beta(alpha_N, beta_N) - 0.1
    assert_unbiased(replicate(alpha_N, beta_N, true_N, 0, rng), true_N.mean())


def test_uniform_choices_alone_give_the_classical_difference_estimator():
    rates, predicted = np.array([0.1, 0.9, 0.4]), np.array([0.2, 0.5, 0.5])
    estimate = pool_mean(rates, predicted, np.full(3, 3 / 30), 0.45, 30)
    assert_allclose(estimate.mean, 0.45 + (rates - predicted).mean())
    assert_allclose(estimate.standard_error**2, 0.9 * ((rates - predicted) ** 2).mean() / 3)


def test_a_batch_of_all_tasks_leaves_nothing_to_chance():
    rates = np.array([0.1, 0.9])
    estimate = pool_mean(rates, [0.3, 0.2], np.ones(2), 0.25, 2)
    assert estimate.mean == pytest.approx(rates.mean())
    assert estimate.standard_error == 0


def test_a_belief_that_proves_right_is_confirmed():
    assert pool_mean([0.25], [0.25], [0.1], 0.6, 9) == Estimate(0.6, 0.0)


def test_a_wider_level_gives_a_wider_interval():
    low, high = Estimate(0.4, 0.1).interval(0.99)
    assert_allclose([low, high], [0.4 - 0.2575829, 0.4 + 0.2575829], rtol=1e-6)
    with pytest.raises(ValueError, match="level is 1"):
        Estimate(0.4, 0.1).interval(1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], [], [], 0.5, 9), "skip the call"),
        (([0.5], [0.5, 0.5], [0.1], 0.5, 9), "2 predictions"),
        (([0.5], [0.5], [0.0], 0.5, 9), "coverage floor"),
        (([np.nan], [0.5], [0.1], 0.5, 9), "finite"),
        (([0.5, 0.5], [0.5, 0.5], [0.1, 0.1], 0.5, 1), "num_tasks"),
        (([0.5], [0.5], [0.1], 1.5, 9), "predicted_mean"),
    ],
)
def test_contradictory_input_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        pool_mean(*arguments)


def test_equal_errors_give_the_exponentially_weighted_mean():
    curve, means = Smoothed(0.8), np.array([0.1, 0.7, 0.3, 0.4])
    for mean in means:
        value = curve.observe(Estimate(mean, 0.2))
    weights = 0.8 ** np.arange(4)[::-1]
    assert_allclose(value.mean, weights @ means / weights.sum())
    assert_allclose(value.standard_error, 0.2 * np.sqrt(weights @ weights) / weights.sum())


def test_without_momentum_the_curve_is_the_latest_estimate():
    curve = Smoothed(0.0)
    curve.observe(Estimate(0.9, 0.3))
    value = curve.observe(Estimate(0.2, 0.1))
    assert_allclose([value.mean, value.standard_error], [0.2, 0.1])


@given(st.lists(st.tuples(st.floats(-1, 2), st.floats(0, 1)), min_size=1))
def test_the_curve_stays_between_the_estimates(pairs):
    curve = Smoothed(0.9)
    for mean, error in pairs:
        value = curve.observe(Estimate(mean, error))
    means = [mean for mean, _ in pairs]
    assert min(means) - 1e-9 <= value.mean <= max(means) + 1e-9
    assert 0 <= value.standard_error <= max(error for _, error in pairs) * (1 + 1e-9) + 1e-100


@pytest.mark.integration
def test_rare_surprises_hardly_bias_the_curve():
    # Estimates are 0 with a small error, or 10 with a large one, and 1 on average. Weights from
    # each estimate's own error would settle near 0.001. The mean of 400 curves has a standard
    # error of 0.016; the bias itself is 0.1.
    rng, ends = np.random.default_rng(0), []
    for _ in range(400):
        curve = Smoothed(0.98)
        for surprise in rng.random(300) < 0.1:
            value = curve.observe(Estimate(10.0, 10.0) if surprise else Estimate(0.0, 0.1))
        ends.append(value.mean)
    assert abs(np.mean(ends) - 1) < 0.2


def test_a_resumed_curve_continues_bit_for_bit():
    whole, first = Smoothed(), Smoothed()
    for curve in (whole, first):
        curve.observe(Estimate(0.3, 0.1))
    second = Smoothed()
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert second.metrics() == whole.metrics()
    assert second.observe(Estimate(0.5, 0.2)) == whole.observe(Estimate(0.5, 0.2))
    assert whole.metrics()["pool/mean"] != 0.3


def test_there_is_no_curve_before_the_first_estimate():
    assert np.isnan(list(Smoothed().metrics().values())).all()
    fresh = Smoothed()
    fresh.load_state_dict(Smoothed().state_dict())
    assert fresh.observe(Estimate(0.5, 0.1)).mean == pytest.approx(0.5)


@pytest.mark.parametrize(
    "damage",
    [{"steps": -1.0}, {"weight": np.nan}, {"weight": 0.0}, {"steps": 0.0}, {"more": 1.0}],
)
def test_damaged_state_is_refused_and_changes_nothing(damage):
    curve = Smoothed()
    curve.observe(Estimate(0.3, 0.1))
    before = curve.state_dict()
    with pytest.raises(ValueError, match=r"steps|weight"):
        curve.load_state_dict({**before, **damage})
    assert curve.state_dict() == before


def test_an_impossible_estimate_is_refused_and_changes_nothing():
    curve = Smoothed()
    for estimate in (Estimate(np.nan, 0.1), Estimate(0.5, -1.0), Estimate(0.5, np.inf)):
        with pytest.raises(ValueError, match="finite"):
            curve.observe(estimate)
    assert curve.state_dict() == Smoothed().state_dict()


@pytest.mark.parametrize("name", ["variances", "weighted", "spread"])
def test_sums_without_a_step_are_refused(name):
    state = Smoothed().state_dict()
    Smoothed().load_state_dict(state)
    with pytest.raises(ValueError, match="damaged"):
        Smoothed().load_state_dict(state | {name: 1.0})

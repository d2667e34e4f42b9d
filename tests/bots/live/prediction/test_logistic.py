import numpy as np
import pytest
from numpy.testing import assert_allclose

from bots.live.prediction.logistic import Counts, excess, fitted, shrinkage, sigmoid


def counts_of(rng, parameters_P, residual=0.0, size=400, trials=16):
    x_UP = np.column_stack([np.ones(size), rng.normal(size=(size, parameters_P.size - 1))])
    logits_U = x_UP @ parameters_P + residual * rng.normal(size=size)
    return Counts(
        x_UP, rng.binomial(trials, sigmoid(logits_U)) / trials, np.full(size, float(trials))
    )


def test_without_a_residual_the_mode_solves_the_posterior_s_equation():
    rng = np.random.default_rng(0)
    counts = counts_of(rng, np.array([-0.5, 1.0, 0.2]))
    before_P, covariance_PP = np.array([0.1, 0.5, 0.0]), np.diag([1.0, 0.25, 0.04])
    mean_P, after_PP = fitted(before_P, covariance_PP, counts, 0.0)
    expected_U = sigmoid(counts.x_UP @ mean_P)
    score_P = counts.x_UP.T @ (counts.trials_U * (counts.rates_U - expected_U))
    assert_allclose(score_P, np.linalg.solve(covariance_PP, mean_P - before_P), atol=1e-5)
    weight_U = counts.trials_U * expected_U * (1 - expected_U)
    information_PP = counts.x_UP.T @ (weight_U[:, None] * counts.x_UP)
    assert_allclose(
        np.linalg.inv(after_PP), np.linalg.inv(covariance_PP) + information_PP, rtol=1e-3
    )


@pytest.mark.parametrize("solved", [0.0, 1.0])
def test_a_belief_far_off_comes_back_instead_of_being_thrown_beyond(solved):
    ones_UP, mean_P, covariance_PP = np.ones((64, 1)), np.array([12.0]), np.eye(1) * 4
    for _ in range(20):
        counts = Counts(ones_UP, np.full(64, 0.25 + solved / 2), np.full(64, 16.0))
        mean_P, covariance_PP = fitted(mean_P, covariance_PP + 0.01, counts, 0.0)
        assert abs(mean_P[0]) <= 12
    assert sigmoid(mean_P)[0] == pytest.approx(0.25 + solved / 2, abs=0.01)


def test_many_trials_of_a_task_tell_no_more_than_its_residual_allows():
    counts = Counts(np.ones((1, 1)), np.array([0.5]), np.array([1e9]))
    _, covariance_PP = fitted(np.zeros(1), np.eye(1) * 1e6, counts, 2.25)
    assert covariance_PP[0, 0] == pytest.approx(2.25, rel=1e-4)


def test_the_shrunk_logit_is_near_the_mean_over_the_residual():
    nodes, weights = np.polynomial.hermite_e.hermegauss(81)
    for variance in (0.1, 1.0, 4.0):
        for mean in (-3.0, 0.0, 1.0):
            exact = sigmoid(mean + np.sqrt(variance) * nodes) @ weights / weights.sum()
            near = sigmoid(np.array(mean * shrinkage(variance)))
            assert near == pytest.approx(exact, abs=0.02)


@pytest.mark.parametrize("trials", [4, 16])
@pytest.mark.parametrize("residual", [0.5, 1.0])
def test_the_excess_finds_the_residual_where_the_fit_is_right(residual, trials):
    # Over 20 other seeds the largest relative error of the four was 0.15.
    rng = np.random.default_rng(0)
    sums = np.zeros(2)
    for _ in range(40):
        counts = counts_of(rng, np.array([0.3, 0.5]), residual, trials=trials)
        belief = fitted(np.zeros(2), np.eye(2), counts, residual**2)
        sums += excess(*belief, counts, residual**2)
    assert sums[0] / sums[1] == pytest.approx(residual**2, rel=0.2)


def test_what_a_fit_takes_up_of_its_residuals_is_given_back():
    counts = Counts(np.ones((2, 1)), np.array([0.25, 0.75]), np.full(2, 8.0))
    sure = excess(np.zeros(1), np.zeros((1, 1)), counts, 1.0)
    unsure = excess(np.zeros(1), np.full((1, 1), 0.5), counts, 1.0)
    assert_allclose(unsure[0] - sure[0], 0.5 * sure[1] / (1 - 1 / 8), rtol=1e-12)
    assert unsure[1] == sure[1]

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bots import Feedback, Pool
from bots.baselines.predictors.logistic import LogisticSelector, laplace


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def pool_of(num_tasks: int = 300) -> Pool:
    return Pool(np.arange(num_tasks), features_ND=rng(5).normal(size=(num_tasks, 3)))


def naive_one_dimension(mean, precision, successes, trials):
    """The maximum by bisection of its slope."""
    low, high = -50.0, 50.0
    for _ in range(200):
        middle = (low + high) / 2
        p = 1 / (1 + math.exp(-middle))
        if successes - trials * p - precision * (middle - mean) > 0:
            low = middle
        else:
            high = middle
    p = 1 / (1 + math.exp(-low))
    return low, precision + trials * p * (1 - p)


def test_three_steps_against_bisection():
    """A constant feature leaves the intercept alone, so all can be followed in one dimension."""
    selector = LogisticSelector(
        Pool(["a", "b"], features_ND=[[1.0], [1.0]]), rng(), forgetting=0.2, correlation=0.5
    )
    mean, precision, prior = 0.0, 0.25, 0.25
    for successes, trials in [((4, 3), (4, 4)), ((0, 3), (4, 4)), ((16, 16), (16, 16))]:
        selector.update(Feedback([0, 1], successes, trials))
        weight = 1 / (1 + 0.5 * (trials[0] - 1))
        faded = 0.8 * precision + 0.2 * prior
        start = 0.8 * precision * mean / faded
        mean, precision = naive_one_dimension(
            start, faded, weight * sum(successes), weight * sum(trials)
        )
        assert_allclose(selector.solve_rates(), 1 / (1 + math.exp(-mean)), rtol=1e-6)
        assert_allclose(selector.metrics()["posterior/sd"] ** 2, 1 / precision + 4, rtol=1e-4)


@pytest.mark.parametrize("start", [0.0, 15.0, -40.0])
def test_the_maximum_is_found_from_far_away(start):
    mean, precision = laplace(
        np.array([start]), np.array([[1e-4]]), np.ones((1, 1)), np.array([30.0]), np.array([40.0])
    )
    expected = naive_one_dimension(start, 1e-4, 30, 40)
    assert_allclose([mean[0], precision[0, 0]], expected, rtol=1e-5)


def test_the_belief_is_a_stationary_point_with_its_own_curvature():
    x, n = rng(1).normal(size=(20, 3)), np.full(20, 6.0)
    s, prior, centre = rng(2).binomial(6, 0.7, 20), np.diag([1.0, 2.0, 0.5]), np.array([1.0, 0, -1])
    mean, precision = laplace(centre, prior, x, s.astype(float), n)
    p = 1 / (1 + np.exp(-x @ mean))
    assert_allclose(x.T @ (s - n * p), prior @ (mean - centre), atol=1e-4)
    by_hand = prior + sum(n[i] * p[i] * (1 - p[i]) * np.outer(x[i], x[i]) for i in range(20))
    assert_allclose(precision, by_hand, rtol=1e-6)


def test_forgetting_everything_leaves_the_last_feedback_alone():
    fresh, old = (LogisticSelector(pool_of(), rng(), forgetting=1.0) for _ in range(2))
    old.update(Feedback([5, 6], [8, 0], [8, 8]))
    for selector in (fresh, old):
        selector.update(Feedback([7, 8], [1, 6], [8, 8]))
    assert_allclose(old.solve_rates(), fresh.solve_rates())


def test_never_forgetting_sharpens_and_forgetting_levels_off():
    sds = {}
    for forgetting in (0.0, 0.3):
        selector, draws = LogisticSelector(pool_of(), rng(), forgetting=forgetting), rng(1)
        sds[forgetting] = []
        for _ in range(60):
            ids = draws.choice(300, 16, replace=False)
            selector.update(Feedback(ids, draws.binomial(8, 0.5, 16), np.full(16, 8)))
            sds[forgetting].append(selector.metrics()["posterior/sd"])
    assert sds[0.0][59] < 0.75 * sds[0.0][29]
    assert_allclose(sds[0.3][59], sds[0.3][29], rtol=0.15)


def test_full_correlation_counts_a_group_as_one_rollout():
    large, small = (LogisticSelector(pool_of(), rng(), correlation=1.0) for _ in range(2))
    large.update(Feedback([5, 6], [12, 4], [16, 16]))
    small.update(Feedback([5, 6], [3, 1], [4, 4]))
    assert_allclose(large.solve_rates(), small.solve_rates())


def test_draws_follow_the_belief():
    """Means and covariance of 4000 draws; each bound is 4 standard errors, 20 numbers: 0.2 %."""
    selector = LogisticSelector(pool_of(), rng())
    selector.update(Feedback(np.arange(30), rng(1).binomial(8, 0.3, 30), np.full(30, 8)))
    draws = np.array([selector._drawn() for _ in range(4000)])
    covariance = np.linalg.inv(selector._precision_EE)
    sd = np.sqrt(np.diag(covariance))
    assert (np.abs(draws.mean(axis=0) - selector._mean_E) < 4 * sd / np.sqrt(4000)).all()
    error = np.abs(np.cov(draws.T) - covariance) / np.outer(sd, sd)
    assert (error < 4 * np.sqrt(2 / 4000)).all()


def test_without_draws_and_diversity_it_takes_the_nearest():
    selector = LogisticSelector(pool_of(), rng(), diversity=0.0, thompson=False)
    selector.update(Feedback([5, 6, 7], [8, 0, 8], [8, 8, 8]))
    off = np.abs(selector.solve_rates() - 0.5)
    gone = np.argsort(off)[:3]
    assert sorted(selector.select(6, gone)) == sorted(np.argsort(off)[3:9])


def test_it_predicts_tasks_that_were_never_tried():
    """It sees a third of the tasks; the error of a coin is about 0.25."""
    x = pool_of().features_ND
    assert x is not None
    truth = 1 / (1 + np.exp(-1.5 * x[:, 0] + x[:, 1]))
    selector, draws = LogisticSelector(pool_of(), rng()), rng(1)
    for _ in range(30):
        ids = draws.choice(100, 32, replace=False)
        selector.update(Feedback(ids, draws.binomial(16, truth[ids]), np.full(32, 16)))
    assert np.abs(selector.solve_rates() - truth)[100:].mean() < 0.05


def test_only_the_embedding_is_charged():
    selector = LogisticSelector(pool_of(), rng())
    selector.select(10)
    assert selector.forward_passes() == 300

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bots import Pool
from bots.baselines.predictors.dots import DOTSSelector
from bots.baselines.predictors.gaussian_process import GaussianProcessSelector
from bots.baselines.predictors.logistic import LogisticSelector
from bots.baselines.predictors.pcl import PCLSelector
from bots.baselines.predictors.prediction import sigmoid, standardised

SELECTORS = [DOTSSelector, GaussianProcessSelector, LogisticSelector, PCLSelector]


def test_features_have_mean_zero_and_rows_of_unit_mean_square():
    raw = np.random.default_rng(0).normal([5, -1, 300], [0.1, 1, 20], (500, 3))
    features = standardised(Pool(np.arange(500), features_ND=raw), "x")
    assert features.dtype == np.float32
    assert_allclose(features.mean(axis=0), 0, atol=1e-5)
    assert_allclose(features.std(axis=0), 1 / np.sqrt(3), rtol=1e-4)


@pytest.mark.parametrize("value", [0.0, 0.1, -3e4])
def test_a_constant_feature_says_nothing(value):
    raw = np.column_stack([np.full(1000, value), np.arange(1000)])
    features = standardised(Pool(np.arange(1000), features_ND=raw), "x")
    assert (features[:, 0] == 0).all()
    assert features[:, 1].std() > 0.5


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_the_unit_of_a_feature_does_not_matter(scale):
    raw = np.random.default_rng(0).normal(size=(50, 2))
    features = [standardised(Pool(np.arange(50), features_ND=x), "x") for x in (raw, raw * scale)]
    assert_allclose(features[1], features[0], rtol=1e-4, atol=1e-6)


def test_the_logistic_function_is_safe_far_out():
    assert_allclose(sigmoid(np.array([-1e4, 0, np.log(3), 1e4])), [0, 0.5, 0.75, 1])


@pytest.mark.parametrize("selector", SELECTORS)
def test_a_pool_without_features_is_refused(selector):
    with pytest.raises(ValueError, match=r"the pool has none: .*features_ND"):
        selector(Pool.numbered(4), np.random.default_rng(0))


@pytest.mark.parametrize("selector", SELECTORS)
def test_a_pool_of_one_task_is_served(selector):
    only = selector(Pool(["a"], features_ND=np.ones((1, 2))), np.random.default_rng(0))
    assert only.select(1).tolist() == [0]
    assert np.isfinite(only.solve_rates()).all()


@pytest.mark.parametrize(
    ("selector", "option"),
    [
        (DOTSSelector, {"period": 0}),
        (DOTSSelector, {"anchors": 0}),
        (DOTSSelector, {"attention": 0.0}),
        (DOTSSelector, {"temperature": 0.0}),
        (GaussianProcessSelector, {"window": 0}),
        (GaussianProcessSelector, {"length": 0.0}),
        (GaussianProcessSelector, {"horizon": -1.0}),
        (GaussianProcessSelector, {"amplitude": 0.0}),
        (GaussianProcessSelector, {"task_sd": -1.0}),
        (LogisticSelector, {"forgetting": 1.1}),
        (LogisticSelector, {"prior_sd": 0.0}),
        (LogisticSelector, {"correlation": -0.1}),
        (LogisticSelector, {"diversity": -0.1}),
        (PCLSelector, {"target": 2.0}),
        (PCLSelector, {"candidate_ratio": 0}),
        (PCLSelector, {"learning_rate": 0.0}),
    ],
)
def test_settings_out_of_range_are_refused(selector, option):
    pool = Pool(["a", "b"], features_ND=np.eye(2))
    with pytest.raises(ValueError, match=next(iter(option))):
        selector(pool, np.random.default_rng(0), **option)

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from bots.logit_sites import sites


@pytest.mark.parametrize(("successes", "trials"), [(0, 8), (3, 8), (8, 8), (1, 2), (7.5, 30.0)])
@pytest.mark.parametrize(("mean", "variance"), [(0.0, 4.0), (-2.0, 1.0), (3.0, 9.0)])
def test_a_site_leads_to_the_moments_of_the_posterior(successes, trials, mean, variance):
    failures = trials - successes
    found = sites(
        np.array([successes]), np.array([failures]), np.array([mean]), np.array([variance])
    )
    logits = np.linspace(mean - 12 * variance**0.5, mean + 12 * variance**0.5, 20_001)
    weight = stats.norm.pdf(logits, mean, variance**0.5)
    weight *= expit(logits) ** successes * expit(-logits) ** failures
    weight /= weight.sum()
    centre = weight @ logits
    spread = weight @ (logits - centre) ** 2
    noise = found.variance_U[0]
    joint = 1 / (1 / variance + 1 / noise)
    assert joint == pytest.approx(spread, rel=2e-2)
    assert joint * (mean / variance + found.value_U[0] / noise) == pytest.approx(centre, abs=2e-2)


def test_no_counts_measure_almost_nothing():
    found = sites(*(np.array([value]) for value in (0.0, 0.0, 1.0, 2.0)))
    assert found.variance_U[0] > 500


@pytest.mark.parametrize("successes", [0.0, 1e4])
def test_sites_stay_finite_far_from_the_prior(successes):
    found = sites(*(np.array([value]) for value in (successes, 1e4 - successes, 0.0, 1e-3)))
    assert np.isfinite(found.value_U).all()
    assert found.variance_U[0] > 0

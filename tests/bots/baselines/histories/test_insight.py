import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, special, stats

from bots import Feedback, Pool
from bots.baselines.histories.insight import InSightSelector, digamma, information

BELIEFS = [(1.0, 1.0), (3.0, 1.0), (1.0, 40.0), (12.5, 7.25), (300.0, 500.0)]


def make(num_tasks: int, **options) -> InSightSelector:
    return InSightSelector(Pool.numbered(num_tasks), np.random.default_rng(0), **options)


def entropy(shares) -> float:
    return float(special.entr(np.asarray(shares)).sum())


def by_quadrature(a: float, b: float, group_size: int) -> float:
    """H(successes) - E H(successes | rate): the other way round than the formula in the code."""
    counts = np.arange(group_size + 1)

    def noise(rate: float) -> float:
        weight = stats.beta.pdf(rate, a, b)
        return weight * entropy(stats.binom.pmf(counts, group_size, rate))

    low, high = stats.beta.ppf([1e-13, 1 - 1e-13], a, b)
    expected = integrate.quad(noise, low, high, epsabs=1e-10, limit=200)[0]
    return entropy(stats.betabinom.pmf(counts, group_size, a, b)) - expected


def test_digamma_agrees_with_scipy():
    x = np.concatenate([np.geomspace(1e-3, 1e7, 400), np.arange(1, 20)])
    assert_allclose(digamma(x), special.digamma(x), rtol=1e-12, atol=1e-12)


@pytest.mark.integration
@pytest.mark.parametrize(("a", "b"), BELIEFS)
@pytest.mark.parametrize("group_size", [1, 4, 16])
def test_information_agrees_with_its_definition(a, b, group_size):
    found = information(np.array([a]), np.array([b]), group_size)
    assert_allclose(found, by_quadrature(a, b, group_size), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("a", "b"), BELIEFS)
def test_one_rollout_has_a_closed_form(a, b):
    mean = a / (a + b)
    noise = special.digamma(a + b + 1) - mean * special.digamma(a + 1)
    noise -= (1 - mean) * special.digamma(b + 1)
    expected = entropy([mean, 1 - mean]) - noise
    assert_allclose(information(np.array([a]), np.array([b]), 1), expected, atol=1e-12)


def test_information_grows_with_the_group_and_falls_with_evidence():
    a = np.array([2.0, 20.0, 200.0, 2000.0])
    gains = [information(a, a, group_size) for group_size in (1, 2, 8, 32)]
    assert (np.diff(gains, axis=0) > 0).all()
    assert (np.diff(gains, axis=1) < 0).all()
    assert_allclose(information(a, a, 1)[-1], 1 / (2 * 4001), rtol=1e-3)  # proposition 5.1


def test_information_is_symmetric():
    a, b = np.array(BELIEFS).T
    assert_allclose(information(a, b, 8), information(b, a, 8), rtol=1e-9)


def test_insight_by_hand():
    """The better of two mixed tasks, the untouched one and the solved one, by equation 16."""
    selector = make(4, decay=0.5)
    selector.update(Feedback([0, 1, 2], [2, 5, 8], [8, 8, 8]))
    selector.update(Feedback([0], [3], [8]))
    state = selector.state_dict()
    assert state["alpha_N"].tolist() == [0.5 * 3 + 0.5 + 3, 6, 9, 1]
    assert state["beta_N"].tolist() == [0.5 * 7 + 0.5 + 5, 4, 1, 1]
    expected = []
    for a, b in zip(state["alpha_N"], state["beta_N"], strict=True):
        mean = a / (a + b)
        weight = mean * (1 - mean) * np.exp(-3 * (mean - 0.3) ** 2)
        expected.append(weight * by_quadrature(a, b, 8))
    assert_allclose(state["score_N"], expected, rtol=1e-6)
    ranking = np.argsort(expected)[::-1].tolist()
    for size in (1, 2, 3):
        assert sorted(selector.select(size).tolist()) == sorted(ranking[:size])


def test_without_decay_beliefs_are_conjugate():
    selector, draws, solved, failed = make(6), np.random.default_rng(1), np.ones(6), np.ones(6)
    for _ in range(10):
        ids = selector.select(2)
        successes = draws.binomial(8, 0.4, 2)
        selector.update(Feedback(ids, successes, [8, 8]))
        solved[ids] += successes
        failed[ids] += 8 - successes
    assert selector.solve_rates().tolist() == (solved / (solved + failed)).tolist()


def test_a_larger_group_renews_every_score_and_a_smaller_one_none():
    selector = make(5)
    selector.update(Feedback([0], [2], [4]))
    assert_allclose(selector.state_dict()["score_N"][4], score_of_untouched(4))
    selector.update(Feedback([1], [2], [8]))
    selector.update(Feedback([2], [1], [2]))
    assert selector.state_dict()["group_size"] == 8
    assert_allclose(selector.state_dict()["score_N"][4], score_of_untouched(8))


def score_of_untouched(group_size: int) -> float:
    return 0.25 * np.exp(-3 * 0.2**2) * by_quadrature(1, 1, group_size)


def test_all_tasks_tie_at_first():
    assert np.ptp(make(30).state_dict()["score_N"]) == 0


def test_insight_chooses_among_the_next_candidates_that_are_not_excluded():
    selector = make(40, candidate_ratio=2)
    order = [task for task in np.random.default_rng(0).permutation(40).tolist() if task % 2]
    assert set(selector.select(5, np.arange(0, 40, 2))) <= set(order[:10])


@pytest.mark.parametrize(
    "wrong", [{"target": 3.0}, {"sharpness": -1.0}, {"decay": 2}, {"candidate_ratio": 0.5}]
)
def test_insight_refuses_impossible_settings(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        make(4, **wrong)

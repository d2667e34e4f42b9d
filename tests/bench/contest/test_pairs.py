import numpy as np
import pytest

from bench.contest.aggregate import Sample
from bench.contest.pairs import compare, groups, holm, p_values, seed_means, wins


def noise(rng, means, scenarios=3, seeds=20) -> Sample:
    means = np.asarray(means, dtype=float)
    blocks = tuple(means[:, None] + rng.normal(size=(means.size, seeds)) for _ in range(scenarios))
    return Sample(tuple("abc"[:scenarios]), blocks)


def test_chances_of_winning_add_up_and_ties_count_half():
    sample = Sample(("a", "b"), (np.array([[1.0, 2], [1, 1]]), np.array([[3.0, 3], [4, 4]])))
    found = wins(sample)
    np.testing.assert_allclose(found + found.T, 1)
    assert found[0, 1] == pytest.approx((0.75 + 0) / 2)


def test_p_values_are_those_of_scipy():
    from scipy.stats import ttest_rel

    means = seed_means(noise(np.random.default_rng(0), [0, 0.3, 1]))
    found = p_values(means)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert found[i, j] == found[j, i] == pytest.approx(ttest_rel(means[i], means[j]).pvalue)


def test_equal_strategies_do_not_differ_and_a_constant_difference_is_certain():
    scores = np.random.default_rng(0).integers(9, size=8).astype(float)
    found = p_values(np.stack([scores, scores, scores + 1]))
    assert found[0, 1] == 1
    assert found[0, 2] == 0
    assert np.isnan(p_values(np.ones((2, 2)))).all()


def test_holm_adjusts_as_by_hand():
    p = np.full((3, 3), np.nan)
    p[0, 1] = p[1, 0] = 0.01
    p[0, 2] = p[2, 0] = 0.04
    p[1, 2] = p[2, 1] = 0.03
    adjusted = holm(p)
    np.testing.assert_allclose([adjusted[0, 1], adjusted[1, 2], adjusted[0, 2]], [0.03, 0.06, 0.06])
    np.testing.assert_array_equal(adjusted, adjusted.T)


def test_few_contests_of_equals_find_a_difference():
    """300 contests of 8 equals: errors in 5 % at most are expected; 10 % has chance < 1e-3."""
    rng = np.random.default_rng(0)
    wrong = sum(compare(noise(rng, np.zeros(8))).significant_KK.any() for _ in range(300))
    assert wrong <= 30


def test_large_differences_are_found_among_sixty():
    found = compare(noise(np.random.default_rng(0), [*np.zeros(59), 2.0]))
    assert found.significant_KK[-1, :-1].all()
    assert not found.significant_KK[:-1, :-1].any()


def test_groups_are_maximal_runs_without_a_difference():
    significant = np.zeros((4, 4), dtype=bool)
    for i, j in ((0, 2), (0, 3), (1, 3)):
        significant[i, j] = significant[j, i] = True
    assert groups([0, 1, 2, 3], significant) == [(0, 1), (1, 2), (2, 3)]
    assert groups([0, 1, 2, 3], np.zeros((4, 4), dtype=bool)) == [(0, 3)]
    assert groups([0, 1, 2, 3], ~np.eye(4, dtype=bool)) == [(0, 0), (1, 1), (2, 2), (3, 3)]

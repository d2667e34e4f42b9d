from fractions import Fraction
from math import prod

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import betaln, poch

from bots.live.choice.utility import (
    CLOSENESS,
    CODES,
    DEVIATION,
    INFORMATIVE,
    VARIANCE,
    closeness_mean,
    deviation,
    informative,
    score,
    scores,
    variance,
)

GRID = [1e-3, 0.02, 0.5, 1.0, 3.7, 40.0, 1234.5, 1e5, 1e7]
ALPHA, BETA = (axis.ravel() for axis in np.meshgrid(GRID, GRID))
TARGET, GROUP = 0.3, 8
PARAMETERS = {CLOSENESS: TARGET, INFORMATIVE: GROUP, VARIANCE: 0.0, DEVIATION: 0.0}
counts = st.floats(1e-3, 1e7)


def vectorised(code: int, alpha, beta, parameter: float):
    if code in (CLOSENESS, INFORMATIVE):
        return {CLOSENESS: closeness_mean, INFORMATIVE: informative}[code](alpha, beta, parameter)
    return {VARIANCE: variance, DEVIATION: deviation}[code](alpha, beta)


def exact_informative(alpha: float, beta: float, group_size: int) -> Fraction:
    def moment(a: Fraction, total: Fraction) -> Fraction:
        return prod(((a + i) / (total + i) for i in range(group_size)), start=Fraction(1))

    a, b = Fraction(alpha), Fraction(beta)
    return 1 - moment(a, a + b) - moment(b, a + b)


def exact_informative_of_whole_counts(alpha: int, beta: int, group_size: Fraction) -> Fraction:
    def moment(a: int, b: int) -> Fraction:
        return prod(((a + j) / (a + j + group_size) for j in range(b)), start=Fraction(1))

    return 1 - moment(alpha, beta) - moment(beta, alpha)


@pytest.mark.parametrize("group_size", [2, 3, 8, 16, 64])
def test_the_chance_of_an_informative_group_keeps_its_digits(group_size):
    exact = [float(exact_informative(a, b, group_size)) for a, b in zip(ALPHA, BETA, strict=True)]
    assert_allclose(informative(ALPHA, BETA, group_size), exact, rtol=1e-12)


@pytest.mark.parametrize("group_size", [1.0009765625, 1.5, 2.25, 7.75, 40.5])
def test_it_keeps_them_for_a_mean_group_size(group_size):
    alpha, beta = (axis.ravel() for axis in np.meshgrid([1, 2, 17, 400], [1, 3, 50, 400]))
    n = Fraction(group_size)
    exact = [
        float(exact_informative_of_whole_counts(int(a), int(b), n))
        for a, b in zip(alpha, beta, strict=True)
    ]
    assert_allclose(informative(alpha, beta, group_size), exact, rtol=1e-11)


@pytest.mark.parametrize("group_size", [1.3, 2.7, 9.5])
def test_it_is_the_textbook_difference_where_that_is_safe(group_size):
    alpha, beta = np.meshgrid([0.4, 1.7, 9.3], [0.6, 2.2, 30.1])
    solved = np.exp(betaln(alpha + group_size, beta) - betaln(alpha, beta))
    failed = np.exp(betaln(alpha, beta + group_size) - betaln(alpha, beta))
    assert_allclose(informative(alpha, beta, group_size), 1 - solved - failed, rtol=1e-9)


@given(counts, counts, st.floats(1.0, 60.0))
def test_a_group_with_one_more_member_gains_what_the_recurrence_says(alpha, beta, n):
    gain = informative(alpha, beta, n + 1) - informative(alpha, beta, n)
    total = alpha + beta
    solved, failed = (
        np.exp(np.log(poch(a, n)) - np.log(poch(total, n))) if total < 1e3 and n < 20 else np.nan
        for a in (alpha, beta)
    )
    assert gain >= 0
    if not np.isnan(solved):
        assert_allclose(gain, (solved * beta + failed * alpha) / (total + n), atol=1e-10)


@given(counts, counts, st.floats(0.1, 64.0), st.floats(0.1, 64.0))
def test_larger_groups_are_informative_more_often(alpha, beta, n, m):
    smaller, larger = sorted([n, m])
    assert informative(alpha, beta, smaller) <= informative(alpha, beta, larger) * (1 + 1e-11)


def test_a_group_of_one_is_never_informative():
    for group_size in (0.5, 1, 1.0):
        assert_array_equal(informative(ALPHA, BETA, group_size), np.zeros(ALPHA.size))


def test_pairs_and_triples_are_informative_in_proportion_to_the_variance():
    assert_allclose(informative(ALPHA, BETA, 2), variance(ALPHA, BETA) / 2, rtol=1e-13)
    assert_allclose(informative(ALPHA, BETA, 3), variance(ALPHA, BETA) * 3 / 4, rtol=1e-13)


def test_the_deviation_is_a_ratio_of_beta_functions():
    ratio = poch(ALPHA, 0.5) * poch(BETA, 0.5) / (ALPHA + BETA)
    assert_allclose(deviation(ALPHA, BETA), 2 * ratio, rtol=1e-9)


@given(counts, counts)
def test_the_variance_lies_between_the_squared_deviation_and_the_deviation(alpha, beta):
    weight = deviation(alpha, beta)
    assert weight**2 * (1 - 1e-11) <= variance(alpha, beta) <= weight * (1 + 1e-11)


@given(counts, counts, st.floats(1, 64))
def test_successes_and_failures_may_be_swapped(alpha, beta, group_size):
    assert informative(alpha, beta, group_size) == informative(beta, alpha, group_size)
    assert_allclose(variance(alpha, beta), variance(beta, alpha), rtol=1e-13)
    assert_allclose(deviation(alpha, beta), deviation(beta, alpha), rtol=1e-13)
    assert closeness_mean(alpha, beta, 0.5) == pytest.approx(closeness_mean(beta, alpha, 0.5))


@given(counts, counts, st.floats(0, 1), st.floats(0.1, 64))
def test_utilities_lie_between_0_and_1(alpha, beta, target, group_size):
    for code, parameter in zip(CODES.values(), (target, group_size, 0, 0), strict=True):
        assert 0 <= score(code, alpha, beta, parameter) <= 1


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.3, 0.5, 0.9, 1.0])
def test_a_belief_that_concentrates_is_worth_what_its_rate_is_worth(rate):
    alpha, beta = max(1e7 * rate, 1e-3), max(1e7 * (1 - rate), 1e-3)
    assert_allclose(closeness_mean(alpha, beta, TARGET), 1 - abs(rate - TARGET) / 0.7, atol=1e-6)
    assert_allclose(
        informative(alpha, beta, GROUP), 1 - rate**GROUP - (1 - rate) ** GROUP, atol=1e-5
    )
    assert_allclose(variance(alpha, beta), 4 * rate * (1 - rate), atol=1e-5)
    assert_allclose(deviation(alpha, beta), 2 * np.sqrt(rate * (1 - rate)), atol=1e-5)


def test_closeness_ranks_tasks_as_the_distance_does():
    order = np.argsort(np.abs(ALPHA / (ALPHA + BETA) - TARGET), kind="stable")
    assert (np.diff(closeness_mean(ALPHA, BETA, TARGET)[order]) <= 1e-13).all()
    assert closeness_mean(3.0, 7.0, TARGET) == 1


@pytest.mark.parametrize(("alpha", "beta"), [(0.3, 0.4), (1.0, 9.0), (20.0, 30.0)])
def test_expectations_agree_with_a_simulation(alpha, beta):
    # 9 z-tests at 4.5 standard errors: a false alarm once in 16,000 runs over seeds.
    p = np.random.default_rng(1).beta(alpha, beta, 200_000)
    for draws, expected in (
        (1 - p**5 - (1 - p) ** 5, informative(alpha, beta, 5)),
        (4 * p * (1 - p), variance(alpha, beta)),
        (2 * np.sqrt(p * (1 - p)), deviation(alpha, beta)),
    ):
        assert abs(draws.mean() - expected) < 4.5 * draws.std() / np.sqrt(p.size)


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
@pytest.mark.parametrize("group_size", [GROUP, 8.5])
def test_compiled_code_computes_the_same(code, group_size):
    parameter = group_size if code == INFORMATIVE else PARAMETERS[code]
    expected = vectorised(code, ALPHA, BETA, parameter)
    one_by_one = [score(code, a, b, parameter) for a, b in zip(ALPHA, BETA, strict=True)]
    assert_allclose(one_by_one, expected, rtol=1e-13)
    assert_array_equal(scores(code, ALPHA, BETA, parameter), one_by_one)


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_compiled_code_computes_in_double_precision(code):
    alpha, beta = np.float32([0.1, 1e6]), np.float32([7.7, 3e5])
    wide = scores(code, alpha.astype(float), beta.astype(float), PARAMETERS[code])
    assert_array_equal(scores(code, alpha, beta, PARAMETERS[code]), wide)


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_the_number_of_threads_does_not_change_a_bit(code):
    alpha, beta = np.random.default_rng(0).gamma(0.5, 20, (2, 5000)) + 1e-3
    threads = numba.get_num_threads()
    results = []
    for count in range(1, threads + 1):
        numba.set_num_threads(count)
        results.append(scores(code, alpha, beta, PARAMETERS[code]).tobytes())
    assert len(set(results)) == 1


def test_counts_broadcast():
    alpha, beta = np.array([[1.0], [2.0]]), np.array([3.0, 4.0, 5.0])
    for code, parameter in PARAMETERS.items():
        assert vectorised(code, alpha, beta, parameter).shape == (2, 3)


def test_an_unknown_code_is_refused():
    with pytest.raises(ValueError, match="code is 7"):
        scores(7, ALPHA, BETA)

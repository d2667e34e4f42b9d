import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from bots.live.choice.inclusion import inclusion_probabilities, window_probability

NODES, WEIGHTS = np.polynomial.legendre.leggauss(20)
PANELS = 4000
counts = st.floats(0.5, 1e5)


def composite(log_f, low: float, high: float, shift: float) -> float:
    """The integral of exp(log_f - shift) by a Gauss rule on each of many panels."""
    middles, half = low + (high - low) * (np.arange(PANELS) + 0.5) / PANELS, (high - low) / 2
    return float(
        np.exp(log_f(middles[:, None] + half / PANELS * NODES) - shift).sum(0) @ WEIGHTS
    ) * (half / PANELS)


def by_quadrature(alpha: float, beta: float, target: float, half: float) -> float:
    """A ratio of two integrals over the angle t with p = sin(t)^2, which removes singularities.

    Narrow windows are integrated over p itself, as their ends would be rounded to a wrong width.
    """

    def in_angle(t):
        return (2 * alpha - 1) * np.log(np.sin(t)) + (2 * beta - 1) * np.log(np.cos(t))

    def in_offset(u):
        p = target + half * u
        return (alpha - 1) * np.log(p) + (beta - 1) * np.log1p(-p) + np.log(half)

    angles = (np.arange(100_000) + 0.5) / 100_000 * np.pi / 2
    shift = float(in_angle(angles).max())
    whole = composite(in_angle, 0, np.pi / 2, shift)
    if half < 1e-3:
        return composite(in_offset, -1, 1, shift) / 2 / whole
    ends = np.arcsin(np.sqrt(np.clip([target - half, target + half], 0, 1)))
    return composite(in_angle, *ends, shift) / whole


@pytest.mark.integration
@pytest.mark.parametrize("target", [0.02, 0.3, 0.5, 0.9])
@pytest.mark.parametrize(
    ("alpha", "beta"),
    [(0.5, 0.5), (1.0, 0.5), (2.0, 17.0), (900.0, 0.5), (81.0, 81.0), (5e4, 5e4), (1e5, 3e4)],
)
def test_even_a_tiny_probability_is_accurate_relative_to_itself(alpha, beta, target):
    halves = np.array([1e-9, 1e-6, 9e-4, 1e-2, 0.1, 0.3, 0.5])
    exact = np.array([by_quadrature(alpha, beta, target, half) for half in halves])
    known = exact > 1e-280
    got = window_probability(alpha, beta, target, halves)
    assert_allclose(got[known], exact[known], rtol=1e-8)
    assert (got[~known] < 1e-279).all()


def test_it_stays_accurate_at_the_mean_of_a_sharp_belief():
    for mean in (0.02, 0.5, 0.7):
        alpha, beta = 1e5 * mean, 1e5 * (1 - mean)
        for half in (1e-7, 1e-4, 2e-3, 1e-2):
            exact = by_quadrature(alpha, beta, mean, half)
            assert_allclose(window_probability(alpha, beta, mean, half), exact, rtol=1e-8)


@given(counts, counts, st.floats(0, 1), st.floats(0, 1))
def test_nothing_falls_into_no_window_and_everything_into_all(alpha, beta, target, more):
    assert window_probability(alpha, beta, target, -more) == 0
    assert window_probability(alpha, beta, target, max(target, 1 - target) + more) == 1


@given(counts, counts, st.floats(0, 1), st.floats(0, 0.6), st.floats(0, 0.6))
def test_a_wider_window_holds_more(alpha, beta, target, half, other):
    narrow, wide = window_probability(alpha, beta, target, sorted([half, other]))
    assert 0 <= narrow <= wide * (1 + 1e-8) <= 1 + 1e-8


@given(counts, counts, st.integers(0, 1024), st.floats(1e-9, 0.6))
def test_a_window_mirrors_with_its_belief(alpha, beta, place, half):
    target = place / 1024  # its mirror image is not rounded
    mirrored = window_probability(beta, alpha, 1 - target, half)
    assert_allclose(window_probability(alpha, beta, target, half), mirrored, rtol=1e-8, atol=1e-300)


@given(st.floats(0, 1), st.floats(1e-12, 1))
def test_under_a_uniform_belief_it_is_the_length_of_the_window(target, half):
    length = min(1 - target, half) + min(target, half)
    assert_allclose(window_probability(1.0, 1.0, target, half), length, rtol=1e-12)


def test_shapes_broadcast():
    assert window_probability(np.ones((3, 1)), np.ones(4), 0.5, 0.1).shape == (3, 4)


def test_ranks_alone_leave_the_chance_as_it_is():
    chance = [0.0, 0.3, 1.0]
    assert_array_equal(inclusion_probabilities(chance, [True] * 3, 0, 9, 3), chance)


def test_a_uniform_draw_alone_gives_equal_shares():
    assert_array_equal(inclusion_probabilities([0.0, 0.0], [False] * 2, 2, 8, 0), [0.25, 0.25])


def test_the_inclusion_probability_is_the_frequency_of_being_chosen():
    # Task 0 against fixed ranks of the others; 2 z-tests at 4.5 standard errors.
    rng, others, repetitions = np.random.default_rng(0), np.linspace(0.01, 0.4, 9), 100_000
    ranks = np.abs(rng.beta(3.0, 4.0, repetitions) - 0.5)
    for by_rank, uniform in ((2, 3), (4, 1)):
        tau = others[by_rank - 1]
        chosen = (ranks < tau) | (rng.random(repetitions) < uniform / (10 - by_rank))
        places = np.arange(by_rank + uniform) < by_rank
        chance = np.full(places.size, window_probability(3.0, 4.0, 0.5, tau))
        pi = inclusion_probabilities(chance, places, uniform, 10, by_rank)[0]
        assert abs(chosen.mean() - pi) < 4.5 * np.sqrt(pi * (1 - pi) / repetitions)


def test_contradictory_numbers_are_refused():
    with pytest.raises(ValueError, match="num_by_rank is 2"):
        inclusion_probabilities([0.5, 0.5], [True, False], 0, 9, 2)
    with pytest.raises(ValueError, match="num_available 2"):
        inclusion_probabilities([0.5, 0.5, 0.1], [True, True, False], 1, 2, 2)
    with pytest.raises(ValueError, match="must hold a bool"):
        inclusion_probabilities([0.5], [1], 0, 9, 1)
    with pytest.raises(ValueError, match=r"chance\[0\] is 1.5"):
        inclusion_probabilities([1.5], [True], 0, 9, 1)

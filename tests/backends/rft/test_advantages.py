from collections.abc import Callable
from math import nan, sqrt

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from backends.rft.advantages import (
    ALGORITHMS,
    Algorithm,
    dapo,
    dr_grpo,
    grpo,
    informative,
    maxrl,
    rloo,
)

Floats = npt.NDArray[np.float64]
NAMES = sorted(ALGORITHMS)
BASELINES = [grpo, dr_grpo, rloo, dapo]  # those that a shift of the rewards does not change
REWARDS = [0.0, 0.25, 0.5, 1.0, nan]
batches = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, max_side=9),
    elements=st.sampled_from(REWARDS),
)


def graded(rewards_G: Floats) -> list[float]:
    return [r for r in rewards_G.tolist() if r == r]


def by_loop(rewards_BG: Floats, of: Callable[[float, list[float]], float]) -> Floats:
    """`of` of each reward and the graded ones of its group; 0 where there is nothing to compare."""
    advantages_BG = np.zeros_like(rewards_BG)
    for b, rewards_G in enumerate(rewards_BG):
        known = graded(rewards_G)
        for g, reward in enumerate(rewards_G.tolist()):
            if reward == reward and len(known) > 1:
                advantages_BG[b, g] = of(reward, known)
    return advantages_BG


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def std(values: list[float]) -> float:
    return sqrt(sum((v - mean(values)) ** 2 for v in values) / (len(values) - 1))


def mean_of_others(reward: float, known: list[float]) -> float:
    others = known.copy()
    others.remove(reward)
    return mean(others)


ONE_OF_FOUR = [[1.0, 0.0, 0.0, 0.0]]  # mean 1/4, squared deviations 9/16 + 3/16, so s = sqrt(1/4)


@pytest.mark.parametrize(
    ("advantages", "expected"),
    [
        (lambda r: grpo(r, std_epsilon=0.0), [1.5, -0.5, -0.5, -0.5]),
        (lambda r: grpo(r, std_epsilon=0.25), [1.0, -1 / 3, -1 / 3, -1 / 3]),
        (lambda r: dapo(r, std_epsilon=0.0), [1.5, -0.5, -0.5, -0.5]),
        (dr_grpo, [0.75, -0.25, -0.25, -0.25]),
        (lambda r: dr_grpo(r, std_epsilon=0.0), [1.5, -0.5, -0.5, -0.5]),
        (rloo, [1.0, -1 / 3, -1 / 3, -1 / 3]),
        (lambda r: rloo(r, std_epsilon=0.5), [1.0, -1 / 3, -1 / 3, -1 / 3]),
        (maxrl, [3.0, -1.0, -1.0, -1.0]),
    ],
)
def test_one_success_in_four_worked_by_hand(advantages, expected):
    np.testing.assert_allclose(advantages(np.array(ONE_OF_FOUR)), [expected], rtol=1e-12)


@pytest.mark.parametrize(
    ("advantages", "expected"),
    [
        (lambda r: grpo(r, std_epsilon=0.0), [sqrt(0.5), 0.0, -sqrt(0.5)]),
        (dr_grpo, [0.5, 0.0, -0.5]),
        (rloo, [1.0, 0.0, -1.0]),
        (maxrl, [1.0, 0.0, -1.0]),
    ],
)
def test_a_lost_rollout_gets_nothing_and_is_not_counted(advantages, expected):
    np.testing.assert_allclose(advantages(np.array([[1.0, nan, 0.0]])), [expected], rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "group", [[0.1] * 7, [1.0] * 3, [0.0] * 3, [0.7, nan, nan], [nan] * 3, [1.0], [0.3, 0.3, nan]]
)
def test_a_group_without_two_different_rewards_teaches_exactly_nothing(name, group):
    rewards_BG = np.array([group])
    assert not informative(rewards_BG).any()
    assert (ALGORITHMS[name].of(rewards_BG) == 0.0).all()


@settings(deadline=None, max_examples=60)
@given(batches)
def test_informative_is_two_different_rewards(rewards_BG):
    expected = [len(set(graded(rewards_G))) > 1 for rewards_G in rewards_BG]
    assert informative(rewards_BG)[:, 0].tolist() == expected


@pytest.mark.integration
@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=60)
@given(rewards_BG=batches)
def test_advantages_are_finite_balanced_and_leave_their_argument_alone(name, rewards_BG):
    before = rewards_BG.copy()
    advantages_BG = ALGORITHMS[name].of(rewards_BG)
    np.testing.assert_array_equal(rewards_BG, before)
    assert advantages_BG.shape == rewards_BG.shape
    assert np.isfinite(advantages_BG).all()
    assert (advantages_BG[np.isnan(rewards_BG)] == 0.0).all()
    np.testing.assert_allclose(advantages_BG.sum(axis=1), 0.0, atol=1e-9)


@pytest.mark.integration
@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=30)
@given(rewards_BG=batches, seed=st.integers(0, 99))
def test_advantages_do_not_depend_on_the_order_within_a_group_or_on_other_groups(
    name, rewards_BG, seed
):
    order = np.random.default_rng(seed).permutation(rewards_BG.shape[1])
    advantages_BG = ALGORITHMS[name].of(rewards_BG)
    np.testing.assert_allclose(
        ALGORITHMS[name].of(rewards_BG[:, order]), advantages_BG[:, order], atol=1e-12
    )
    np.testing.assert_array_equal(ALGORITHMS[name].of(rewards_BG[:1]), advantages_BG[:1])


@pytest.mark.integration
@pytest.mark.parametrize("advantages", BASELINES)
@settings(deadline=None, max_examples=60)
@given(rewards_BG=batches, shift=st.floats(-10, 10))
def test_a_constant_added_to_all_rewards_changes_nothing(advantages, rewards_BG, shift):
    np.testing.assert_allclose(
        advantages(rewards_BG + shift), advantages(rewards_BG), rtol=1e-6, atol=1e-9
    )


@pytest.mark.integration
@pytest.mark.parametrize(
    ("advantages", "power"),
    [
        (lambda r: grpo(r, std_epsilon=0.0), 0),
        (lambda r: dapo(r, std_epsilon=0.0), 0),
        (dr_grpo, 1),
        (rloo, 1),
        (maxrl, 0),
    ],
)
@settings(deadline=None, max_examples=60)
@given(rewards_BG=batches, factor=st.floats(0.01, 100))
def test_a_scale_of_the_rewards_cancels_or_passes_through(advantages, power, rewards_BG, factor):
    np.testing.assert_allclose(
        advantages(rewards_BG * factor),
        advantages(rewards_BG) * factor**power,
        rtol=1e-9,
        atol=1e-9,
    )


@settings(deadline=None, max_examples=60)
@given(batches)
def test_rloo_compares_with_the_mean_of_the_others(rewards_BG):
    expected_BG = by_loop(rewards_BG, lambda r, known: r - mean_of_others(r, known))
    np.testing.assert_allclose(rloo(rewards_BG), expected_BG, atol=1e-12)


@settings(deadline=None, max_examples=60)
@given(batches)
def test_maxrl_divides_the_distance_to_the_mean_by_the_mean(rewards_BG):
    expected_BG = by_loop(rewards_BG, lambda r, known: (r - mean(known)) / (mean(known) or 1.0))
    np.testing.assert_allclose(maxrl(rewards_BG), expected_BG, atol=1e-12)


@settings(deadline=None, max_examples=60)
@given(batches)
def test_grpo_divides_the_distance_to_the_mean_by_the_standard_deviation(rewards_BG):
    expected_BG = by_loop(rewards_BG, lambda r, known: (r - mean(known)) / (std(known) + 1e-6))
    np.testing.assert_allclose(grpo(rewards_BG), expected_BG, atol=1e-9)


@pytest.mark.parametrize("successes", range(1, 8))
def test_maxrl_averages_the_scores_of_the_successes_around_the_mean_score(successes):
    """sum_g A_g s_g / n = (mean score of the successes) - (mean score), for whatever scores s."""
    rewards_G = np.array([1.0] * successes + [0.0] * (8 - successes))
    scores_G = np.random.default_rng(0).normal(size=8)
    gradient = (maxrl(rewards_G[None])[0] * scores_G).mean()
    assert gradient == pytest.approx(scores_G[rewards_G == 1].mean() - scores_G.mean())


def test_maxrl_refuses_a_negative_reward():
    with pytest.raises(ValueError, match=r"-0\.5.*shift them or choose another"):
        maxrl(np.array([[1.0, -0.5, nan]]))


def test_maxrl_takes_a_batch_in_which_every_rollout_is_lost():
    assert (maxrl(np.full((2, 3), nan)) == 0.0).all()


@pytest.mark.parametrize("name", NAMES)
def test_an_algorithm_follows_its_own_habit_unless_overridden(name):
    law: Algorithm = ALGORITHMS[name]
    rewards_BG = np.array([[1.0, 0.0, 0.0, nan], [0.5, 0.25, 0.0, 1.0]])
    assert law.name == name
    if law.normalise_std is None:
        for override in (None, True, False):
            np.testing.assert_array_equal(law.of(rewards_BG, override), maxrl(rewards_BG))
        return
    divided_BG = law.advantages(rewards_BG, std_epsilon=0.125)
    plain_BG = law.advantages(rewards_BG, std_epsilon=None)
    np.testing.assert_array_equal(law.of(rewards_BG, True, 0.125), divided_BG)
    np.testing.assert_array_equal(law.of(rewards_BG, False, 0.125), plain_BG)
    own_BG = divided_BG if law.normalise_std else plain_BG
    np.testing.assert_array_equal(law.of(rewards_BG, None, 0.125), own_BG)
    assert not np.allclose(divided_BG, plain_BG)


def test_the_published_settings_are_the_defaults():
    rows = {
        a.name: (a.advantages, a.loss_level, a.clip_low, a.clip_high, a.normalise_std)
        for a in ALGORITHMS.values()
    }
    assert rows == {
        "grpo": (grpo, "sequence", 0.2, 0.2, True),
        "drgrpo": (dr_grpo, "constant", 0.2, 0.2, False),
        "rloo": (rloo, "sequence", 0.2, 0.2, False),
        "dapo": (dapo, "token", 0.2, 0.28, True),
        "maxrl": (maxrl, "token", 0.2, 0.2, None),
    }

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from bots import Feedback, Pool
from bots.baselines.schedules.e2h import E2HSelector, cosine_shares, gaussian_shares
from tests.bots.baselines.schedules.naive import NaiveQueue

NAN = float("nan")
NUM_TASKS = 12
RATES = np.random.default_rng(3).random(NUM_TASKS)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def selector(rates=RATES, seed: int = 0, **options) -> E2HSelector:
    return E2HSelector(Pool.numbered(len(rates), {"weak": rates}), rng(seed), **options)


def step(chosen: E2HSelector, count: int = 1) -> None:
    for _ in range(count):
        chosen.update(Feedback([0], [1], [4]))


def test_cosine_by_hand():
    """Four levels, S = 10. Half way both lines weigh 1/2; at a third a = 3/4."""
    assert_allclose(cosine_shares(0.0, 4), [0.4, 0.3, 0.2, 0.1])
    assert_allclose(cosine_shares(1 / 3, 4), [0.325, 0.275, 0.225, 0.175])
    assert_allclose(cosine_shares(0.5, 4), [0.25, 0.25, 0.25, 0.25])
    assert_allclose(cosine_shares(1.0, 4), [0.1, 0.2, 0.3, 0.4])


def test_gaussian_by_hand():
    """Four levels, width 1/2, floor 0.1, a quarter of the way: m = 1.5, midway between 1 and 2.

    Distances 3/2 and 1/2 give exp(-4.5) and exp(-0.5), in proportion 1 to e^4 = 54.598; with two of
    each, Q = 1 / 111.196 and 54.598 / 111.196, and P = 0.1 + 0.6 Q.
    """
    shares = gaussian_shares(0.25, 4, exponent=0.5, width=0.5, floor=0.1)
    assert_allclose(shares, [0.1054, 0.3946, 0.3946, 0.1054], atol=5e-5)


@given(st.floats(0, 1), st.integers(2, 7), st.floats(0.1, 4), st.floats(0.2, 5), st.floats(0, 1))
def test_shares_as_on_paper(progress, levels, exponent, width, part):
    total = levels * (levels + 1) / 2
    a = 0.5 * (1 + math.cos(math.pi * progress))
    line = [a * (levels - i) / total + (1 - a) * (i + 1) / total for i in range(levels)]
    assert_allclose(cosine_shares(progress, levels), line)
    assert min(line) > 1 / total - 1e-12
    floor, mean = part / levels, progress**exponent * (levels - 1)
    bell = [math.exp(-((i - mean) ** 2) / (2 * width**2)) for i in range(levels)]
    expected = [floor + (1 - levels * floor) * q / sum(bell) for q in bell]
    assert_allclose(gaussian_shares(progress, levels, exponent, width, floor), expected)


def test_a_narrow_bell_between_two_levels_still_has_shares():
    assert_allclose(gaussian_shares(0.25, 4, 0.5, 0.01, 0.0), [0, 0.5, 0.5, 0], atol=1e-12)


@pytest.mark.parametrize("schedule", ["cosine", "gaussian"])
def test_updates_move_the_schedule_until_its_end(schedule):
    chosen = selector(schedule=schedule, steps=8)
    expected = {
        "cosine": lambda t: cosine_shares(t / 8, 4),
        "gaussian": lambda t: gaussian_shares(t / 8, 4, 0.5, 0.5, 0.1),
    }[schedule]
    levels = []
    for t in [*range(9), 8, 8]:
        chosen.select(3)
        assert_allclose(chosen.shares(), expected(t))
        levels.append(chosen.metrics()["e2h/mean_level"])
        step(chosen)
    assert levels == sorted(levels)


def test_levels_are_equal_parts_from_easy_to_hard():
    """By hand: three levels of rates (0.9, 0.8), (0.6, 0.5) and (0.1, 0)."""
    chosen = selector([0.1, 0.9, 0.5, 0.0, 0.8, 0.6], schedule="gaussian", levels=3, floor=0.0,
                      width=0.01, exponent=1.0, steps=2)  # fmt: skip
    for level in ([1, 4], [2, 5], [0, 3]):
        assert sorted(chosen.select(2)) == level
        step(chosen)


def test_places_go_to_levels_in_their_shares():
    """Chi-square with 3 degrees of freedom, false-alarm rate 0.1 %."""
    chosen, counts = selector(np.linspace(1, 0, 400)), np.zeros(4)
    for _ in range(500):
        counts += np.bincount(chosen.select(10) // 100, minlength=4)
    expected = 5000 * np.array([0.4, 0.3, 0.2, 0.1])
    assert ((counts - expected) ** 2 / expected).sum() < 16.3


@given(st.lists(st.tuples(st.integers(1, 3), st.sets(st.integers(0, 11), max_size=9)), max_size=30))
def test_each_level_is_walked_through_as_on_paper(steps):
    chosen = selector(levels=2)
    easy_to_hard = np.argsort(-RATES).tolist()
    order = chosen.state_dict()["queues_N"].tolist()
    assert sorted(order[:6]) == sorted(easy_to_hard[:6])
    easy, hard = NaiveQueue(order[:6]), NaiveQueue(order[6:])
    for size, gone in steps:
        ids = chosen.select(size, list(gone)).tolist()
        count = len(set(ids) & set(easy_to_hard[:6]))
        assert ids == easy.take(count, gone) + hard.take(size - count, gone)
        step(chosen, 7)


def test_a_level_starts_in_a_random_order():
    orders = {tuple(selector(seed=seed).state_dict()["queues_N"][:3]) for seed in range(12)}
    assert len(orders) > 3


def test_ties_at_an_edge_are_put_on_either_side_at_random():
    edges = {
        frozenset(selector(np.zeros(20), seed).state_dict()["queues_N"][:5].tolist())
        for seed in range(3)
    }
    assert len(edges) == 3


def test_a_level_that_is_full_hands_its_places_on():
    chosen = selector(schedule="gaussian", floor=0.0, width=0.01)
    easy_to_hard = np.argsort(-RATES).tolist()
    assert set(chosen.select(3).tolist()) == set(easy_to_hard[:3])
    assert set(easy_to_hard[:3]) < set(chosen.select(5).tolist())
    assert sorted(chosen.select(12)) == list(range(12))


def test_unmeasured_tasks_come_when_all_levels_are_empty():
    chosen = selector([0.5, NAN, 0.6, NAN, 0.1], schedule="gaussian", floor=0.0, width=0.01)
    for _ in range(20):
        assert sorted(chosen.select(3)) == [0, 2, 4]
    assert {1, 3} & set(chosen.select(4).tolist())
    assert sorted(chosen.select(2, [0, 2, 4])) == [1, 3]


def test_fewer_tasks_than_levels_are_served():
    chosen = selector([0.3, 0.6], levels=5)
    for _ in range(5):
        assert sorted(chosen.select(2)) == [0, 1]
        step(chosen)


@pytest.mark.parametrize(
    "wrong",
    [
        {"schedule": "classic"},
        {"levels": 1},
        {"steps": 0},
        {"exponent": 0.0},
        {"width": 0.0},
        {"floor": 0.3},
    ],
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        selector(**wrong)


def test_a_state_of_the_other_schedule_is_refused():
    with pytest.raises(ValueError, match="settings"):
        selector().load_state_dict(selector(schedule="gaussian").state_dict())


def test_labels_are_needed():
    with pytest.raises(ValueError, match="e2h needs"):
        E2HSelector(Pool.numbered(3), rng())

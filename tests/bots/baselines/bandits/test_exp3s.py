from math import exp

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bots import Feedback, Pool
from bots.baselines.bandits.exp3s import Exp3SSelector


def exp3s(num_tasks: int, seed: int = 0, **options) -> Exp3SSelector:
    return Exp3SSelector(Pool.numbered(num_tasks), np.random.default_rng(seed), **options)


def with_weights(weights: list[float], seed: int = 0, **options) -> Exp3SSelector:
    selector = exp3s(len(weights), seed, **options)
    selector.load_state_dict({**selector.state_dict(), "weight_N": np.array(weights)})
    return selector


def stepped(weights: list[float], exponents: dict[int, float], mixing: float) -> list[float]:
    grown = [w * exp(exponents.get(k, 0.0)) for k, w in enumerate(weights)]
    return [(1 - mixing) * w / sum(grown) + mixing / len(weights) for w in grown]


def test_three_steps_by_hand():
    """Batches of the whole pool, and of all but one: there every chance is 1."""
    selector, weights = exp3s(4, learning_rate=0.6, mixing=0.1), [0.25] * 4
    selector.select(4)
    selector.update(Feedback([0, 1, 2, 3], [2, 0, 4, 1], [4, 4, 4, 4]))
    weights = stepped(weights, {0: 0.6 * 0.75**0.5, 3: 0.6 * 0.75}, 0.1)
    assert_allclose(selector.state_dict()["weight_N"], weights)
    selector.update(Feedback([3], [1], [2]))
    weights = stepped(weights, {3: 0.6 * 0.5**0.5}, 0.1)
    assert_allclose(selector.state_dict()["weight_N"], weights)
    selector.select(3, np.array([1]))  # q = 4/3 for the three, still 1 for the one
    selector.update(Feedback([0, 1], [2, 2], [4, 4]))
    weights = stepped(weights, {0: 0.6 * 0.75**0.5 * 3 / 4, 1: 0.6 * 0.75**0.5}, 0.1)
    assert_allclose(selector.state_dict()["weight_N"], weights)


@pytest.mark.integration
@pytest.mark.parametrize("size", [1, 3, 5])
def test_dividing_by_the_chance_is_unbiased(size):
    """Within 5 standard errors for each of 6 tasks, false-alarm rate 4e-6."""
    weights = [0.4, 0.3, 0.1, 0.1, 0.06, 0.04]
    selector, inverse = with_weights(weights), np.zeros((8000, 6))
    for draw in inverse:
        chosen = selector.select(size)
        draw[chosen] = 6 / size / selector.state_dict()["chance_N"][chosen]
    error = inverse.std(axis=0) / np.sqrt(len(inverse))
    assert (abs(inverse.mean(axis=0) - 1) < 5 * error).all()


def test_single_tasks_are_drawn_in_proportion_to_weights():
    """Chi-square with 3 degrees of freedom, false-alarm rate 0.1 %."""
    weights = [0.1, 0.2, 0.3, 0.4]
    selector = with_weights(weights)
    counts = np.bincount([selector.select(1)[0] for _ in range(8000)], minlength=4)
    expected = 8000 * np.array(weights)
    assert ((counts - expected) ** 2 / expected).sum() < 16.3


def test_the_chance_is_that_of_the_selection_when_feedback_is_late():
    selector = exp3s(6, mixing=0.1)
    first = selector.select(2)
    chance = selector.state_dict()["chance_N"].copy()
    selector.update(Feedback([k for k in range(6) if k not in first][:1], [1], [2]))
    weights = selector.state_dict()["weight_N"].tolist()
    selector.update(Feedback(first, [4, 4], [8, 8]))
    gain = 2 * (0.25 * 7 / 8) ** 0.5
    exponents = {int(k): min(gain / chance[k], 1.0) for k in first}
    assert_allclose(selector.state_dict()["weight_N"], stepped(weights, exponents, 0.1))


def test_a_rare_task_grows_by_e_at_most():
    selector = with_weights([0.001, 0.333, 0.333, 0.333], learning_rate=1e300, mixing=1e-6)
    selector.select(1, np.array([1, 2]))
    selector.update(Feedback([0], [1], [2]))
    grown = stepped([0.001, 0.333, 0.333, 0.333], {0: 1.0}, 1e-6)
    assert_allclose(selector.state_dict()["weight_N"], grown)


@pytest.mark.parametrize("options", [{"learning_rate": 0.0}, {"mixing": 1.0}])
def test_without_learning_or_all_mixed_it_stays_uniform(options):
    selector = exp3s(20, **options)
    for _ in range(20):
        ids = selector.select(5)
        selector.update(Feedback(ids, np.arange(5), np.full(5, 5)))
    assert_allclose(selector.state_dict()["weight_N"], 1 / 20)
    assert_allclose(selector.metrics()["exp3s/effective_share"], 1)


def test_weights_concentrate_on_informative_tasks_and_follow_when_they_move():
    selector = exp3s(60, mixing=0.01)
    for phase in (np.arange(60) < 10, np.arange(60) >= 50):
        for _ in range(300):
            ids = selector.select(6)
            selector.update(Feedback(ids, 4 * phase[ids], np.full(6, 8)))
        weights = selector.state_dict()["weight_N"]
        assert weights[phase].sum() > 0.9
        assert_allclose(weights.sum(), 1)
        assert weights.min() >= 0.01 / 60 * 0.999


@pytest.mark.parametrize("options", [{"learning_rate": -1.0}, {"mixing": 0.0}, {"mixing": 1.5}])
def test_impossible_options_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        exp3s(4, **options)

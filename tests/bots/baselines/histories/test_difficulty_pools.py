import numpy as np
import pytest

from bots import Feedback, Pool
from bots.baselines.histories.difficulty_pools import DifficultyPoolsSelector


def make(num_tasks: int, **options) -> DifficultyPoolsSelector:
    return DifficultyPoolsSelector(Pool.numbered(num_tasks), np.random.default_rng(0), **options)


def shares(selector: DifficultyPoolsSelector, num_tasks: int, draws: int = 5000) -> np.ndarray:
    counts = np.zeros(num_tasks)
    for _ in range(draws):
        counts[selector.select(1)] += 1
    return counts


def test_tasks_are_drawn_by_the_pool_of_their_last_group():
    """Bounds belong to the lower pool; chi-square, 5 degrees of freedom, false-alarm rate 0.1 %."""
    selector = make(6)
    selector.update(Feedback([0, 1, 4], [8, 8, 8], [8, 8, 8]))
    selector.update(Feedback([0, 1, 2, 3, 4], [2, 3, 6, 7, 0], [8, 8, 8, 8, 8]))
    expected = np.array([0.2, 1, 1, 0.2, 0.2, 1])  # hard, normal, normal, easy, hard, unseen
    expected *= 5000 / expected.sum()
    assert ((shares(selector, 6) - expected) ** 2 / expected).sum() < 20.5
    assert selector.metrics() == {
        "difficulty_pools/hard": 2 / 6,
        "difficulty_pools/easy": 1 / 6,
        "difficulty_pools/unseen": 1 / 6,
    }


def test_equal_weights_are_uniform_sampling():
    """Chi-square, 3 degrees of freedom, false-alarm rate 0.1 %."""
    selector = make(4, hard_weight=1.0, easy_weight=1.0)
    selector.update(Feedback([0, 1, 2], [0, 4, 8], [8, 8, 8]))
    assert ((shares(selector, 4) - 1250) ** 2 / 1250).sum() < 16.3


def test_pools_of_weight_zero_are_left_alone_until_nothing_else_is_left():
    selector = make(4, hard_weight=0.0, easy_weight=0.0)
    selector.update(Feedback([0, 1, 2], [0, 4, 8], [8, 8, 8]))
    assert set(selector.select(2).tolist()) == {1, 3}
    assert {1, 3} < set(selector.select(3).tolist())
    assert set(selector.select(2, [1, 3]).tolist()) == {0, 2}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"hard_rate": -0.1}, "hard_rate"),
        ({"hard_rate": 0.8, "normal_rate": 0.7}, r"normal_rate is 0.7.*\[0.8, 1\]"),
        ({"hard_weight": -1.0}, "hard_weight"),
        ({"easy_weight": np.inf}, "easy_weight"),
    ],
)
def test_difficulty_pools_refuse_impossible_settings(wrong, says):
    with pytest.raises(ValueError, match=says):
        make(4, **wrong)

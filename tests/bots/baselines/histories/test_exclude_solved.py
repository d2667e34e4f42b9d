import numpy as np
import pytest

from bots import Feedback, Pool
from bots.baselines import ShuffleSelector
from bots.baselines.histories.exclude_solved import ExcludeSolvedSelector


def make(num_tasks: int, seed: int = 0, **options) -> ExcludeSolvedSelector:
    return ExcludeSolvedSelector(Pool.numbered(num_tasks), np.random.default_rng(seed), **options)


def test_a_task_is_out_once_a_group_reaches_the_threshold_whatever_comes_later():
    selector = make(6)
    selector.update(Feedback([0, 1, 2], [7, 6, 8], [8, 8, 8]))
    selector.update(Feedback([0], [0], [8]))
    for _ in range(6):
        assert set(selector.select(4).tolist()) == {1, 3, 4, 5}
    assert selector.metrics() == {"exclude_solved/dropped": 2 / 6}


def test_it_is_shuffle_while_nothing_is_solved():
    selector = make(12, threshold=1.0)
    shuffle = ShuffleSelector(Pool.numbered(12), np.random.default_rng(0))
    for _ in range(10):
        ids = selector.select(5)
        assert ids.tolist() == shuffle.select(5).tolist()
        selector.update(Feedback(ids, [7] * 5, [8] * 5))


def test_the_rest_is_visited_once_per_epoch():
    selector = make(12)
    selector.update(Feedback([0, 1, 2], [8, 8, 8], [8, 8, 8]))
    for _ in range(4):
        epoch = np.concatenate([selector.select(3) for _ in range(3)])
        assert sorted(epoch.tolist()) == list(range(3, 12))


def test_dropped_tasks_of_lowest_last_rate_fill_up_a_batch():
    selector = make(5)
    selector.update(Feedback([0, 1, 2, 3], [16, 15, 14, 15], [16, 16, 16, 16]))
    assert set(selector.select(2).tolist()) == {4, 2}
    assert set(selector.select(2, [4, 2]).tolist()) == {1, 3}
    assert set(selector.select(3, [2, 3]).tolist()) == {4, 1, 0}
    selector.update(Feedback([0], [1], [16]))  # forgotten, but out
    assert set(selector.select(2).tolist()) == {4, 0}


def test_a_pool_that_is_all_solved_is_served_still():
    selector = make(3)
    selector.update(Feedback([0, 1, 2], [8, 8, 8], [8, 8, 8]))
    assert sorted(selector.select(3).tolist()) == [0, 1, 2]


@pytest.mark.parametrize("threshold", [0.0, 1.5])
def test_exclude_solved_refuses_impossible_settings(threshold):
    with pytest.raises(ValueError, match="threshold"):
        make(4, threshold=threshold)

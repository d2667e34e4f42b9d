import numpy as np
import pytest
from numpy.testing import assert_array_equal

from bots import Feedback, Pool
from bots.baselines.histories.mopps import MoPPSSelector


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_mopps_has_as_many_candidates_when_tasks_are_excluded():
    selector = MoPPSSelector(Pool.numbered(40), rng(), candidate_ratio=4)
    gone = np.arange(0, 40, 2)
    order = [task for task in rng().permutation(40).tolist() if task % 2]
    assert set(selector.select(3, gone)) <= set(order[:12])
    assert selector.state_dict()["epoch_cursor"] == 12
    selector.select(8, gone)
    assert selector.state_dict()["epoch_cursor"] == 20


def test_mopps_by_hand():
    """Two visits with decay 1/2: a = (a + 1) / 2 + s, all else as it was."""
    selector = MoPPSSelector(Pool.numbered(3), rng(), decay=0.5)
    selector.update(Feedback([0], [3], [4]))
    assert selector.state_dict()["alpha_N"].tolist() == [4, 1, 1]
    assert selector.state_dict()["beta_N"].tolist() == [2, 1, 1]
    selector.update(Feedback([0, 2], [0, 4], [4, 4]))
    assert selector.state_dict()["alpha_N"].tolist() == [2.5, 1, 5]
    assert selector.state_dict()["beta_N"].tolist() == [5.5, 1, 1]


def test_mopps_without_decay_is_conjugate_on_visited_tasks():
    selector, draws = MoPPSSelector(Pool.numbered(5), rng()), rng(1)
    successes, trials = np.zeros(5), np.zeros(5)
    for _ in range(20):
        ids = selector.select(2)
        solved = draws.binomial(8, 0.4, 2)
        selector.update(Feedback(ids, solved, [8, 8]))
        successes[ids] += solved
        trials[ids] += 8
    assert_array_equal(selector.state_dict()["alpha_N"], 1 + successes)
    assert_array_equal(selector.state_dict()["beta_N"], 1 + trials - successes)
    assert_array_equal(selector.solve_rates(), (1 + successes) / (2 + trials))


def test_mopps_chooses_among_the_next_candidates_of_an_epoch():
    selector = MoPPSSelector(Pool.numbered(40), rng(), candidate_ratio=4)
    order = rng().permutation(40)
    assert set(selector.select(5)) <= set(order[:20])
    assert set(selector.select(5)) <= set(order[20:])


def test_mopps_prefers_the_candidates_near_the_target():
    selector = MoPPSSelector(Pool.numbered(10), rng(), candidate_ratio=10)
    solved = np.full(10, 1000)
    solved[:3] = 500
    selector.update(Feedback(np.arange(10), solved, np.full(10, 1000)))
    assert sorted(selector.select(3).tolist()) == [0, 1, 2]


@pytest.mark.parametrize("wrong", [{"decay": 1.5}, {"target": -1}, {"candidate_ratio": 0}])
def test_mopps_refuses_impossible_settings(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        MoPPSSelector(Pool.numbered(4), rng(), **wrong)


def test_mopps_with_full_decay_knows_the_last_group_alone():
    selector = MoPPSSelector(Pool.numbered(2), rng(), decay=0.0)
    selector.update(Feedback([0, 1], [4, 4], [4, 4]))
    selector.update(Feedback([0], [1], [4]))
    assert selector.state_dict()["alpha_N"].tolist() == [2, 5]
    assert selector.state_dict()["beta_N"].tolist() == [4, 1]

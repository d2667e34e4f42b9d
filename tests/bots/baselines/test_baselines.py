import numpy as np
import pytest
from numpy.testing import assert_array_equal

from bots import Feedback, Gathering, Pool, RolloutBatch
from bots.baselines import DynamicSampling, MoPPSSelector


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


class Script:
    """Serves tasks in order; a task's group is informative when the script says so."""

    def __init__(self, informative: list[bool]):
        self.informative, self.next, self.rounds = informative, 0, []

    def select(self, size):
        self.next += size
        self.rounds.append(size)
        return np.arange(self.next - size, self.next)

    def rollout(self, task_ids, group_size):
        rewards = np.zeros((len(task_ids), group_size))
        rewards[[self.informative[k] for k in task_ids], 0] = 1
        return RolloutBatch(task_ids, rewards)


def collect(informative: list[bool], **options) -> tuple[list[int], list[int]]:
    """Kept places and sizes of rounds, for a batch of two."""
    script = Script(informative)
    step = Gathering(script.select, script.rollout, batch_size=2, group_size=4)
    kept = DynamicSampling(**options).collect(step).train
    return kept.tolist(), script.rounds


def test_dynamic_sampling_keeps_the_first_informative_groups():
    assert collect([True, False, False, True, True, True]) == ([0, 3], [2, 2])


def test_dynamic_sampling_drops_the_surplus_of_the_last_round():
    assert collect([True, False, True, True]) == ([0, 2], [2, 2])


def test_dynamic_sampling_keeps_what_it_found_when_rounds_run_out():
    assert collect([False, False, True, False, False, False], max_rounds=3) == ([2], [2, 2, 2])


def test_dynamic_sampling_may_find_nothing():
    assert collect([False] * 6, max_rounds=3) == ([], [2, 2, 2])


def test_refilling_rolls_out_only_what_is_missing():
    assert collect([True, False, False, True], refill=True) == ([0, 3], [2, 1, 1])


def test_oversampling_sets_the_size_of_a_round():
    assert collect([False, True, False, True, True, True], oversample=3.0) == ([1, 3], [6])


@pytest.mark.parametrize("wrong", [{"max_rounds": 0}, {"oversample": 0.0}])
def test_dynamic_sampling_refuses_impossible_settings(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        DynamicSampling(**wrong)

import numpy as np
import pytest

from bots import Gathering, RolloutBatch
from bots.baselines import DynamicSampling


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

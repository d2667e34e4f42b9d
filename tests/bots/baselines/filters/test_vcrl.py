import numpy as np
import pytest

from bots import Feedback, Pool
from bots.baselines.filters.vcrl import MemoryBank, VCRLSelector, variance_ratio
from tests.bots.baselines.filters.scripted import Scripted, tasks

NOBODY = np.empty(0, dtype=np.int64)


def selector(num_tasks: int = 8, **options) -> VCRLSelector:
    return VCRLSelector(Pool.numbered(num_tasks), np.random.default_rng(0), **options)


@pytest.mark.parametrize("trials", range(2, 18))
def test_the_ratio_is_that_of_sample_variances(trials):
    rewards = [np.arange(trials) < k for k in range(trials + 1)]
    variances = np.array([row.var(ddof=1) for row in rewards])
    found = variance_ratio(np.arange(trials + 1.0), np.full(trials + 1, float(trials)))
    assert found == pytest.approx(variances / variances.max())


def test_a_single_rollout_has_no_variance():
    assert variance_ratio(np.array([0.0, 1.0]), np.ones(2)).tolist() == [0, 0]


def test_priorities_by_hand():
    """kappa = 0.5, alpha = 0.9, G = 8: p is 1 for 4 successes, 0.75 for 2, 0.4375 for 1.

    Task 0: 1, then 0.9 + 0.1 x 0.4375 = 0.94375. Task 1: 0.4375 is not in, so 0.75 is as it comes.
    Task 2: 0.75, then 0.675, 0.6075, 0.54675, 0.492075: out; measured once more, 0.4375.
    """
    vcrl = selector(early=0.5, late=0.5)
    vcrl.update(Feedback([0, 1, 2], [4, 1, 2], [8, 8, 8]))
    vcrl.update(Feedback([0, 1, 2], [1, 2, 0], [8, 8, 8]))
    assert vcrl.state_dict()["priority_N"][:3] == pytest.approx([0.94375, 0.75, 0.675])
    assert vcrl.replay(9, NOBODY).tolist() == [0, 1, 2]
    for _ in range(3):
        vcrl.update(Feedback([2], [8], [8]))
    assert vcrl.state_dict()["priority_N"][2] == pytest.approx(0.492075)
    assert vcrl.replay(9, NOBODY).tolist() == [0, 1]
    vcrl.update(Feedback([2], [1], [8]))
    assert vcrl.state_dict()["priority_N"][2] == 0.4375


def test_replay_takes_the_highest_priorities_that_may_be_chosen():
    vcrl = selector(early=0.4)
    vcrl.update(Feedback([0, 1, 2, 3], [2, 4, 1, 3], [8] * 4))
    assert vcrl.replay(2, NOBODY).tolist() == [1, 3]
    assert vcrl.replay(2, np.array([1, 5])).tolist() == [3, 0]
    assert vcrl.replay(0, NOBODY).size == 0
    assert selector().replay(3, NOBODY).size == 0


def test_the_threshold_rises_after_the_warmup():
    vcrl, seen = selector(warmup=2), []
    for _ in range(4):
        vcrl.select(2)
        seen.append(vcrl.threshold)
    assert seen == [0.3, 0.3, 0.8, 0.8]


def test_selection_itself_is_an_epoch_shuffle():
    vcrl = selector(8)
    vcrl.update(Feedback([0, 1], [4, 4], [8, 8]))
    visits = np.concatenate([vcrl.select(4) for _ in range(2)])
    assert sorted(visits) == list(range(8))


def test_three_steps_by_hand():
    """B = 3, kappa = 0.5; odd tasks always fail.

    The bank is empty in the first step. In the second, 3 and 5 fail, and 0 and 2 come back. Then
    the bank has 4 with 1, 2 with 0.9 + 0.1 x 0.9375 and 0 with 0.9; in the third step 7 fails, and
    4 comes back.
    """
    vcrl = selector(20, early=0.5)
    collector, world = MemoryBank(vcrl), Scripted([0.5, 0.0] * 10)
    assert tasks(world.step(collector, 3, 8)[0]) == [0, 2]
    vcrl.update(Feedback([0, 1, 2], [4, 0, 4], [8] * 3))
    trained, _ = world.step(collector, 3, 8)
    assert sorted(tasks(trained)) == [0, 2, 4]
    assert [len(ids) for ids, _ in world.rolled] == [3, 3, 2]
    vcrl.update(Feedback([3, 4, 5, 0, 2], [0, 4, 0, 0, 3], [8] * 5))
    trained, _ = world.step(collector, 3, 8)
    assert tasks(trained) == [6, 8, 4]
    assert world.rolled[3:] == [([6, 7, 8], 8), ([4], 8)]


def test_absent_tasks_are_not_replayed():
    vcrl = selector(20, early=0.5)
    vcrl.update(Feedback([10, 12], [4, 3], [8, 8]))
    world = Scripted([0.0] * 20)
    trained, _ = world.step(MemoryBank(vcrl), 2, 8, absent=[10])
    assert tasks(trained) == [12]


def test_a_batch_that_passes_needs_no_bank():
    world = Scripted([0.5] * 4)
    assert tasks(world.step(MemoryBank(selector(20)), 4, 8)[0]) == [0, 1, 2, 3]
    assert len(world.rolled) == 1


@pytest.mark.parametrize(
    "wrong", [{"early": 0.0}, {"late": 1.5}, {"warmup": -1}, {"momentum": 2.0}]
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        selector(**wrong)

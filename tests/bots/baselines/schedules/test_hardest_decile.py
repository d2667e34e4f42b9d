import numpy as np
import pytest

from bots import Pool
from bots.baselines.schedules.hardest_decile import HardestDecileSelector

NAN = float("nan")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def selector(rates, seed: int = 0, **options) -> HardestDecileSelector:
    return HardestDecileSelector(Pool.numbered(len(rates), {"weak": rates}), rng(seed), **options)


def test_the_hardest_tenth_comes_again_and_again_in_new_orders():
    """By hand: of rates k / 40 for k = 0 to 39, the tenth with the lowest are tasks 0 to 3."""
    chosen = selector(np.arange(40) / 40)
    epochs = [np.concatenate([chosen.select(2) for _ in range(2)]) for _ in range(20)]
    assert {tuple(sorted(epoch)) for epoch in epochs} == {(0, 1, 2, 3)}
    assert len({tuple(epoch) for epoch in epochs}) > 5


def test_the_next_hardest_stand_in_and_unmeasured_tasks_come_last():
    """By hand: 6 tasks are measured, a third of them are tasks 3 and 1."""
    chosen = selector([0.4, 0.1, NAN, 0.0, 0.2, 0.6, 1.0], share=1 / 3)
    assert sorted(chosen.select(2).tolist()) == [1, 3]
    assert chosen.select(2, [1]).tolist() == [3, 4]
    assert chosen.select(3, [1, 3]).tolist() == [4, 0, 5]
    assert set(chosen.select(6).tolist()) == {0, 1, 3, 4, 5, 6}
    assert chosen.select(7).tolist()[2:] == [4, 0, 5, 6, 2]


def test_unmeasured_tasks_do_not_enlarge_the_tenth():
    """By hand: a tenth of 20 measured tasks is 2 of them, of 40 tasks it would be 4."""
    chosen = selector(np.append(np.arange(20) / 20, np.full(20, NAN)))
    assert {task for _ in range(20) for task in chosen.select(1).tolist()} == {0, 1}


def test_at_least_one_task_is_kept():
    assert selector([0.7, 0.3, 0.9]).select(1).tolist() == [1]


def test_which_of_the_unsolved_tasks_are_kept_is_a_matter_of_chance():
    """200 draws of 10 out of 50: chi-square with 49 degrees of freedom, false-alarm rate 0.1 %."""
    counts = np.zeros(50)
    for seed in range(200):
        counts[selector(np.append(np.zeros(50), np.ones(50)), seed).select(10)] += 1
    variance = 40 * (1 - 10 / 50) * 50 / 49
    assert ((counts - 40) ** 2 / variance).sum() < 85.4


def test_a_share_of_one_is_epoch_shuffle():
    chosen = selector(np.arange(12) / 12, share=1)
    assert sorted(np.concatenate([chosen.select(4) for _ in range(3)])) == list(range(12))


@pytest.mark.parametrize("wrong", [0.0, 1.5, -1, NAN, "all"])
def test_impossible_shares_are_refused(wrong):
    with pytest.raises(ValueError, match="share"):
        selector([0.5, 0.6], share=wrong)


def test_labels_are_needed():
    with pytest.raises(ValueError, match="hardest-decile needs"):
        HardestDecileSelector(Pool.numbered(3), rng())

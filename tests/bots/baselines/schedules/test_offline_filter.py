import numpy as np
import pytest

from bots import Feedback, Pool
from bots.baselines.schedules.offline_filter import OfflineFilterSelector

NAN = float("nan")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def selector(rates, seed: int = 0, **options) -> OfflineFilterSelector:
    return OfflineFilterSelector(Pool.numbered(len(rates), {"weak": rates}), rng(seed), **options)


def test_each_epoch_holds_the_tasks_of_the_interval_and_its_ends():
    """By hand: 0.2, 0.5, 0.8 and 0.3 lie in [0.2, 0.8]; 0.19, 0.81, 0, 1 and NaN do not."""
    chosen = selector([0.2, 0.19, 0.5, 0.81, 0.8, 0.0, 1.0, NAN, 0.3])
    epochs = [np.concatenate([chosen.select(2) for _ in range(2)]) for _ in range(20)]
    assert {tuple(sorted(epoch)) for epoch in epochs} == {(0, 2, 4, 8)}
    assert len({tuple(epoch) for epoch in epochs}) > 5
    assert chosen.metrics() == {"offline_filter/kept": 4 / 9}


def test_the_nearest_stand_in_and_unmeasured_tasks_come_last():
    """By hand: the distances of tasks 1 to 4 are 0.1, 0.05, none known, and 0.2."""
    chosen = selector([0.5, 0.1, 0.85, NAN, 1.0])
    assert [set(chosen.select(size).tolist()) for size in (1, 2, 3, 4, 5)] == [
        {0},
        {0, 2},
        {0, 2, 1},
        {0, 2, 1, 4},
        {0, 1, 2, 3, 4},
    ]
    assert chosen.select(2, [0, 2]).tolist() == [1, 4]
    assert chosen.select(1, [0, 1, 2, 4]).tolist() == [3]


def test_what_it_is_told_changes_nothing():
    told, silent = selector(np.linspace(0, 1, 40)), selector(np.linspace(0, 1, 40))
    for _ in range(10):
        ids = told.select(6)
        assert ids.tolist() == silent.select(6).tolist()
        told.update(Feedback(ids, np.zeros(6), np.full(6, 8)))


def test_the_whole_interval_is_epoch_shuffle_over_measured_tasks():
    chosen = selector([0.0, 1.0, NAN, 0.5], low=0.0, high=1.0)
    assert sorted(chosen.select(3).tolist()) == [0, 1, 3]


def test_an_empty_interval_serves_the_nearest():
    chosen = selector([0.0, 0.1, 1.0, 0.9], low=0.4, high=0.55)
    assert [sorted(chosen.select(2).tolist()) for _ in range(3)] == [[1, 3]] * 3


@pytest.mark.parametrize(
    "wrong", [{"low": -0.1}, {"high": 1.1}, {"low": 0.6, "high": 0.4}, {"low": "0.2"}]
)
def test_impossible_intervals_are_refused(wrong):
    with pytest.raises(ValueError, match=list(wrong)[-1]):
        selector([0.5, 0.6], **wrong)


def test_labels_are_needed():
    with pytest.raises(ValueError, match=r"offline-filter needs .* add the solve rates"):
        OfflineFilterSelector(Pool.numbered(3, {"strong": [0.1, 0.2, 0.3]}), rng())
    with pytest.raises(ValueError, match="measure at least one"):
        selector([NAN, NAN])

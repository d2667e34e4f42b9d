import math

import numpy as np
import pytest

from bots import Feedback, Pool
from bots.baselines.schedules.adarft import AdaRFTSelector

NAN = float("nan")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def selector(rates, seed: int = 0, **options) -> AdaRFTSelector:
    return AdaRFTSelector(Pool.numbered(len(rates), {"weak": rates}), rng(seed), **options)


def target(chosen: AdaRFTSelector) -> float:
    return chosen.metrics()["adarft/target_difficulty"]


def test_three_steps_by_hand():
    """Labels 0, 10, ..., 100. All solved: T = 50 tanh(1) = 38.08, nearest 40 and 30.

    Then 3 of 4 and 2 of 4 solved, r = 5/8: T = 38.08 + 50 tanh(1/4) = 50.33, nearest 50 and 60.
    Then nothing solved: T = 50.33 - 38.08 = 12.25, nearest 10 and 20.
    """
    chosen = selector(1 - np.arange(11) / 10)
    assert sorted(chosen.select(2)) == [0, 1]
    chosen.update(Feedback([0, 1], [4, 4], [4, 4]))
    assert target(chosen) == pytest.approx(38.0797, abs=1e-4)
    assert sorted(chosen.select(2)) == [3, 4]
    chosen.update(Feedback([3, 4], [3, 2], [4, 4]))
    assert target(chosen) == pytest.approx(50.3257, abs=1e-4)
    assert sorted(chosen.select(2)) == [5, 6]
    chosen.update(Feedback([5, 6], [0, 0], [4, 4]))
    assert target(chosen) == pytest.approx(12.2460, abs=1e-4)
    assert sorted(chosen.select(2)) == [1, 2]


def test_the_mean_is_over_rollouts_not_over_groups():
    """By hand: 1 of 2 and 0 of 6 solved, r = 1/8."""
    chosen = selector([0.5, 0.5], step_size=10, sensitivity=1, target=0.25, start=50)
    chosen.update(Feedback([0, 1], [1, 0], [2, 6]))
    assert target(chosen) == pytest.approx(50 + 10 * math.tanh(1 / 8 - 1 / 4))


def test_the_target_stays_on_the_scale():
    chosen = selector([0.5, 0.5])
    chosen.update(Feedback([0], [0], [4]))
    assert target(chosen) == 0
    for _ in range(3):
        chosen.update(Feedback([0], [4], [4]))
    assert target(chosen) == 100


def test_the_same_tasks_come_again_while_the_target_stands_still():
    chosen = selector(rng(1).random(50))
    first = set(chosen.select(8).tolist())
    for _ in range(5):
        chosen.update(Feedback(sorted(first), np.full(8, 2), np.full(8, 4)))
        assert set(chosen.select(8).tolist()) == first


def test_ties_for_the_last_places_are_broken_at_random():
    """4000 draws of 2 out of 10: chi-square with 9 degrees of freedom, false-alarm rate 0.1 %."""
    chosen, counts = selector([1.0] + [0.5] * 10), np.zeros(10)
    for _ in range(4000):
        ids = chosen.select(3)
        assert 0 in ids
        counts[ids[ids > 0] - 1] += 1
    variance = 800 * (1 - 2 / 10) * 10 / 9
    assert ((counts - 800) ** 2 / variance).sum() < 27.9


def test_tasks_without_a_label_come_last_and_excluded_ones_never():
    chosen = selector([NAN, 0.0, 1.0, NAN])
    assert sorted(chosen.select(2)) == [1, 2]
    assert sorted(chosen.select(3))[1:] in ([1, 2], [2, 3])
    assert sorted(chosen.select(2, [1, 2])) == [0, 3]
    assert chosen.select(1, [0, 2, 3]).tolist() == [1]


def test_without_steps_it_stays_where_it_starts():
    chosen = selector([0.1, 0.5, 0.9], step_size=0, start=50)
    chosen.update(Feedback([0], [4], [4]))
    assert chosen.select(1).tolist() == [1]


@pytest.mark.parametrize(
    "wrong", [{"step_size": -1}, {"sensitivity": -1}, {"target": 1.5}, {"start": 101}]
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        selector([0.5, 0.6], **wrong)


def test_a_target_off_the_scale_is_refused_when_loaded():
    chosen = selector([0.5, 0.6])
    with pytest.raises(ValueError, match="difficulty"):
        chosen.load_state_dict(chosen.state_dict() | {"difficulty": 101.0})


def test_labels_are_needed():
    with pytest.raises(ValueError, match="adarft needs"):
        AdaRFTSelector(Pool.numbered(3), rng())

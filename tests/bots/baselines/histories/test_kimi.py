import numpy as np
import pytest

from bots import Feedback, Pool
from bots.baselines.histories.kimi import KimiSelector


def make(num_tasks: int, seed: int = 0, **options) -> KimiSelector:
    return KimiSelector(Pool.numbered(num_tasks), np.random.default_rng(seed), **options)


def test_kimi_by_hand():
    selector = make(3)
    assert selector.solve_rates().tolist() == [0, 0, 0]
    selector.update(Feedback([0, 1], [3, 8], [4, 8]))
    assert selector.solve_rates().tolist() == [0.75, 1, 0]
    selector.update(Feedback([0, 1], [0, 4], [4, 8]))
    assert selector.solve_rates().tolist() == [3 / 8, 12 / 16, 0]
    assert selector.metrics() == {"kimi/success_rate": 9 / 16, "kimi/seen": 2 / 3}


def test_a_decay_of_zero_goes_by_the_last_group_and_one_half_weighs_it_double():
    forgetful, halving = make(1, decay=0.0), make(1, decay=0.5)
    for selector in (forgetful, halving):
        selector.update(Feedback([0], [4], [4]))
        selector.update(Feedback([0], [1], [4]))
    assert forgetful.solve_rates().tolist() == [1 / 4]
    assert halving.solve_rates().tolist() == [(4 / 2 + 1) / (4 / 2 + 4)]


def test_tasks_are_drawn_in_proportion_to_their_failure_rates():
    """Weights 1, 3/4, 1/4, 0; chi-square, 2 degrees of freedom, false-alarm rate 0.1 %."""
    selector, counts = make(4), np.zeros(4)
    selector.update(Feedback([1, 2, 3], [2, 6, 8], [8, 8, 8]))
    for _ in range(4000):
        counts[selector.select(1)] += 1
    expected = 4000 * np.array([1, 0.75, 0.25]) / 2
    assert counts[3] == 0
    assert ((counts[:3] - expected) ** 2 / expected).sum() < 13.8


def test_solved_tasks_fill_up_a_batch():
    selector = make(4)
    selector.update(Feedback([0, 1, 2], [8, 8, 8], [8, 8, 8]))
    assert set(selector.select(2, [0]).tolist()) in ({3, 1}, {3, 2})
    assert set(selector.select(2, [0, 3]).tolist()) == {1, 2}


@pytest.mark.parametrize("decay", [-0.1, 1.1, np.nan])
def test_kimi_refuses_impossible_settings(decay):
    with pytest.raises(ValueError, match="decay"):
        make(4, decay=decay)

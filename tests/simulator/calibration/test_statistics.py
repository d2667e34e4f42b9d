import numpy as np
import pytest

from simulator.calibration.statistics import bin_names, lags, paths, statistics


def independent(tasks=400, visits=24, seed=0):
    rng = np.random.default_rng(seed)
    return rng.binomial(8, rng.random((tasks, 1)), (tasks, visits)) / 8


def test_shares_of_groups_add_up():
    lines = paths(independent())
    assert lines["all wrong"] + lines["all right"] + lines["informative"] == pytest.approx(1)


def test_known_answers():
    rates_KV = np.array([[0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 1, 1, 1, 1, 1, 1.0]])
    figures = statistics(rates_KV, 8)
    assert figures["never solved"] == 0.5
    assert figures["mean reward, visit 7"] == 0.5
    assert figures["all wrong again"] == pytest.approx(8 / 9)
    assert figures["all right again"] == 1
    assert figures["no signal again"] == 1
    assert figures["mean change from [0, 0.02)"] == 0
    assert figures["mean change from [0.5, 0.7)"] == 0.5


def test_a_task_that_is_mastered_and_lost_counts_as_forgotten():
    rates_KV = np.array([[1.0] * 6 + [0.0] * 6, [1.0] * 12])
    assert statistics(rates_KV, 8)["once at 0.75, below 0.5 at the end"] == 0.5


def test_rates_that_do_not_move_correlate_equally_at_all_lags():
    figures = statistics(independent(), 8)
    for lag in lags(24):
        assert figures[f"correlation at lag {lag}"] == pytest.approx(0.8, abs=0.03)


def test_the_order_of_tasks_does_not_matter():
    rates_KV = independent()
    shuffled = np.random.default_rng(1).permutation(rates_KV)
    assert statistics(rates_KV, 8) == pytest.approx(statistics(shuffled, 8), nan_ok=True)


def test_one_mode_of_improvement_shows_in_the_first_component():
    slope_K1 = np.random.default_rng(0).random((300, 1)) * 6
    rates_KV = 1 / (1 + np.exp(2 - slope_K1 * np.linspace(0, 1, 40)))
    assert statistics(rates_KV, 8)["share of the first principal component"] > 0.9


def test_bins_cover_all_rates():
    assert bin_names()[0] == "[0, 0.02)"
    assert bin_names()[-1] == "[0.9, 1]"

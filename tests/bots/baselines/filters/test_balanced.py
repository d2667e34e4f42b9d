import numpy as np
import pytest

from bots.baselines.filters.balanced import BalancedFilter
from tests.bots.baselines.filters.scripted import Scripted, tasks


def test_rounds_of_what_is_missing_until_the_batch_is_full():
    """B = 3: of 3 tasks 2 are balanced, of 1 none, of 1 one; the ends of the interval belong."""
    world = Scripted([0.25, 0.0, 0.75, 0.875, 0.5, 0.5])
    trained, held = world.step(BalancedFilter(), 3, 8)
    assert tasks(trained) == [0, 2, 4]
    assert world.asked == [3, 1, 1]
    assert held is None


def test_groups_outside_the_interval_teach_but_are_dropped():
    world = Scripted([0.125, 0.5, 0.875, 0.5])
    assert tasks(world.step(BalancedFilter(), 2, 8)[0]) == [1, 3]


def test_the_widest_interval_keeps_all_that_came_back():
    world = Scripted([0.0, np.nan, 1.0])
    trained, _ = world.step(BalancedFilter(0.0, 1.0), 2, 4)
    assert tasks(trained) == [0, 2]


def test_what_was_found_is_trained_on_when_rounds_run_out():
    world = Scripted([0.5] + [0.0] * 5)
    assert tasks(world.step(BalancedFilter(max_rounds=3), 2, 4)[0]) == [0]
    assert world.asked == [2, 1, 1]
    world = Scripted([0.0] * 5)
    assert world.step(BalancedFilter(max_rounds=2), 2, 4)[0] is None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"low": -0.1}, "low"),
        ({"low": 0.6, "high": 0.5}, "high"),
        ({"high": 1.5}, "high"),
        ({"max_rounds": 0}, "max_rounds"),
    ],
)
def test_impossible_settings_are_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        BalancedFilter(**wrong)

import numpy as np
import pytest

from bots.baselines.filters.lilo import Learnability
from tests.bots.baselines.filters.scripted import Scripted, tasks


def test_the_most_learnable_of_four_times_as_many_candidates():
    """p (1 - p) of 8 candidates: 0, .1875, .25, 0, .1094, .2344, .1875, lost; B = 2, then 3."""
    rates = [0.0, 0.25, 0.5, 1.0, 0.125, 0.375, 0.75, np.nan]
    world = Scripted(rates)
    assert tasks(world.step(Learnability(100), 2, 8)[0]) == [2, 5]
    assert world.rolled == [(list(range(8)), 8)]
    world = Scripted(rates)
    assert tasks(world.step(Learnability(100, ratio=8 / 3), 3, 8)[0]) == [2, 5, 1]


def test_a_full_batch_even_of_groups_that_teach_nothing():
    assert tasks(Scripted([1.0, 0.0, 0.5, 1.0]).step(Learnability(9, ratio=2), 2, 4)[0]) == [2, 0]


def test_one_candidate_per_place_is_no_choice():
    world = Scripted([0.0, 0.5, 1.0])
    assert sorted(tasks(world.step(Learnability(9, ratio=1), 3, 4)[0])) == [0, 1, 2]


def test_candidates_are_no_more_than_the_tasks_that_are_there():
    world = Scripted([0.5] * 10)
    world.step(Learnability(10), 4, 4, absent=[8, 9, 9])
    assert world.asked == [8]


@pytest.mark.parametrize(
    ("arguments", "says"), [((0,), "num_tasks"), ((9, 0.5), "ratio"), ((9, np.inf), "ratio")]
)
def test_impossible_settings_are_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        Learnability(*arguments)

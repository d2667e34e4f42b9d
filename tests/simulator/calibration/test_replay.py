from dataclasses import replace

import numpy as np
import pytest

from simulator import LearnerLaw, Scenario
from simulator.calibration.replay import batches, grown, steps_for, visited

SMALL = Scenario("small", "", num_tasks=50, batch_size=16, group_size=8, steps=40, num_heldout=10)


@pytest.mark.parametrize("batch_size", [1, 7, 16, 49, 50])
def test_every_epoch_visits_every_task_once(batch_size):
    scenario = replace(SMALL, batch_size=batch_size)
    visits_N = np.zeros(50, dtype=int)
    for ids_B in batches(scenario, 3, 60):
        assert len(set(ids_B)) == batch_size
        visits_N[ids_B] += 1
        assert visits_N.max() - visits_N.min() <= 2
    assert visits_N.sum() == 60 * batch_size


def test_all_visits_are_filled():
    rates_NV = visited(SMALL, 0, 9)
    assert rates_NV.shape == (50, 9)
    assert np.isin(rates_NV, np.arange(9) / 8).all()
    assert steps_for(SMALL, 9) == 29


def test_the_seed_decides_everything():
    assert np.array_equal(visited(SMALL, 1, 5), visited(SMALL, 1, 5))
    assert not np.array_equal(visited(SMALL, 1, 5), visited(SMALL, 2, 5))


def test_growth_rises_with_the_learning_rate():
    totals = [
        grown(replace(SMALL, law=LearnerLaw(learning_rate=rate)), 0).total
        for rate in (0.0, 0.01, 0.02)
    ]
    assert totals[0] == 0
    assert 0 < totals[1] < totals[2]

import itertools

import numpy as np
import pytest

from bench.replay.chances import chances
from bench.replay.log import log_of
from bench.replay.walk import walk
from bots.baselines import ShuffleSelector
from simulator import Scenario
from simulator.calibration.replay import batches
from tests.bench.replay import logs
from tests.bench.replay.test_log import by_visit


def stands_for_all(log, rule):
    """Weights 1 / pi of the logged groups add up to the tasks that had a chance."""
    for of_step, rows_B in zip(chances(log, rule), log.batches(), strict=True):
        assert (1 / of_step.logged_B).sum() == pytest.approx(of_step.reached_N.sum())
        assert of_step.reached_N[log.trace.task_R[rows_B]].all()
        yield of_step


def test_uniform_choice_gives_every_task_the_same_chance():
    log = logs.uniform(60, 10, 20)
    found = list(stands_for_all(log, "uniform"))
    assert all((of_step.logged_B == 10 / log.pool.num_tasks).all() for of_step in found)
    assert len(found) == 20


def test_in_an_epoch_only_tasks_that_wait_have_a_chance():
    found = list(stands_for_all(logs.shuffled(60, 10, 3), "shuffle"))
    assert [of_step.reached_N.sum() for of_step in found] == [60, 50, 40, 30, 20, 10] * 3
    assert found[5].logged_B.tolist() == [1.0] * 10


def test_a_remainder_that_was_dropped_begins_a_new_epoch():
    found = list(stands_for_all(logs.shuffled(64, 10, 3), "shuffle"))
    assert [of_step.reached_N.sum() for of_step in found] == [64, 54, 44, 34, 24, 14] * 3


def test_a_loader_that_fills_up_from_the_next_epoch_is_understood():
    scenario = Scenario("s", "", num_tasks=64, num_heldout=5, batch_size=10, group_size=8)
    log = logs.of_batches([ids.tolist() for ids in batches(scenario, 0, 26)], 64)
    found = list(stands_for_all(log, "shuffle"))
    filled = [of_step for of_step in found if len(set(of_step.logged_B)) == 2]
    assert filled
    assert all(of_step.logged_B.max() == 1 for of_step in filled)
    assert all(of_step.reached_N.all() for of_step in filled)


def test_the_shuffle_of_this_project_is_in_epoch_order():
    log = logs.uniform(64, 10, 1)
    selector = ShuffleSelector(log.pool, np.random.default_rng(0))
    drawn = [selector.select(10).tolist() for _ in range(40)]
    tasks = max(max(batch) for batch in drawn) + 1
    list(stands_for_all(logs.of_batches(drawn, tasks), "shuffle"))


def test_a_log_by_visit_is_in_epoch_order_by_our_own_hand():
    log = log_of(by_visit(60, 2), steps_per_visit=6)
    found = list(stands_for_all(log, "shuffle"))
    assert [of_step.reached_N.sum() for of_step in found] == [60, 50, 40, 30, 20, 10] * 2


def test_a_log_in_another_order_is_refused():
    with pytest.raises(ValueError, match="not in epoch order"):
        chances(logs.uniform(60, 10, 20), "shuffle")


def test_logged_chances_are_taken_as_they_are():
    log = logs.of_batches([[0, 1], [2, 1]], 3, inclusion=[0.1, 0.2, 0.3, 0.4])
    found = chances(log, None)
    by_task = [
        dict(zip(log.trace.task_R[rows].tolist(), of_step.logged_B.tolist(), strict=True))
        for of_step, rows in zip(found, log.batches(), strict=True)
    ]
    assert by_task == [{0: 0.1, 1: 0.2}, {2: 0.3, 1: 0.4}]
    assert all(of_step.reached_N.all() for of_step in found)


def test_nothing_is_known_of_a_log_that_does_not_say():
    assert chances(logs.uniform(), None) is None


def test_an_unknown_rule_is_refused():
    with pytest.raises(ValueError, match="must be one of uniform, shuffle"):
        chances(logs.uniform(), "sorted")


def test_a_shuffled_log_ends_where_it_ends():
    log = logs.shuffled(60, 10, 2)
    selector = ShuffleSelector(log.pool, np.random.default_rng(0))
    walked = walk(log, selector, ask=5)
    assert walked.asked_TB.shape == (12, 5)
    assert len(list(itertools.islice(log.batches(), 100))) == 12

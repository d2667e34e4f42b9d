import itertools

import numpy as np
import pytest

from bench.replay.chances import Chances, chances
from bench.replay.offpolicy import off_policy
from tests.bench.replay import logs


def informative_tasks(log) -> np.ndarray:
    """Share of informative groups, by task."""
    tasks = log.trace.task_R
    return np.bincount(tasks, log.informative_R) / np.bincount(tasks)


def constant(batches, num_tasks, **columns):
    """A log in which a task's groups are all informative or none, by its number."""
    log = logs.of_batches(batches, num_tasks, **columns)
    log.trace.successes_R[:] = np.where(log.trace.task_R % 3 == 0, 4, 0)
    return log


def test_over_all_batches_that_may_be_drawn_it_is_exact():
    """Each of the 20 batches of 3 of 6 tasks comes once; the mean weight of every task is 1."""
    batches = [list(ids) for ids in itertools.combinations(range(6), 3)] * 2
    log = constant(batches, 6)
    for choice in ([0, 1], [0, 1, 2, 3], [1, 2, 4, 5], [0, 3]):
        found = off_policy(log, chances(log, "uniform"), [np.array(choice)] * 40)
        exact = np.mean([task % 3 == 0 for task in choice])
        assert found.horvitz_thompson == pytest.approx(exact)
        assert found.share.value == pytest.approx(exact)
        assert found.coverage == 1


def test_unequal_chances_are_weighed_out():
    """Task 0, the only informative one of three, is drawn nine times as often as each other."""
    batches = [[0]] * 90 + [[1]] * 10 + [[2]] * 10
    log = constant(batches, 3, inclusion=[9 / 11] * 90 + [1 / 11] * 20)
    everyone = [np.arange(3)] * 110
    found = off_policy(log, chances(log, None), everyone)
    assert found.share.value == pytest.approx(1 / 3)
    assert found.horvitz_thompson == pytest.approx(1 / 3)
    naive = off_policy(log, chances(log, "uniform"), everyone)
    assert naive.share.value == pytest.approx(90 / 110)
    assert found.effective < naive.effective == 110


def test_choices_without_a_chance_are_left_out_and_reported():
    log = constant([order for order in ([0, 1], [2, 3]) for _ in range(1)] * 20, 4)
    found = off_policy(log, chances(log, "shuffle"), [np.array([0, 1])] * 40)
    assert found.coverage == 0.5
    assert found.share.value == 0.5
    assert found.groups == 40


def test_too_little_in_common_is_refused():
    log = logs.shuffled(60, 10, 6)
    never = [np.flatnonzero(~of_step.reached_N)[:5] for of_step in chances(log, "shuffle")]
    never = [ids if ids.size else np.arange(1) for ids in never]
    with pytest.raises(ValueError, match=r"had a chance to be logged.*longer log"):
        off_policy(log, chances(log, "shuffle"), never)
    short = logs.uniform(60, 10, 6)
    with pytest.raises(ValueError, match="at least 10% and 20"):
        off_policy(short, chances(short, "uniform"), [np.arange(5)] * 6)


@pytest.mark.integration
def test_intervals_hold_the_exact_share():
    """60 logs of known rates, of which 52 or more intervals shall hold the truth.

    At the nominal 95 %, fewer than 52 come with a chance of 7 in 1,000.
    """
    rates_N = logs.rates(60)
    asked = np.arange(20, 50)
    true = (1 - rates_N**8 - (1 - rates_N) ** 8)[asked].mean()
    inside = 0
    for seed in range(60):
        log = logs.uniform(60, 10, 60, seed=100 + seed)
        found = off_policy(log, chances(log, "uniform"), [asked] * 60, seed)
        inside += found.share.low <= true <= found.share.high
    assert inside >= 52


def test_an_interval_is_no_point_when_all_groups_are_informative():
    log = constant([[0, 3]] * 40, 4)
    found = off_policy(log, [Chances(np.ones(2), np.ones(4, bool))] * 40, [np.array([0, 3])] * 40)
    assert found.share.value == 1
    assert 0.9 < found.share.low < 1


def test_shares_are_of_the_tasks_asked_for():
    log = logs.uniform(60, 10, 200)
    shares_N = informative_tasks(log)
    for choice in (np.arange(5), np.arange(25, 35)):
        found = off_policy(log, chances(log, "uniform"), [choice] * 200)
        assert found.share.value == pytest.approx(shares_N[choice].mean(), abs=0.05)

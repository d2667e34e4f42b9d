import numpy as np
import pytest

from bench.replay.verify import exact, record, small_scenario, table, verify
from bench.replay.walk import made, walk

SMALL = small_scenario(num_tasks=150, steps=40)


@pytest.mark.parametrize("logger", ["uniform", "shuffle", "bots-live:coverage=0.2"])
def test_a_recorded_log_is_of_the_run_and_its_chances_are_sound(logger):
    """Weights of 40 batches add up to the tasks with a chance, within a fifth."""
    recorded = record(SMALL, logger, 0)
    log = recorded.log
    assert log.num_steps == 40
    assert np.bincount(log.step_R).tolist() == [32] * 40
    stands_for = sum((1 / of_step.logged_B).sum() for of_step in recorded.chances_T)
    reached = sum(of_step.reached_N.sum() for of_step in recorded.chances_T)
    assert stands_for == pytest.approx(reached, rel=0.2)
    rates_R = recorded.true_TN[log.step_R, log.trace.task_R]
    gap_R = log.trace.successes_R / 8 - rates_R
    assert abs(gap_R.mean()) < 4 * gap_R.std() / np.sqrt(gap_R.size)


def test_the_exact_share_is_that_of_the_covered_choices():
    recorded = record(SMALL, "shuffle", 0)
    selector = made(recorded.log, "mopps", 0).selector
    asked_TB = walk(recorded.log, selector, 10).asked_TB
    chances_T = [
        1 - recorded.true_TN[t, k] ** 8 - (1 - recorded.true_TN[t, k]) ** 8
        for t, of_step in enumerate(recorded.chances_T)
        for k in asked_TB[t]
        if of_step.reached_N[k]
    ]
    assert exact(recorded, asked_TB, 8) == pytest.approx(np.mean(chances_T))


@pytest.mark.integration
def test_estimates_from_logs_agree_with_the_truth():
    """Two selectors along 10 uniform logs, and 10 of the live selector: 34 of 40 intervals hold it.

    At the nominal 95 %, fewer than 34 come with a chance of 3 in 1,000. The mean error of each of
    the four is within 5 standard errors of none: a false alarm in 300.
    """
    cases = verify(SMALL, ["uniform", "bots-live:coverage=0.3"], ["mopps", "bots"], range(10))
    assert sum(int(case.inside_L.sum()) for case in cases) >= 34
    for case in cases:
        assert abs(case.error_L.mean()) < 5 * case.error_L.std(ddof=1) / np.sqrt(10)
        assert 0 < case.own_L.mean() < 1
    assert len(table(cases).rows) == 4

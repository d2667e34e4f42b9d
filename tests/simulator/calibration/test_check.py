from dataclasses import replace

import numpy as np
import pytest

from simulator import SCENARIOS, LearnerLaw, Normal, Scenario, alike
from simulator.calibration.check import check
from simulator.calibration.picture import draw
from simulator.calibration.replay import resized
from simulator.calibration.trace import from_columns
from tests.simulator.calibration.replicas import logged

POOL = resized(SCENARIOS["base"], num_tasks=300, batch_size=60, num_heldout=10, group_size=8)


@pytest.fixture(scope="module")
def trace():
    return logged(POOL, 1000, 16, 250)


@pytest.fixture(scope="module")
def found(trace):
    return check(POOL, trace, 40)


@pytest.mark.integration
def test_a_run_of_the_scenario_itself_is_mostly_inside(found):
    # As many outside as the worst of 20 replicas would have; 3 seeds in 60 do.
    outside = np.count_nonzero(found.judged_M & ~found.inside_M)
    assert outside <= np.percentile(found.outside_by_chance(), 95)
    assert np.count_nonzero(found.judged_M) >= 40


@pytest.mark.integration
@pytest.mark.parametrize(
    "wrong",
    [
        replace(POOL, law=LearnerLaw(learning_rate=0.3)),
        replace(POOL, population=replace(POOL.population, domains=alike(unsolvable=0.4))),
        replace(POOL, population=replace(POOL.population, domains=alike(logit=(Normal(sd=5.5),)))),
    ],
    ids=["too fast", "hopeless", "two kinds"],
)
def test_a_wrong_scenario_is_flagged(wrong, trace):
    found = check(wrong, trace, 20)
    outside = np.count_nonzero(found.judged_M & ~found.inside_M)
    assert outside > np.percentile(found.outside_by_chance(), 95)
    assert "**outside**" in found.table()


@pytest.mark.integration
def test_the_same_command_gives_the_same_table(trace):
    assert check(POOL, trace, 10).table() == check(POOL, trace, 10).table()


@pytest.mark.integration
def test_by_chance_a_tenth_is_outside(found):
    share = found.outside_by_chance().mean() / np.count_nonzero(found.judged_M)
    assert 0.08 < share < 0.2  # a little more than 0.1, as 39 replicas leave the band narrow


def test_tasks_with_few_visits_are_left_out(trace):
    short = (trace.visit_R < 10) | (trace.task_R >= 5)
    cut = from_columns(
        trace.names_K[trace.task_R][short],
        trace.when_R[short],
        trace.successes_R[short],
        trace.trials_R[short],
        by_step=False,
    )
    found = check(POOL, cut, 10)
    assert (found.tasks, found.dropped) == (245, 5)


@pytest.mark.integration
def test_the_picture_is_small(found, tmp_path):
    draw(found, tmp_path / "p.png", "title")
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "p.png").stat().st_size < 150_000


@pytest.mark.parametrize(
    ("scenario", "visits", "replicas", "complaint"),
    [
        (POOL, 16, 9, "replicas is 9; a band needs at least 10"),
        (POOL, 7, 10, "have 7 visits or more; a check needs 8"),
        (resized(POOL, num_tasks=200), 16, 10, "the log has 250 tasks, the scenario's pool 200"),
        (resized(POOL, num_tasks=10**6), 16, 10, "give the pool and batch size of the run"),
    ],
)
def test_what_cannot_be_compared_is_refused(scenario: Scenario, visits, replicas, complaint):
    trace = logged(POOL, 0, visits, 250)
    with pytest.raises(ValueError, match=complaint):
        check(scenario, trace, replicas)

import numpy as np
import pytest

from simulator import LearnerLaw, Population, Scenario, alike
from simulator.calibration.estimation import Comparison, Estimates, estimate
from simulator.calibration.fit import calibrate
from simulator.calibration.likelihood import Fit
from simulator.calibration.parameters import Layout
from simulator.calibration.replay import grown
from simulator.calibration.state_space import Accuracy, Observations
from tests.simulator.calibration.replicas import logged

BLANK = Scenario("x", "", num_tasks=200, batch_size=40, group_size=8, steps=100, num_heldout=10)
SMALL = 1e-4


def estimates(own: float, statistic: float, drift: float = 0.8) -> Estimates:
    """As if they had been estimated: growth of `drift` over 100 steps."""
    rows = np.arange(2)
    observations = Observations(
        np.array([0, 2]), rows * 99.0, rows, rows + 8, np.array([True]), 100.0
    )

    def fit(layout: Layout) -> Fit:
        head = [-1.0, np.log(2.0), np.log(0.1 / 0.9), 0.3, drift, 0.2, np.log(0.02), np.log(0.5)]
        vector = np.array([*head, *[own * 10] * layout.own])
        return Fit(observations, layout, vector, -1.0, SMALL * np.eye(vector.size))

    test = Comparison("own", own, 0.001, statistic)
    middle = Comparison("middle", 0.0, 0.001, 0.0)
    own_fit = fit(Layout(segments=1, own=True))
    return Estimates(fit(Layout(segments=1)), (1.0, 2.0), middle, test, test, own_fit)


@pytest.mark.integration
def test_the_scenario_has_the_fitted_law():
    done = calibrate(estimates(0.0, 0.0), BLANK)
    domain, law = done.scenario.population.domains[0], done.scenario.law
    assert [(part.share, part.mean, round(part.sd, 9)) for part in domain.logit] == [(1, -1, 2)]
    assert domain.unsolvable == pytest.approx(0.1)
    assert domain.slope_sd == pytest.approx(0.5)
    assert domain.slope_correlation == pytest.approx(0.9 * np.tanh(0.3))
    assert law.drift_sd == pytest.approx(0.02 * 20)
    assert law.sharpening == pytest.approx(0.002 * 100 / (3 * 0.8))
    assert law.memory_rate == 0
    assert "memory_rate is 0" in done.table()


@pytest.mark.integration
def test_the_scenario_grows_as_far_as_the_fit():
    done = calibrate(estimates(0.0, 0.0), BLANK)
    totals = [grown(done.scenario, seed).total for seed in range(3)]
    assert np.mean(totals) == pytest.approx(0.8, rel=0.01)
    row = next(row for row in done.rows if row.name == "learning_rate")
    assert row.value == done.scenario.law.learning_rate
    relative = 0.01 / 0.8  # the covariance above, in units of drift
    assert row.error / row.value == pytest.approx(relative, rel=0.3)


@pytest.mark.integration
def test_an_insignificant_or_negative_own_effect_is_none():
    assert calibrate(estimates(0.02, 1.0), BLANK).scenario.law.memory_rate == 0
    assert calibrate(estimates(-0.02, 10.0), BLANK).scenario.law.memory_rate == 0


@pytest.mark.integration
def test_memory_moves_a_half_solved_task_by_the_own_effect():
    scenario = calibrate(estimates(0.02, 10.0), BLANK).scenario
    law, run = scenario.law, grown(scenario, 0)
    per_visit = law.memory_rate * run.step_size * 0.5 / run.informative
    assert per_visit == pytest.approx(0.02, rel=0.05)


def test_without_growth_nothing_is_learnt():
    assert calibrate(estimates(0.0, 0.0, drift=-0.1), BLANK).scenario.law.learning_rate == 0


@pytest.mark.integration
def test_growth_beyond_reach_is_refused():
    with pytest.raises(ValueError, match="no learning rate up to 10 makes abilities grow"):
        calibrate(estimates(0.0, 0.0, drift=60.0), BLANK)


def test_too_short_a_trace_is_refused():
    with pytest.raises(ValueError, match="a fit needs at least 20 tasks and 3 visits"):
        estimate(logged(BLANK, 0, 2, 100), 5.0)


@pytest.mark.slow
def test_a_scenario_is_recovered_from_its_own_run():
    # One run: its growth differs from the mean by a few percent beyond the standard errors.
    truth = Scenario(
        "truth",
        "",
        Population(alike(unsolvable=0.1, slope_sd=0.4)),
        LearnerLaw(learning_rate=0.05, memory_rate=0.0),
        num_tasks=400,
        batch_size=50,
        group_size=8,
        steps=160,
    )
    trace = logged(truth, 3, 20, 400)
    done = calibrate(estimate(trace, 8.0, Accuracy(0.4, 6), segments=2), truth)
    law, domain = done.scenario.law, done.scenario.population.domains[0]
    assert law.learning_rate == pytest.approx(0.05, rel=0.3)
    assert law.sharpening == pytest.approx(0.22, abs=0.25)
    assert domain.unsolvable == pytest.approx(0.1, abs=0.08)
    assert domain.logit[0].mean == pytest.approx(-1.0, abs=0.6)
    assert domain.logit[0].sd == pytest.approx(2.5, abs=0.5)

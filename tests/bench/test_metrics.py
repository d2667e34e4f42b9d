import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from bench import metrics

COST = np.array([0.0, 10.0, 20.0, 30.0])
SCORE = np.array([0.1, 0.2, 0.4, 0.3])
rates = st.lists(st.floats(0.01, 0.99), min_size=2, max_size=60)


def test_belief_scores_match_a_simulated_rollout_of_every_task():
    """Against 4,000 rollouts per task, within 1 %."""
    rng = np.random.default_rng(0)
    true, predicted = rng.random(200), np.round(rng.random(200), 1).clip(0.05, 0.95)
    outcomes = rng.random((4000, 200)) < true
    scores = metrics.belief_scores(predicted, true)
    assert_allclose(scores["brier"], ((outcomes - predicted) ** 2).mean(), rtol=0.01)
    chosen = np.where(outcomes, predicted, 1 - predicted)
    assert_allclose(scores["log_loss"], -np.log(chosen).mean(), rtol=0.01)
    success = np.repeat(predicted, outcomes.sum(axis=0))
    failure = np.repeat(predicted, (~outcomes).sum(axis=0))
    pairs = rng.choice(success, 200_000), rng.choice(failure, 200_000)
    auc = (pairs[0] > pairs[1]).mean() + (pairs[0] == pairs[1]).mean() / 2
    assert_allclose(scores["auc"], auc, atol=0.005)


@given(rates)
def test_the_truth_is_calibrated_and_scores_best(true):
    true = np.array(true)
    best = metrics.belief_scores(true, true)
    assert best["calibration_error"] == pytest.approx(0, abs=1e-12)
    assert best["brier_excess"] == pytest.approx(0, abs=1e-12)
    assert best["log_loss_excess"] == pytest.approx(0, abs=1e-12)
    for wrong in (np.full(true.size, 0.5), 1 - true):
        scores = metrics.belief_scores(wrong, true)
        assert scores["brier"] >= best["brier"] - 1e-12
        assert scores["log_loss"] >= best["log_loss"] - 1e-12
        for name in ("brier", "log_loss"):
            excess = scores[name] - best[name]
            assert scores[f"{name}_excess"] == pytest.approx(excess, abs=1e-9)


def test_a_constant_prediction_has_no_discrimination():
    assert (
        metrics.belief_scores(np.full(50, 0.3), np.random.default_rng(0).random(50))["auc"] == 0.5
    )


def test_overconfident_predictions_have_a_finite_log_loss():
    assert np.isfinite(
        metrics.belief_scores(np.array([0.0, 1.0]), np.array([0.5, 0.5]))["log_loss"]
    )


def test_reliability_bins_hold_every_task():
    predicted, true = np.array([0.05, 0.07, 0.55, 1.0]), np.array([0.0, 0.2, 0.5, 0.9])
    table = metrics.reliability(predicted, true)
    assert table["tasks"] == [2, 0, 0, 0, 0, 1, 0, 0, 0, 1]
    assert_allclose([table["true"][0], table["true"][5], table["true"][9]], [0.1, 0.5, 0.9])


@pytest.mark.parametrize(
    ("target", "cost"),
    [(0.1, 0.0), (0.05, 0.0), (0.15, 5.0), (0.3, 15.0), (0.4, 20.0), (0.41, np.inf)],
)
def test_the_cost_to_reach_a_score_is_interpolated(target, cost):
    assert metrics.cost_to_reach(COST, SCORE, target) == pytest.approx(cost)


@pytest.mark.parametrize("fraction", [0.25, 0.5, 0.75, 1.0])
def test_a_run_compared_with_itself_is_exactly_as_fast_and_as_good(fraction):
    run = (COST, SCORE)
    assert metrics.time_to_best(run, run, fraction) == 1
    assert metrics.best_so_far_ratio(run, run, fraction * 30) == 1


@given(st.integers(0, 10_000))
def test_rounding_never_loses_the_last_percent(seed):
    rng = np.random.default_rng(seed)
    score = 0.1 + rng.random() * np.sort(rng.random(20))
    run = (np.arange(20.0), score)
    assert metrics.time_to_best(run, run, 1.0) == 1


def test_a_run_at_half_the_cost_takes_half_the_time():
    run, reference = (COST / 2, SCORE), (COST, SCORE)
    for fraction in (0.5, 0.75, 1.0):
        assert metrics.time_to_best(run, reference, fraction) == pytest.approx(0.5)


def test_an_unreached_target_is_infinite_and_a_reference_without_gain_gives_nothing():
    flat = (COST, np.full(4, 0.1))
    assert metrics.time_to_best(flat, (COST, SCORE), 0.5) == np.inf
    assert np.isnan(metrics.time_to_best((COST, SCORE), flat, 0.5))


def test_the_best_so_far_counts_only_what_the_budget_pays_for():
    assert metrics.best_so_far(COST, SCORE, 15.0) == pytest.approx(0.3)
    assert metrics.best_so_far(COST, SCORE, 30.0) == pytest.approx(0.4)


def test_the_area_is_the_mean_height():
    assert metrics.area(COST, np.full(4, 0.3), 25.0) == pytest.approx(0.3)
    assert metrics.area(COST, np.array([0.0, 1.0, 2.0, 3.0]), 30.0) == pytest.approx(1.5)


def test_a_curve_is_cut_where_the_budget_ends():
    cost, score = metrics.until(COST, SCORE, 15.0)
    assert cost.tolist() == [0, 10, 15]
    assert score == pytest.approx([0.1, 0.2, 0.3])
    assert metrics.until(COST, SCORE, 99.0)[0].tolist() == COST.tolist()


def test_a_reference_that_solves_nothing_has_no_best():
    nothing = (COST, np.zeros(4))
    assert np.isnan(metrics.best_so_far_ratio((COST, SCORE), nothing, 30.0))


SIMULATED = {
    "step": np.arange(4.0),
    "rollouts_generated": 8 * np.arange(4.0),
    "heldout": np.array([0.1, 0.2, np.nan, 0.3]),
    "generated_tokens": np.array([np.nan, 5.0, np.nan, 20.0]),
    "time/step": np.array([np.nan, 2.0, np.nan, 3.0]),
    "seconds/select": np.array([np.nan, 0.5, 0.5, 0.5]),
    "seconds/update": np.array([np.nan, 0.25, 0.25, 0.25]),
    "seconds/rollout": np.array([np.nan, 9.0, 9.0, 9.0]),
    "seconds/train": np.array([np.nan, 9.0, 9.0, 9.0]),
}
REAL = {name: column for name, column in SIMULATED.items() if name != "time/step"}


@pytest.mark.parametrize(
    ("axis", "cost"),
    [
        ("steps", [0, 1, 2, 3]),
        ("rollouts", [0, 8, 16, 24]),
        ("tokens", [0, 5, 5, 25]),
        ("seconds", [0, 2.75, 3.5, 7.25]),
    ],
)
def test_a_simulated_run_costs_simulated_time_and_measured_selection(axis, cost):
    assert metrics.costs(SIMULATED, axis).tolist() == cost
    assert metrics.evaluated(SIMULATED, axis)[0].tolist() == [cost[k] for k in (0, 1, 3)]


def test_a_real_run_costs_the_time_it_took():
    assert metrics.costs(REAL, "seconds").tolist() == [0, 18.75, 37.5, 56.25]


def test_a_run_has_the_axes_that_it_measured():
    bare = {name: SIMULATED[name] for name in ("step", "rollouts_generated", "heldout")}
    assert metrics.axes(bare, real=False) == ("steps", "rollouts")
    assert metrics.axes(bare, real=True) == ("steps", "rollouts", "seconds")
    assert metrics.axes(SIMULATED, real=False) == metrics.ALL_AXES


def test_a_run_that_never_trained_cost_no_tokens():
    never = {name: column for name, column in REAL.items() if name != "generated_tokens"}
    assert metrics.costs(never, "tokens").tolist() == [0, 0, 0, 0]

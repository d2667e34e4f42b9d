import numpy as np
import pytest

from bench.metrics import belief_scores
from bench.replay import log_of
from bench.replay.scores import _Judge, loss_over, scores
from bench.replay.trivial import trivial
from simulator.calibration.trace import from_columns
from tests.bench.replay import logs


def test_scores_are_those_of_the_benchmark_where_groups_are_equal():
    log = logs.uniform()
    predicted_R = np.random.default_rng(0).random(log.step_R.size)
    rates_R = log.trace.successes_R / log.trace.trials_R
    expected, found = belief_scores(predicted_R, rates_R), scores(predicted_R, log)
    for name in ("log_loss", "brier", "auc"):
        assert found[name].value == pytest.approx(expected[name])


def test_every_rollout_counts_as_one():
    """Rows of unequal groups score like their rollouts, each a row of its own."""
    rng = np.random.default_rng(0)
    trials, predicted = rng.integers(1, 9, 50), rng.random(50)
    successes = rng.binomial(trials, predicted)
    grouped = _Judge(predicted, successes, trials).scores(np.ones(50))
    outcomes = np.concatenate(
        [[1] * s + [0] * (n - s) for s, n in zip(successes, trials, strict=True)]
    )
    single = _Judge(np.repeat(predicted, trials), outcomes, np.ones_like(outcomes))
    assert grouped == pytest.approx(single.scores(np.ones(outcomes.size)))


def test_weights_repeat_rows():
    rng = np.random.default_rng(0)
    predicted, trials = rng.random(30), np.full(30, 8)
    successes, weights = rng.binomial(8, predicted), rng.integers(0, 4, 30)
    weighed = _Judge(predicted, successes, trials).scores(weights.astype(float))
    copies = (np.repeat(values, weights) for values in (predicted, successes, trials))
    repeated = _Judge(*copies).scores(np.ones(weights.sum()))
    assert weighed[:3] == pytest.approx(repeated[:3])  # bins are those of all rows


def test_calibration_error_is_the_gap_of_predictions_that_are_all_too_high():
    log = logs.uniform()
    true_R = log.trace.successes_R / 8
    assert scores(true_R, log)["calibration_error"].value == 0
    high = scores(np.full(true_R.size, 0.75), log)["calibration_error"].value
    assert high == pytest.approx(0.75 - true_R.mean())


def test_the_truth_beats_all_trivial_estimators():
    log = logs.uniform(60, 10, 200)
    true_R = logs.rates(60)[log.trace.task_R]
    best = scores(true_R, log)["log_loss"].value
    others = {name: scores(rates_R, log)["log_loss"] for name, rates_R in trivial(log).items()}
    assert best < min(other.value for other in others.values())
    assert others["own mean rate"].high < others["mean so far"].low


def test_differences_are_of_the_losses_and_paired():
    log = logs.uniform(60, 10, 200)
    true_R = logs.rates(60)[log.trace.task_R]
    near_R = np.clip(true_R + 0.02, 0, 1)
    found = loss_over(near_R, true_R, log)
    near, true = (scores(rates_R, log)["log_loss"] for rates_R in (near_R, true_R))
    assert found.value == pytest.approx(near.value - true.value)
    assert found.low <= found.value <= found.high
    assert found.high - found.low < (true.high - true.low) / 2


@pytest.mark.integration
def test_intervals_hold_the_score_that_more_tasks_would_show():
    """Predictions of one half for 60 tasks; 40 logs, of which 34 or more shall hold the truth.

    At the nominal 95 %, fewer than 34 come with a chance of 3 in 1,000.
    """
    inside = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        rates_K = rng.random(60)
        task_R, visit_R = (grid.ravel() for grid in np.meshgrid(np.arange(60), np.arange(3)))
        solved_R = rng.binomial(8, rates_K[task_R])
        names_R = np.array([f"{task:04d}" for task in task_R])
        log = log_of(from_columns(names_R, visit_R, solved_R, np.full(180, 8), by_step=True))
        found = scores(np.full(180, 0.3), log)["brier"]
        inside += found.low <= 0.5 * 0.7**2 + 0.5 * 0.3**2 <= found.high
    assert inside >= 34


def test_trivial_estimators_use_earlier_steps_alone():
    log = logs.of_batches(
        [[0, 1], [1, 2], [1, 0]], 3, **{"reference/weak": [0, 0.5, 0.5, np.nan, 0.5, 0]}
    )
    solved = {
        (int(task), int(step)): int(count)
        for task, step, count in zip(
            log.trace.task_R, log.step_R, log.trace.successes_R, strict=True
        )
    }
    row = {
        (int(k), int(t)): r
        for r, (k, t) in enumerate(zip(log.trace.task_R, log.step_R, strict=True))
    }
    found = trivial(log)
    first, second = solved[0, 0] + solved[1, 0], solved[1, 1] + solved[2, 1]
    mean = found["mean so far"]
    assert mean[row[0, 0]] == 0.5
    assert mean[row[2, 1]] == (first + 0.5) / 17
    assert mean[row[1, 2]] == (first + second + 0.5) / 33
    last, own = found["own last rate"], found["own mean rate"]
    assert last[row[2, 1]] == own[row[2, 1]] == mean[row[2, 1]]
    assert last[row[1, 1]] == own[row[1, 1]] == (solved[1, 0] + 0.5) / 9
    assert last[row[1, 2]] == (solved[1, 1] + 0.5) / 9
    assert own[row[1, 2]] == (solved[1, 0] + solved[1, 1] + 0.5) / 17
    assert last[row[0, 2]] == (solved[0, 0] + 0.5) / 9
    weak = found["reference weak"]
    assert [weak[row[key]] for key in ((0, 2), (1, 2), (2, 1))] == [0.02, 0.5, mean[row[2, 1]]]

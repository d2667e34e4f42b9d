from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from simulator.calibration.state_space import (
    Accuracy,
    Dynamics,
    Initial,
    Observations,
    log_likelihoods,
)
from simulator.calibration.trace import from_columns
from simulator.population import Normal
from tests.simulator.calibration import naive
from tests.simulator.calibration.sampling import draw

INITIAL = Initial(0.1, (Normal(0.3, -3.0, 1.0), Normal(0.7, 0.5, 2.0)), 0.3)
STILL = Dynamics((0.0,))
FULL = Dynamics((0.01, 0.002, 0.005), 0.003, 0.05, 0.6, 0.002, 0.04)
COARSE = Accuracy(0.5, 5)


def some_trace(seed: int = 0, gap: float = 9.4):
    return draw(INITIAL, FULL, 12, 9, gap, 8, np.random.default_rng(seed))


@pytest.mark.parametrize(
    "dynamics",
    [
        STILL,
        FULL,
        replace(FULL, own=-0.03, middle=-0.001),
        replace(FULL, walk_sd=0.3),
        replace(FULL, level=-0.002, slope_sd=0.0),
    ],
)
def test_the_kernel_equals_its_twin(dynamics):
    trace = some_trace()
    observations = Observations.of(trace, 9.4)
    ours_K = log_likelihoods(observations, INITIAL, dynamics, COARSE)
    for task in range(trace.num_tasks):
        mine = trace.task_R == task
        rows = list(
            zip(
                trace.times_R(9.4)[mine],
                trace.successes_R[mine],
                trace.trials_R[mine],
                strict=True,
            )
        )
        theirs = naive.log_likelihood(rows, INITIAL, dynamics, 8 * 9.4, 0.5, 5)
        assert ours_K[task] == pytest.approx(theirs, rel=1e-9)


def test_uneven_steps_and_group_sizes_agree_with_the_twin():
    steps_R = np.array([0, 3, 150, 5, 6])
    successes_R, trials_R = np.array([0, 0, 0, 2, 16]), np.array([8, 4, 16, 5, 16])
    names_R = np.array(["a", "a", "a", "b", "b"])
    trace = from_columns(names_R, steps_R, successes_R, trials_R, by_step=True)
    ours_K = log_likelihoods(Observations.of(trace, 1.0), INITIAL, FULL, COARSE)
    parts = [[(0, 0, 8), (3, 0, 4), (150, 0, 16)], [(5, 2, 5), (6, 16, 16)]]
    theirs = [naive.log_likelihood(rows, INITIAL, FULL, 150.0, 0.5, 5) for rows in parts]
    assert ours_K == pytest.approx(theirs, rel=1e-9)


def test_without_motion_it_is_the_binomial_mixture():
    rows_R = np.array([0, 1, 2])
    trace = from_columns(
        np.array(["a"] * 3), rows_R, np.array([1, 3, 2]), np.full(3, 8), by_step=False
    )
    ours = log_likelihoods(Observations.of(trace, 1.0), INITIAL, STILL, Accuracy(0.1, 1))[0]
    logits = np.linspace(-15, 15, 100_001)
    density = sum(part.share * norm.pdf(logits, part.mean, part.sd) for part in INITIAL.logit)
    theirs = np.trapezoid(density * expit(logits) ** 6 * expit(-logits) ** 18, logits)
    assert np.exp(ours) == pytest.approx(0.9 * theirs, rel=1e-3)


def test_unsolvable_tasks_explain_only_tasks_that_were_never_solved():
    trace = some_trace()
    observations = Observations.of(trace, 9.4)
    less, more = (
        log_likelihoods(observations, Initial(share, INITIAL.logit), FULL, COARSE)
        for share in (0.0, 0.5)
    )
    assert less[observations.solved_K] - more[observations.solved_K] == pytest.approx(np.log(2))
    assert (more >= less - np.log(2))[~observations.solved_K].all()


def test_the_order_of_tasks_does_not_matter():
    trace = some_trace()
    order = np.random.default_rng(1).permutation(trace.num_tasks)
    first, second = (
        log_likelihoods(Observations.of(one, 9.4), INITIAL, FULL, COARSE)
        for one in (trace, trace.take(order))
    )
    np.testing.assert_allclose(first[order], second, rtol=1e-12)


@pytest.mark.integration
def test_a_finer_grid_hardly_changes_the_likelihood():
    trace = draw(INITIAL, FULL, 60, 40, 9.4, 8, np.random.default_rng(2))
    observations = Observations.of(trace, 9.4)
    usual, finer = (
        log_likelihoods(observations, INITIAL, FULL, accuracy).sum()
        for accuracy in (Accuracy(), Accuracy(0.1, 16))
    )
    assert usual == pytest.approx(finer, abs=1.0)

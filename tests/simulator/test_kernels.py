import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from simulator import Population, kernels, randomness
from simulator.population import draw
from simulator.tasks import Ability
from tests.simulator import naive

KEY = np.uint64(0xDEADBEEF12345678)
NUM_TASKS = 300


def tasks():
    made = draw(Population(), NUM_TASKS, np.random.default_rng(0))
    guess = np.random.default_rng(1).uniform(0, 0.3, NUM_TASKS)
    return made._replace(guess_N=guess, ceiling_N=np.maximum(guess, made.ceiling_N * 0.95))


def ability(step: int = 137, gate: float = 0.7, drift_sd: float = 0.4) -> Ability:
    skills = np.random.default_rng(2).normal(0.5, 0.5, 28)
    return Ability(skills, 0.6, 0.67, 0.44, 0.1, gate, step, drift_sd, KEY)


def ids() -> np.ndarray:
    return np.random.default_rng(3).choice(NUM_TASKS, 64)


def test_uniform_draws_equal_their_twin_bit_for_bit():
    mine = [randomness.uniform(randomness.stream(KEY, 5, 9), i) for i in range(100)]
    assert_array_equal(mine, naive.uniform(naive.stream(KEY, 5, 9), np.arange(100)))


def test_uniform_draws_are_uniform_and_uncorrelated_across_places():
    """Ten equal bins per direction, chi-square with 9 degrees of freedom at 0.1 %."""
    tasks_N, steps_N = np.arange(20_000), np.arange(20_000)
    for draws in (
        naive.uniform(naive.stream(KEY, tasks_N, 3), 0),
        naive.uniform(naive.stream(KEY, 3, steps_N), 0),
        naive.uniform(naive.stream(KEY, 3, 4), np.arange(20_000)),
    ):
        counts = np.histogram(draws, 10, (0, 1))[0]
        assert ((counts - 2000) ** 2 / 2000).sum() < 27.9
        assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 4 / np.sqrt(20_000)


@pytest.mark.parametrize("step", [0, 1, 99, 100, 137, 400, 1234])
def test_drift_equals_its_twin_bit_for_bit(step):
    mine = [kernels.drift(KEY, task, step) for task in range(50)]
    assert_array_equal(mine, naive.drift(KEY, np.arange(50), step))


def test_drift_starts_at_zero_and_has_unit_variance_after_400_steps():
    assert_array_equal(naive.drift(KEY, np.arange(50), 0), np.zeros(50))
    late = naive.drift(KEY, np.arange(20_000), 400)
    assert abs(late.mean()) < 5 / np.sqrt(20_000)
    assert abs(late.var() - 1) < 0.05


@pytest.mark.parametrize("gate", [0.3, 1.0])
@pytest.mark.parametrize("drift_sd", [0.0, 0.4])
def test_solve_rates_equal_their_twin(gate, drift_sd):
    mine = kernels.solve_rates(tasks(), ids(), ability(gate=gate, drift_sd=drift_sd))
    twin = naive.solve_rates(tasks(), ids(), ability(gate=gate, drift_sd=drift_sd))
    assert_allclose(mine, twin, rtol=1e-13)


@pytest.mark.parametrize("gate", [0.3, 1.0])
def test_sensitivities_equal_their_twin(gate):
    mine = kernels.sensitivities(tasks(), ids(), ability(gate=gate))
    twin = naive.sensitivities(tasks(), ids(), ability(gate=gate))
    assert_allclose(mine, twin, rtol=1e-12)


def test_sensitivities_are_the_slopes_of_the_log_odds():
    made, small = tasks()._replace(slope_N=np.ones(NUM_TASKS)), 1e-6
    everything = np.arange(NUM_TASKS)

    def log_odds(logit_shift: float, gate_logit: float) -> np.ndarray:
        shifted = made._replace(logit_N=made.logit_N + logit_shift)
        now = ability(gate=1 / (1 + np.exp(-gate_logit)))._replace(sharpening=0.0)
        rates = kernels.solve_rates(shifted, everything, now)
        return np.log(rates / (1 - rates))

    now = ability(gate=1 / (1 + np.exp(-0.4)))._replace(sharpening=0.0)
    to_logit, to_gate = kernels.sensitivities(made, everything, now)
    by_logit = (log_odds(small, 0.4) - log_odds(-small, 0.4)) / (2 * small)
    by_gate = (log_odds(0.0, 0.4 + small) - log_odds(0.0, 0.4 - small)) / (2 * small)
    assert_allclose(to_logit, by_logit, atol=1e-7)
    assert_allclose(to_gate, by_gate, atol=1e-7)


def test_rollouts_equal_their_twin_bit_for_bit_also_for_repeated_tasks():
    rates = np.random.default_rng(4).random(64)
    mine_drawn, twin_drawn = np.zeros(NUM_TASKS, np.int64), np.zeros(NUM_TASKS, np.int64)
    for _ in range(2):
        mine = kernels.rollouts(rates, ids(), mine_drawn, 16, KEY, 7)
        assert_array_equal(mine, naive.rollouts(rates, ids(), twin_drawn, 16, KEY, 7))
    assert_array_equal(mine_drawn, twin_drawn)


def test_rollouts_solve_at_their_rate():
    """Within five standard deviations; false-alarm rate 6e-7 per bin."""
    rates = np.linspace(0, 1, 21)
    drawn = np.zeros(21, np.int64)
    mean = kernels.rollouts(rates, np.arange(21), drawn, 4000, KEY, 0).mean(axis=1)
    assert (abs(mean - rates) <= 5 * np.sqrt(rates * (1 - rates) / 4000)).all()


def test_noises_equal_their_twin_bit_for_bit():
    assert_array_equal(kernels.noises(KEY, 12, 40), naive.noises(KEY, 12, 40))

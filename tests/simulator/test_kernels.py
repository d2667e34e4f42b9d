"""Every kernel equals its plain NumPy twin, on pools with every kind of task."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from simulator import Domain, Population, kernels, plain, randomness
from simulator.drawing import draw
from simulator.tasks import Ability, Tasks, number_clusters

KEY = np.uint64(0xDEADBEEF12345678)
KEYS = np.array([KEY, 99], dtype=np.uint64)
NUM_TASKS = 300
LABELS = Domain(1.0, flaky=0.2, mislabelled=0.2, guess=0.2, guess_sd=0.1, ceiling=0.9)


def tasks() -> Tasks:
    chained = Domain(0.5, longest_chain=6, locked=0.7, unlock=0.4)
    population = Population((chained, Domain(0.5, **_fields(LABELS))))
    made = draw(population, NUM_TASKS, np.random.default_rng(0))
    return number_clusters(made._replace(cluster_N=made.cluster_N // 2))


def _fields(domain: Domain) -> dict:
    names = ("flaky", "mislabelled", "guess", "guess_sd", "ceiling")
    return {name: getattr(domain, name) for name in names}


def ability(step: int = 137, gate: float = 0.7, **changes) -> Ability:
    rng = np.random.default_rng(2)
    memory = rng.normal(0, 0.2, NUM_TASKS).astype(np.float32)
    touched = rng.integers(0, 137, NUM_TASKS).astype(np.int32)
    skills = rng.normal(0.5, 0.5, 28)
    made = Ability(skills, 0.6, 0.67, 0.44, 0.1, 0.3, gate, step, 0.4, KEY, memory, touched, 400.0)
    return made._replace(**changes)


def ids() -> np.ndarray:
    """Tasks of distinct clusters."""
    return 2 * np.random.default_rng(3).permutation(NUM_TASKS // 2)[:64]


ABILITIES = [
    ability(),
    ability(gate=1.0, drift_sd=0.0),
    ability(wandering=0.0, sharpening=0.0),
    ability(memory_C=np.empty(0, np.float32), touched_C=np.empty(0, np.int32)),
]


def test_random_numbers_equal_their_twins_bit_for_bit():
    counter = randomness.stream(KEY, 5, 9)
    assert counter == plain.stream(KEY, 5, 9)[0]
    for name in ("uniform", "noise", "normal"):
        mine = [getattr(randomness, name)(counter, i) for i in range(100)]
        assert_array_equal(mine, getattr(plain, name)(plain.stream(KEY, 5, 9), np.arange(100)))


def test_uniform_draws_are_uniform_and_uncorrelated_across_places():
    """Ten equal bins per direction, chi-square with 9 degrees of freedom at 0.1 %."""
    tasks_N, steps_N = np.arange(20_000), np.arange(20_000)
    for draws in (
        plain.uniform(plain.stream(KEY, tasks_N, 3), 0),
        plain.uniform(plain.stream(KEY, 3, steps_N), 0),
        plain.uniform(plain.stream(KEY, 3, 4), np.arange(20_000)),
    ):
        counts = np.histogram(draws, 10, (0, 1))[0]
        assert ((counts - 2000) ** 2 / 2000).sum() < 27.9
        assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 4 / np.sqrt(20_000)


def test_normal_draws_have_the_moments_of_a_normal_law():
    """Within five standard errors of 0, 1, 0 and the documented 2.7."""
    draws = plain.normal(plain.stream(KEY, 7, 7), np.arange(100_000))
    for power, moment in ((1, 0.0), (2, 1.0), (3, 0.0), (4, 2.7)):
        error = (draws**power).std() / np.sqrt(draws.size)
        assert abs((draws**power).mean() - moment) < 5 * error


@pytest.mark.parametrize("step", [0, 1, 99, 100, 137, 400, 1234])
def test_drift_equals_its_twin_bit_for_bit(step):
    mine = [kernels.drift(KEY, task, step) for task in range(50)]
    assert_array_equal(mine, plain.drift(KEY, np.arange(50), step))


def test_drift_starts_at_zero_and_has_unit_variance_after_400_steps():
    assert_array_equal(plain.drift(KEY, np.arange(50), 0), np.zeros(50))
    late = plain.drift(KEY, np.arange(20_000), 400)
    assert abs(late.mean()) < 5 / np.sqrt(20_000)
    assert abs(late.var() - 1) < 0.05


@pytest.mark.parametrize("now", ABILITIES)
def test_solve_rates_and_responses_equal_their_twin(now):
    everything = np.arange(NUM_TASKS)
    twin = plain.responses(tasks(), everything, now)
    mine, some, rates = np.empty((4, NUM_TASKS)), np.empty(64), np.zeros(NUM_TASKS)
    kernels.all_responses(tasks(), now, mine)
    kernels.solve_rates(tasks(), ids(), now, some)
    kernels.all_solve_rates(tasks(), 10, 200, now, rates)
    assert_allclose(mine, twin, rtol=1e-11, atol=1e-14)
    assert_allclose(some, twin[0][ids()], rtol=1e-12)
    assert_allclose(rates[10:200], twin[0][10:200], rtol=1e-12)
    assert not rates[:10].any()
    assert not rates[200:].any()


def test_responses_are_the_slopes_of_the_log_odds():
    """By central differences in the logit, the gate and the mastery of the needed skill."""
    small, plain_law = 1e-6, {"sharpening": 0.0, "drift_sd": 0.0, "wandering": 0.0}
    made = tasks()._replace(threshold_N=np.full(NUM_TASKS, 0.4, np.float32))

    def log_odds(logit: float = 0.0, gate: float = 0.4, mastery: float = 0.0) -> np.ndarray:
        shifted = made._replace(
            logit_N=made.logit_N.astype(float) + logit,
            threshold_N=made.threshold_N.astype(float) - mastery,
        )
        rates = plain.responses(
            shifted, np.arange(NUM_TASKS), ability(gate=1 / (1 + np.exp(-gate)), **plain_law)
        )[0]
        return np.log(rates[possible] / (1 - rates[possible]))

    slopes = plain.responses(
        made, np.arange(NUM_TASKS), ability(gate=1 / (1 + np.exp(-0.4)), **plain_law)
    )
    possible = slopes[0] > 1e-6
    for row, name, centre in ((1, "logit", 0.0), (2, "gate", 0.4), (3, "mastery", 0.0)):
        above, below = log_odds(**{name: centre + small}), log_odds(**{name: centre - small})
        by_difference = (above - below) / (2 * small)
        assert_allclose(slopes[row][possible], by_difference, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("tests", "correlation"), [(1, 0.0), (5, 0.0), (10, 0.3)])
def test_rollouts_equal_their_twin(tests, correlation):
    rewards, tokens = np.empty((64, 16)), np.empty((64, 16), np.float32)
    drawn = np.zeros(NUM_TASKS, np.int32)
    now = ability()
    kernels.rollouts(tasks(), ids(), now, drawn, tests, correlation, KEYS, 7, rewards, tokens)
    twin = plain.rollouts(tasks(), ids(), now, 16, tests, correlation, KEYS, 7)
    assert_array_equal(rewards, twin[0])
    assert_allclose(tokens, twin[1], rtol=1e-6)
    assert (drawn[ids()] == 16).all()
    assert drawn.sum() == 64 * 16


def test_a_second_group_at_one_step_continues_the_first():
    rewards, whole = np.empty((64, 8)), np.empty((64, 16))
    tokens, drawn = np.empty((64, 16), np.float32), np.zeros(NUM_TASKS, np.int32)
    kernels.rollouts(tasks(), ids(), ability(), drawn, 1, 0.0, KEYS, 7, whole, tokens)
    drawn[:] = 0
    for half in (slice(0, 8), slice(8, 16)):
        kernels.rollouts(
            tasks(), ids(), ability(), drawn, 1, 0.0, KEYS, 7, rewards, tokens[:, :8].copy()
        )
        assert_array_equal(rewards, whole[:, half])


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.9])
def test_tests_in_parts_pass_at_their_rate_with_their_correlation(correlation):
    """Mean and variance of beta-binomial counts, within five standard errors."""
    made = tasks()._replace(
        logit_N=np.full(NUM_TASKS, -0.8, np.float32),
        chain_N=np.ones(NUM_TASKS, np.int8),
        need_N=np.zeros(NUM_TASKS, np.int16),
    )
    one, many, tests = np.array([0]), 40_000, 6
    rewards, tokens = np.empty((1, many)), np.empty((1, many), np.float32)
    drawn = np.zeros(NUM_TASKS, np.int32)
    kernels.rollouts(made, one, ability(), drawn, tests, correlation, KEYS, 3, rewards, tokens)
    rate = plain.responses(made, one, ability())[0][0]
    variance = rate * (1 - rate) * (1 + (tests - 1) * correlation) / tests
    assert abs(rewards.mean() - rate) < 5 * np.sqrt(variance / many)
    squares = (rewards - rate) ** 2
    assert abs(squares.mean() - variance) < 5 * squares.std() / np.sqrt(many)


def test_moments_equal_their_twin_with_lost_rollouts_and_groups():
    rewards = np.random.default_rng(5).choice([0.0, 0.3, 1.0], (50, 8))
    rewards[0], rewards[1] = 0.3, np.nan
    rewards[2, 3:] = np.nan
    mine = np.empty((3, 50))
    kernels.moments(rewards, mine)
    assert_allclose(mine, plain.moments(rewards), rtol=1e-12)
    assert mine[1, 0] == 0
    assert_array_equal(mine[:, 1], 0)


@pytest.mark.parametrize("visits", [np.inf, 8.0])
@pytest.mark.parametrize("own_rate", [0.0, 0.5])
@pytest.mark.parametrize("lost", [0.0, 0.3])
def test_learning_equals_its_twin(visits, own_rate, lost):
    weights = np.random.default_rng(6).random(64) * (np.arange(64) % 3 > 0)
    before = np.random.default_rng(7).integers(0, 20, NUM_TASKS).astype(np.int32)
    mine_visits, twin_visits = before.copy(), before.copy()
    mine_now, twin_now, gradient = ability(), ability(), np.zeros(29)
    kernels.learn(tasks(), ids(), weights, mine_now, mine_visits, visits, own_rate, lost, gradient)
    twin = plain.learn(tasks(), ids(), weights, twin_now, twin_visits, visits, own_rate, lost)
    assert_allclose(gradient, twin, rtol=1e-10, atol=1e-15)
    assert_array_equal(mine_visits, twin_visits)
    assert_allclose(mine_now.memory_C, twin_now.memory_C, rtol=1e-5)
    assert_array_equal(mine_now.touched_C, twin_now.touched_C)


def test_noises_equal_their_twin_bit_for_bit():
    mine = np.empty(40)
    kernels.noises(KEY, 12, mine)
    assert_array_equal(mine, plain.noise(plain.stream(KEY, 12, 0), np.arange(40)))

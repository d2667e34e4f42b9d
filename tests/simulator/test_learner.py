from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numba
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from simulator import Learner, LearnerLaw, Population, Scenario, build
from simulator.learner import _expected_group_std
from simulator.population import draw

SCENARIO = Scenario("tiny", "", num_tasks=400, num_heldout=100)
GROUP = 16


def learner(seed: int = 0, **law) -> Learner:
    return build(replace(SCENARIO, law=replace(LearnerLaw(), **law)), seed)[0]


def train(made: Learner, ids: np.ndarray, successes: np.ndarray, trials: int = GROUP) -> None:
    made.train(ids, np.asarray(successes, float), np.full(len(ids), float(trials)))


def growth(made: Learner) -> np.ndarray:
    return made.state_dict()["skills"]


@pytest.mark.parametrize("successes", [0, GROUP])
def test_groups_that_are_all_alike_teach_nothing(successes):
    made = learner()
    train(made, np.arange(32), np.full(32, successes))
    assert_array_equal(growth(made), 0)


def test_degenerate_groups_do_not_dilute_the_others():
    alone, company = learner(noise=0.0), learner(noise=0.0)
    train(alone, np.arange(8), np.full(8, 5))
    train(company, np.arange(16), np.r_[np.full(8, 5), np.full(4, 0), np.full(4, GROUP)])
    assert_array_equal(growth(alone), growth(company))


def test_training_raises_the_held_out_solve_rate():
    made, rng = learner(learning_rate=0.1), np.random.default_rng(0)
    before = made.heldout_solve_rate()
    for _ in range(40):
        ids = rng.choice(400, 32, replace=False)
        rewards = made.sample(ids, GROUP)
        train(made, ids, rewards.sum(axis=1))
    assert made.heldout_solve_rate() > before + 0.02


def test_the_update_is_the_grpo_gradient_in_closed_form():
    """Skills move by eta (N_e / 128)^alpha mean(sqrt(m (1 - m)) h v x), worked out by hand."""
    made = learner(noise=0.0, sharpening=0.0, drift_sd=0.0, capacity=1e12)
    tasks = made.tasks
    ids, successes = np.array([3, 50, 77]), np.array([4, 8, 12])
    solvable = tasks.ceiling_N[ids] == 1
    assert solvable.all()
    train(made, ids, successes)
    means = successes / GROUP
    push = np.sqrt(means * (1 - means)) * tasks.transfer_N[ids] / 3
    size = 0.015 * (3 / 128) ** 0.5
    expected = np.zeros(growth(made).size)
    expected[0] = np.sqrt(0.35) * push.sum()
    for k, p in zip(ids, push, strict=True):
        expected[tasks.domain_N[k]] += np.sqrt(0.45) * p
        expected[tasks.skill_N[k]] += np.sqrt(0.20) * p
    assert_allclose(growth(made), size * expected, rtol=1e-12)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_a_step_grows_with_the_informative_groups_to_the_power_alpha(exponent):
    few, many = (learner(noise=0.0, batch_exponent=exponent) for _ in range(2))
    same = np.full(4, 7)
    train(few, same, np.full(4, 5))
    train(many, np.full(64, 7), np.full(64, 5))
    assert_allclose(growth(many), growth(few) * 16**exponent, rtol=1e-12)


def test_larger_groups_step_further_except_at_alpha_zero():
    for exponent, ratio in ((0.5, 2.0), (0.0, 1.0)):
        small, large = (learner(noise=0.0, batch_exponent=exponent) for _ in range(2))
        train(small, np.arange(8), np.full(8, 4), trials=8)
        train(large, np.arange(8), np.full(8, 16), trials=32)
        assert_allclose(growth(large), growth(small) * ratio, rtol=1e-12)


def test_abilities_stop_growing_at_their_capacity():
    made = learner(noise=0.0, capacity=0.05, learning_rate=0.05)
    for _ in range(2000):
        train(made, np.arange(50), np.full(50, 8))
    assert 0.049 < growth(made).max() <= 0.05


def test_no_learning_and_no_drift_is_stationary():
    made = learner(learning_rate=0.0, drift_sd=0.0)
    before = made.solve_rates()
    for _ in range(5):
        train(made, np.arange(50), np.full(50, 8))
    assert_array_equal(made.solve_rates(), before)


def test_drift_wanders_without_training_on_anything():
    made = learner(learning_rate=0.0)
    before = made.solve_rates()
    for _ in range(100):
        train(made, np.arange(4), np.zeros(4))
    moved = made.solve_rates()
    assert np.ptp(moved - before) > 0.01
    assert abs((moved - before).mean()) < 0.02


def test_without_sharpening_solve_rates_rise_with_ability():
    made = learner(drift_sd=0.0)
    tasks = made.tasks._replace(slope_N=np.abs(made.tasks.slope_N))
    weak = Learner(tasks, tasks, LearnerLaw(drift_sd=0.0, sharpening=0.0), 0)
    before = weak.solve_rates()
    state = weak.state_dict()
    state["skills"] = np.full(growth(weak).size, 0.5)
    weak.load_state_dict(state)
    solvable = tasks.ceiling_N > 0
    assert (weak.solve_rates() >= before).all()
    assert (weak.solve_rates() > before)[solvable].all()


def test_sharpening_favours_what_is_already_likely():
    rates = []
    for sharpening in (0.0, 0.3):
        made = learner(drift_sd=0.0, sharpening=sharpening)
        state = made.state_dict()
        state["skills"] = np.full(growth(made).size, 0.5)
        made.load_state_dict(state)
        rates.append(made.solve_rates())
    plain, sharpened = rates
    assert (sharpened[plain > 0.5] > plain[plain > 0.5]).all()
    hard = (plain > 0) & (plain < 0.5)
    assert (sharpened[hard] < plain[hard]).all()


def test_rollouts_do_not_depend_on_what_else_was_selected():
    one, two = learner(), learner()
    for step in range(5):
        first = one.sample(np.array([7, 9]), GROUP)
        second = two.sample(np.array([200, 7]), GROUP)
        assert_array_equal(first[0], second[1])
        train(one, np.array([9]), np.array([0]))
        train(two, np.array([200]), np.array([0]))
        assert one.step == two.step == step + 1


def test_bits_do_not_depend_on_threads_or_on_what_runs_beside():
    def run(seed: int) -> bytes:
        made, rng = learner(seed), np.random.default_rng(seed)
        for _ in range(10):
            ids = rng.choice(400, 32, replace=False)
            train(made, ids, made.sample(ids, GROUP).sum(axis=1))
        return made.solve_rates().tobytes() + growth(made).tobytes()

    alone = [run(seed) for seed in range(6)]
    available = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        single = [run(seed) for seed in range(6)]
    finally:
        numba.set_num_threads(available)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(run, range(6)))
    assert alone == single == together


def test_expected_gains_predict_what_training_on_a_task_brings():
    """Rank correlation of the first-order gain with the realised gain of many noise-free steps."""
    made = learner(noise=0.0, drift_sd=0.0, learning_rate=1e-3)
    gains = made.expected_gains(GROUP)
    rates = made.solve_rates()
    clear = np.flatnonzero((rates > 0.2) & (rates < 0.8))
    start, realised = made.heldout_solve_rate(), []
    for task in clear:
        trial = learner(noise=0.0, drift_sd=0.0, learning_rate=1e-3)
        train(trial, np.array([task]), np.array([rates[task] * GROUP]))
        realised.append(trial.heldout_solve_rate() - start)
    assert np.corrcoef(gains[clear], realised)[0, 1] > 0.99


@pytest.mark.parametrize("size", [2, 8, 16])
def test_the_expected_group_std_is_right(size):
    """Against 20,000 simulated groups per rate, within five standard errors."""
    rates = np.linspace(0, 1, 11)
    means = np.random.default_rng(0).binomial(size, rates, (20_000, 11)) / size
    spread = np.sqrt(means * (1 - means))
    error = spread.std(axis=0) / np.sqrt(20_000)
    assert (abs(spread.mean(axis=0) - _expected_group_std(rates, size)) <= 5 * error + 1e-12).all()


def test_state_of_another_law_is_refused():
    with pytest.raises(ValueError, match="another learner"):
        learner().load_state_dict(learner(sharpening=0.3).state_dict())


@pytest.mark.parametrize(
    "wrong",
    [
        {"learning_rate": -1},
        {"batch_exponent": 1.5},
        {"general_weight": 0.7, "domain_weight": 0.5},
        {"capacity": 0},
        {"drift_sd": -0.1},
        {"gate_logit": float("nan")},
        {"noise": float("nan")},
    ],
)
def test_impossible_laws_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=list(wrong)[-1]):
        LearnerLaw(**wrong)


def test_domains_without_tasks_are_no_obstacle():
    tasks = draw(Population(num_domains=1), 20, np.random.default_rng(0))
    made = Learner(tasks, tasks, LearnerLaw(), 0)
    train(made, np.arange(10), np.full(10, 8))
    assert np.isfinite(made.heldout_solve_rate())

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from simulator import SCENARIOS, Learner, LearnerLaw, Population, Scenario, alike, build, plain
from simulator.drawing import draw
from simulator.gains import GAIN_LAWS, expected_weights

SCENARIO = Scenario("tiny", "", num_tasks=400, num_heldout=100)
GROUP = 16


def learner(seed: int = 0, **law) -> Learner:
    return build(replace(SCENARIO, law=replace(LearnerLaw(), **law)), seed)[0]


def rewards(successes, trials: int = GROUP) -> np.ndarray:
    """Groups with these counts."""
    return (np.arange(trials) < np.asarray(successes)[:, None]).astype(float)


def train(made: Learner, ids: np.ndarray, successes, trials: int = GROUP) -> None:
    made.train(ids, rewards(successes, trials))


def growth(made: Learner) -> np.ndarray:
    return made.state_dict()["skills"][-1]


def grown(made: Learner, skills: float) -> Learner:
    """The same learner with every ability at this value."""
    state = made.state_dict()
    state["skills"] = np.full_like(state["skills"], skills)
    made.load_state_dict(state)
    return made


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


@pytest.mark.parametrize("age", [0, 1, 7])
def test_a_group_that_was_kept_for_some_steps_is_worth_less(age):
    """A batch of parts of groups moves as far as a batch of so many fewer groups."""
    law = {"noise": 0.0, "lag_cost": 0.1, "memory_rate": 0.0}
    fresh, stale = learner(**law), learner(**law)
    ids, groups = np.arange(8), rewards(np.full(8, 5))
    fresh.train(ids, groups)
    stale.train(ids, groups, np.full(8, float(age)))
    assert_allclose(growth(stale), np.exp(-0.1 * age) ** 0.5 * growth(fresh))


def test_rollouts_that_are_used_again_are_worth_less_than_new_ones():
    law = {"noise": 0.0, "reuse_cost": 1.0, "memory_rate": 0.0}
    new, used, alone = learner(**law), learner(**law), learner(**law)
    ids, groups = np.arange(16), rewards(np.full(16, 5))
    new.train(ids, groups)
    used.train(ids, groups, np.zeros(16), np.r_[np.zeros(8), np.full(8, 3.0)])
    alone.train(ids[:8], groups[:8])
    assert np.linalg.norm(growth(alone)) < np.linalg.norm(growth(used))
    assert np.linalg.norm(growth(used)) < np.linalg.norm(growth(new))


def test_training_raises_the_held_out_solve_rate():
    made, rng = learner(learning_rate=0.1), np.random.default_rng(0)
    before = made.heldout_solve_rate()
    for _ in range(40):
        ids = rng.choice(400, 32, replace=False)
        made.train(ids, made.sample(ids, GROUP)[0])
    assert made.heldout_solve_rate() > before + 0.02


def test_the_update_is_the_grpo_gradient_in_closed_form():
    """Skills move by eta (N_e / 128)^alpha mean(sqrt(m (1 - m)) h v x), worked out by hand."""
    made = learner(noise=0.0, sharpening=0.0, drift_sd=0.0, capacity=1e12)
    tasks = made.tasks
    ids, successes = np.flatnonzero(tasks.ceiling_N == 1)[[3, 50, 77]], np.array([4, 8, 12])
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
    made = learner(drift_sd=0.0, sharpening=0.0)
    before = made.solve_rates()
    after = grown(made, 0.5).solve_rates()
    solvable = made.tasks.ceiling_N > 0
    assert (after >= before).all()
    assert (after > before)[solvable].all()


def test_mislabelled_tasks_pay_less_as_ability_rises():
    law, population = LearnerLaw(sharpening=0.0), Population(alike(mislabelled=0.5))
    made = build(replace(SCENARIO, law=law, population=population), 0)[0]
    before, wrong = made.solve_rates(), made.tasks.wrong_N
    after = grown(made, 0.5).solve_rates()
    assert (before[wrong] <= 0.5).all()
    assert (after[wrong] < before[wrong]).all()


def test_sharpening_favours_what_is_already_likely():
    flat, sharpened = (
        grown(learner(drift_sd=0.0, sharpening=s), 0.5).solve_rates() for s in (0.0, 0.3)
    )
    assert (sharpened[flat > 0.5] > flat[flat > 0.5]).all()
    hard = (flat > 0) & (flat < 0.5)
    assert (sharpened[hard] < flat[hard]).all()


def test_rollouts_do_not_depend_on_what_else_was_selected():
    one, two = learner(), learner()
    for step in range(5):
        first = one.sample(np.array([7, 9]), GROUP)
        second = two.sample(np.array([200, 7]), GROUP)
        assert_array_equal(first[0][0], second[0][1])
        assert_array_equal(first[1][0], second[1][1])
        train(one, np.array([9]), np.array([0]))
        train(two, np.array([200]), np.array([0]))
        assert one.step == two.step == step + 1


def test_bits_do_not_depend_on_threads_or_on_what_runs_beside():
    def run(seed: int) -> bytes:
        made, rng = learner(seed), np.random.default_rng(seed)
        for _ in range(10):
            ids = rng.choice(400, 32, replace=False)
            made.train(ids, made.sample(ids, GROUP)[0])
        return made.solve_rates().tobytes() + growth(made).tobytes()

    alone = [run(seed) for seed in range(6)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(run, range(6)))
    assert alone == together


@pytest.mark.integration
@pytest.mark.parametrize("disturbance", [0.0, 0.02, 0.2])
def test_expected_gains_are_what_training_on_a_task_brings(disturbance):
    """Equal to the realised gain of a noise-free step, price and disturbance included."""
    law = {
        "noise": 0.0,
        "drift_sd": 0.0,
        "sharpening": 0.0,
        "learning_rate": 1e-3,
        "repetition_visits": 2.0,
        "capacity": 3.0,
        "disturbance": disturbance,
    }
    made = learner(**law)
    often = np.arange(0, 400, 3)
    for _ in range(4):
        train(made, often, np.full(often.size, 4))
    gains, rates, state = made.expected_gains(GROUP), made.solve_rates(), made.state_dict()
    clear = np.flatnonzero((rates > 0.2) & (rates < 0.8))
    start, realised = made.heldout_solve_rate(), []
    for task in clear:
        trial = learner(**law)
        trial.load_state_dict(state)
        trial.train(np.array([task]), np.array([[1.0, 0.0]]))
        realised.append(trial.heldout_solve_rate() - start)
    per_weight = gains[clear] / expected_weights("grpo", rates[clear], GROUP)
    size = 1e-3 * np.sqrt(1 / 128) * np.sqrt(2 / 16) * 0.5
    assert_allclose(realised, size * per_weight, rtol=1e-3, atol=1e-9)


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
        {"gate_logit": -800.0},
        {"noise": float("nan")},
        {"gain": "ppo"},
        {"repetition_visits": 0},
        {"lag": -1},
        {"lag": 1.5},
        {"forgetting": 1.0},
        {"memory_steps": 0},
        {"disturbance": -0.1},
        {"learning_rate": float("inf")},
        {"lag_cost": float("inf")},
    ],
)
def test_impossible_laws_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=list(wrong)[-1]):
        LearnerLaw(**wrong)


@pytest.mark.parametrize(
    "damage",
    [
        {"step": 1.7},
        {"step": -1},
        {"visited": np.array([5, 5]), "visits": np.array([1, 1], np.int32)},
        {"touched": np.array([100_000], np.int32)},
        {"memory": np.array([np.nan], np.float32)},
        {"gates": np.array([np.nan])},
    ],
)
def test_impossible_state_is_refused_and_changes_nothing(damage):
    made = learner()
    train(made, np.flatnonzero(made.tasks.ceiling_N == 1)[:1], [8])
    state, before = made.state_dict(), made.solve_rates()
    with pytest.raises(ValueError, match="state"):
        made.load_state_dict(state | damage)
    assert_array_equal(made.solve_rates(), before)


def test_rewards_of_another_number_of_groups_are_refused():
    with pytest.raises(ValueError, match="shape"):
        learner().train(np.array([1, 2]), np.zeros((1, 4)))


def test_domains_without_tasks_are_no_obstacle():
    tasks = draw(Population(alike(1)), 20, np.random.default_rng(0))
    made = Learner(tasks, tasks, LearnerLaw(), 0)
    train(made, np.arange(10), np.full(10, 8))
    assert np.isfinite(made.heldout_solve_rate())


def test_the_pool_pass_has_the_same_bits_for_any_number_of_threads():
    made = build(replace(SCENARIO, num_tasks=200_000), 0)[0]
    single, double = made.solve_rates(), made.solve_rates(threads=2)
    assert_array_equal(single, double)
    assert_array_equal(single[:50], made.solve_rates(np.arange(50)))


def test_a_learner_takes_at_most_64_bytes_per_task():
    made = build(replace(SCENARIO, num_tasks=100_000), 0)[0]
    assert made.num_bytes <= 64 * 100_000


@pytest.mark.parametrize("gain", GAIN_LAWS)
def test_the_step_follows_the_gain_law(gain):
    """One group of mean m moves the abilities in proportion to the law's weight."""
    sizes = []
    for successes in (2, 8):
        made = learner(noise=0.0, sharpening=0.0, gain=gain)
        task = np.flatnonzero(made.tasks.ceiling_N == 1)[:1]
        train(made, task, [successes])
        mean = np.array([successes / GROUP])
        weight = GAIN_LAWS[gain](mean, mean * (1 - mean), np.array([float(GROUP)]))[0]
        sizes.append(growth(made)[0] / weight)
    assert sizes[0] == pytest.approx(sizes[1], rel=1e-9)


@pytest.mark.integration
def test_a_visited_task_teaches_half_as_much_after_nu_visits():
    made = learner(noise=0.0, repetition_visits=8, memory_rate=0, drift_sd=0, capacity=1e12)
    task, gains = np.flatnonzero(made.tasks.ceiling_N == 1)[:1], []
    for _ in range(9):
        before = growth(made)[0]
        train(made, task, [8])
        gains.append(growth(made)[0] - before)
    assert gains[8] / gains[0] == pytest.approx(0.5, rel=1e-3)


def test_groups_that_teach_nothing_are_no_repetition():
    fresh, tried = (learner(noise=0.0, repetition_visits=8, drift_sd=0) for _ in range(2))
    task = np.flatnonzero(fresh.tasks.ceiling_N == 1)[:1]
    for _ in range(20):
        train(tried, task, [0])
    for made in (fresh, tried):
        train(made, task, [8])
    assert_array_equal(growth(fresh), growth(tried))


def test_near_duplicates_share_visits_and_memory():
    scenario = replace(SCENARIO, population=Population(copies=10))
    made, *_ = build(replace(scenario, law=LearnerLaw(memory_rate=1e4)), 0)
    clusters = made.tasks.cluster_N
    assert np.bincount(clusters).max() == 10
    before = made.solve_rates()
    copies = np.flatnonzero(clusters == clusters[np.argmin(abs(before - 0.5))])
    train(made, copies[:1], [8])
    risen = made.solve_rates() - before
    assert (risen[copies] > 10 * abs(risen).mean()).all()


def test_memory_of_a_task_fades():
    made = learner(noise=0.0, memory_rate=1e4, memory_steps=10.0, drift_sd=0.0)
    start = made.solve_rates()
    task = np.array([int(np.argmin(abs(start - 0.5)))])
    train(made, task, [8])
    fresh = made.solve_rates(task)[0]
    for _ in range(100):
        train(made, task, [0])
    assert fresh > start[task[0]] + 0.05
    assert abs(made.solve_rates(task)[0] - start[task[0]]) < 0.01


def test_abilities_are_forgotten_without_training():
    made = grown(learner(forgetting=0.1, drift_sd=0.0), 1.0)
    train(made, np.arange(4), np.zeros(4))
    assert_allclose(growth(made), 0.9, rtol=1e-12)


def test_progress_in_one_domain_costs_the_others():
    made = learner(interference=0.3, noise=0.0)
    first = np.flatnonzero((made.tasks.domain_N == 1) & (made.tasks.ceiling_N == 1))[:20]
    train(made, first, np.full(20, 8))
    assert growth(made)[1] > 0
    assert (growth(made)[2:4] < 0).all()


def test_learning_by_heart_costs_all_the_more_often_a_task_has_taught():
    """A repeated lesson generalises less and disturbs as much, until it does harm."""
    law = {"noise": 0.0, "memory_rate": 1e-2, "repetition_visits": 2.0, "disturbance": 15.0}
    made, worth = learner(**law), []
    for _ in range(30):
        before = growth(made)[0]
        train(made, np.arange(8), np.full(8, 4))
        worth.append(growth(made)[0] - before)
    assert worth[0] > worth[3] > 0 > worth[-1]


def test_rollouts_come_from_the_policy_of_lag_steps_ago():
    late, fresh = learner(lag=3, drift_sd=0.0), learner(drift_sd=0.0)
    everything = np.arange(400)
    first = fresh.sample(everything, GROUP)[0]
    for made in (late, fresh):
        for _ in range(3):
            train(made, np.arange(100), np.full(100, 8))
    skills = late.state_dict()["skills"]
    assert skills.shape[0] == 4
    assert not skills[0].any()
    assert skills[-1].any()
    again = build(replace(SCENARIO, law=LearnerLaw(lag=3, drift_sd=0.0)), 0)[0]
    now = again._ability()._replace(step=0)
    keys, step = again._rollout_keys, 3
    twin = plain.rollouts(again.tasks, everything, now, GROUP, 1, 0.0, keys, step)[0]
    late._memory_C[:] = 0
    assert_array_equal(late.sample(everything, GROUP)[0], twin)
    assert first.shape == twin.shape


def test_staleness_shrinks_the_step():
    late, fresh = (learner(lag=lag, noise=0.0, lag_cost=0.1) for lag in (2, 0))
    for made in (late, fresh):
        train(made, np.arange(50), np.full(50, 8))
    assert_allclose(growth(late), growth(fresh) * np.exp(-0.2), rtol=1e-12)


def test_a_jump_lifts_every_mastery_alike():
    made = learner(jump=1.2, jump_step=2, learning_rate=0.0, drift_sd=0.0, sharpening=0.0)
    before = made.solve_rates()
    train(made, np.arange(4), np.zeros(4))
    assert_array_equal(made.solve_rates(), before)
    train(made, np.arange(4), np.zeros(4))
    solvable = made.tasks.ceiling_N == 1
    after = made.solve_rates()
    logit = lambda rate: np.log(rate / (1 - rate))  # noqa: E731
    risen = logit(after[solvable]) - logit(before[solvable])
    assert_allclose(risen, 1.2 * made.tasks.slope_N[solvable], rtol=1e-5)


def test_growth_off_the_axis_changes_the_order_of_tasks():
    straight, stray = (grown(learner(off_axis=o, drift_sd=0.0), 1.0) for o in (0.0, 1.0))
    change = stray.solve_rates() - straight.solve_rates()
    assert (change > 0.05).any()
    assert (change < -0.05).any()
    heldout = [made.heldout_solve_rate() for made in (straight, stray)]
    assert heldout[0] == heldout[1]


def test_locked_tasks_open_once_the_skill_before_theirs_is_mastered():
    scenario = replace(SCENARIO, population=Population(alike(locked=1.0, unlock=1.0)))
    made = build(scenario, 0)[0]
    locked = (made.tasks.need_N > 0) & (made.tasks.ceiling_N == 1)
    assert made.solve_rates()[locked].max() < 0.01
    assert grown(made, 1.5).solve_rates()[locked].mean() > 0.2


def test_tasks_come_and_go():
    scenario = SCENARIOS["shift"]
    made = build(replace(scenario, num_tasks=600, num_heldout=300), 0)[0]
    domains = made.tasks.domain_N
    before = made.heldout_solve_rate()
    assert set(domains[made.absent()]) == {3}
    for _ in range(100):
        train(made, np.arange(4), np.zeros(4))
    assert set(domains[made.absent()]) == {1}
    assert made.heldout_solve_rate() < before


def test_a_learner_trained_on_lost_rollouts_ignores_them():
    lost, whole = learner(noise=0.0), learner(noise=0.0)
    groups = np.array([[1.0, 0.0, np.nan, np.nan], [np.nan] * 4])
    lost.train(np.array([3, 4]), groups)
    whole.train(np.array([3]), np.array([[1.0, 0.0]]))
    assert_array_equal(growth(lost), growth(whole))


@pytest.mark.integration
@pytest.mark.parametrize("gain", ["grpo", "drgrpo", "rloo", "maxrl"])
def test_the_mean_update_of_sampled_groups_is_the_closed_form(gain):
    """E[step] = eta / 128^alpha E[w] h v sqrt(w_g), over 2,000 groups of one task.

    Within five standard errors; false-alarm rate 6e-7 per law.
    """
    made = learner(noise=0.0, drift_sd=0.0, memory_rate=0.0, gain=gain, learning_rate=1e-9)
    rates = made.solve_rates()
    task = np.array([int(np.argmin(abs(rates - 0.3)))])
    moves = []
    for _ in range(2_000):
        before = growth(made)[0]
        made.train(task, made.sample(task, GROUP)[0])
        moves.append(growth(made)[0] - before)
    weight = expected_weights(gain, rates[task], GROUP)[0]
    closed = 1e-9 / 128**0.5 * weight * made.tasks.transfer_N[task[0]] * np.sqrt(0.35)
    assert abs(np.mean(moves) - closed) < 5 * np.std(moves) / np.sqrt(2_000)


def test_an_evaluation_by_rollouts_is_noisy_repeatable_and_unbiased():
    """Mean over 100 steps at which nothing moves, within five standard errors of the truth.

    False-alarm rate 6e-7.
    """
    made = learner(learning_rate=0.0, drift_sd=0.0)
    truth, seen = made.heldout_solve_rate(), []
    for _ in range(100):
        seen.append(made.heldout_solve_rate(rollouts=2))
        assert made.heldout_solve_rate(rollouts=2) == seen[-1]
        train(made, np.arange(4), np.zeros(4))
    assert np.std(seen) > 0
    assert abs(np.mean(seen) - truth) < 5 * np.std(seen) / 10

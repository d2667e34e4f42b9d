import numpy as np
import pytest

from backends import TraceBackend, TraceTruth, replay
from backends.replay import LoggedRun, informative_chance
from backends.replay_rates import LoggedRates, RatePaths, _gathered, _left_out, logged_rates
from bots import Pool, RolloutBatch
from simulator.calibration.trace import from_columns
from simulator.randomness import stream, uniform
from tests.backends import logs

NUM = 60


def made(seed: int = 0, tokens_N=None) -> tuple[TraceBackend, TraceTruth]:
    return replay(logs.trace(NUM), Pool.numbered(NUM), seed, tokens_N=tokens_N)


def log_of(successes: list[int], steps: list[int] | None = None, size: int = 8):
    """One task, one row per entry."""
    steps = list(range(len(successes))) if steps is None else steps
    names = np.full(len(successes), "a")
    return from_columns(
        names, np.array(steps), np.array(successes), np.full(len(steps), size), by_step=True
    )


def test_rates_are_linear_between_visits_and_constant_beyond_them():
    paths = RatePaths(np.array([[2.0, 6.0], [4.0, np.inf]]), np.array([[0.2, 0.6], [0.5, 0.9]]))
    found = [paths.at(time).round(12).tolist() for time in (0, 2, 3, 5, 6, 100)]
    assert found == [[0.2, 0.5], [0.2, 0.5], [0.3, 0.5], [0.5, 0.5], [0.6, 0.5], [0.6, 0.5]]


def test_counts_are_shared_as_the_formula_says():
    trace = logs.trace(7, steps=24)
    found = logged_rates(trace)
    mean = (trace.successes_R.sum() + 0.5) / (trace.trials_R.sum() + 1)
    for row, (task, time, visit) in enumerate(
        zip(trace.task_R, trace.when_R, trace.visit_R, strict=True)
    ):
        weights_R = np.exp(-np.abs(trace.when_R - time) / found.reach) * (trace.task_R == task)
        solved = found.strength * mean + weights_R @ trace.successes_R
        assert found.solved_KV[task, visit] == pytest.approx(solved), row
        tried = found.strength + weights_R @ trace.trials_R
        assert found.tried_KV[task, visit] == pytest.approx(tried), row


def test_the_loss_leaves_every_rollout_out_of_its_own_prediction():
    trace = log_of([3, 0, 8, 5], steps=[0, 2, 3, 9])
    successes_KV, trials_KV = (counts.astype(float) for counts in trace.counts_KV())
    weights_KV = np.exp(-np.array([[2.0, 1.0, 6.0]]) / 3)
    solved_KV, tried_KV = (_gathered(c, weights_KV) for c in (successes_KV, trials_KV))
    found = LoggedRates(successes_KV, solved_KV + 0.2, tried_KV + 0.5, 3.0, 0.5)
    loss = 0.0
    for v, (solved, tried) in enumerate(zip(successes_KV[0], trials_KV[0], strict=True)):
        for outcome in [1] * int(solved) + [0] * int(tried - solved):
            rate = (found.solved_KV[0, v] - outcome) / (found.tried_KV[0, v] - 1)
            loss -= np.log(rate if outcome else 1 - rate)
    assert _left_out(successes_KV, trials_KV, found) == pytest.approx(loss)


def test_the_log_decides_how_far_counts_reach():
    rng, times_R = np.random.default_rng(0), np.tile(np.arange(40), 20)
    names_R, eights_R = np.repeat([f"{k:02d}" for k in range(20)], 40), np.full(800, 8)
    still_R = rng.binomial(8, np.repeat(np.linspace(0.05, 0.95, 20), 40))
    restless_R = rng.binomial(8, rng.random(800))
    still, restless = (
        logged_rates(from_columns(names_R, times_R, solved_R, eights_R, by_step=True))
        for solved_R in (still_R, restless_R)
    )
    assert still.reach > 8
    assert restless.reach < 1


def test_rates_are_nearer_the_truth_than_those_of_single_groups():
    trace = logs.trace(200)
    true_R = np.array(
        [logs.path(200, t)[k] for k, t in zip(trace.task_R, trace.when_R, strict=True)]
    )
    found_R = logged_rates(trace).mean().rates_KV[trace.task_R, trace.visit_R]
    raw_R = trace.successes_R / trace.trials_R
    assert np.square(found_R - true_R).mean() < np.square(raw_R - true_R).mean() / 2


def test_groups_are_as_often_informative_under_drawn_rates_as_in_the_log():
    """Over 200 x 8 logged groups, within 4 standard errors: a false alarm in 16,000."""
    trace = logs.trace(200)
    informative_R = (trace.successes_R > 0) & (trace.successes_R < 8)
    rates, place = logged_rates(trace), (trace.task_R, trace.visit_R)
    drawn = [rates.draw(np.random.default_rng(seed)).rates_KV[place] for seed in range(20)]
    replayed = informative_chance(np.array(drawn), 8).mean()
    error = informative_R.std() / np.sqrt(informative_R.size)
    assert replayed == pytest.approx(informative_R.mean(), abs=4 * error)
    assert informative_chance(rates.mean().rates_KV[place], 8).mean() > replayed


def test_drawn_rates_are_spread_as_the_beliefs_are():
    """2,000 draws: mean and variance within 4 standard errors, and 10 %, for one task."""
    rates = LoggedRates(np.zeros((2000, 1)), np.full((2000, 1), 2.0), np.full((2000, 1), 6.0), 1, 1)
    drawn = rates.draw(np.random.default_rng(0)).rates_KV[:, 0]
    assert drawn.mean() == pytest.approx(1 / 3, abs=4 * np.sqrt(2 / 63 / 2000))
    assert drawn.var() == pytest.approx(2 / 63, rel=0.1)


@pytest.mark.parametrize("successes", [[0], [8], [3], [0, 0], [8, 8, 8]])
def test_a_log_of_a_few_groups_of_one_kind_gives_rates(successes):
    paths = logged_rates(log_of(successes)).draw(np.random.default_rng(0))
    assert ((paths.rates_KV >= 0) & (paths.rates_KV <= 1)).all()


def test_rewards_are_drawn_at_the_interpolated_rates():
    """20,000 rollouts of each of 60 tasks: all within 5 standard errors, a false alarm in 10^4."""
    backend, truth = made()
    for _ in range(7):
        backend.skip()
    rates_N = truth.solve_rates()
    drawn_N = backend.rollout(np.arange(NUM), 20_000).rewards_BG.mean(axis=1)
    error_N = np.sqrt(rates_N * (1 - rates_N) / 20_000) + 1e-4
    assert (np.abs(drawn_N - rates_N) < 5 * error_N).all()


def test_draws_are_those_of_the_counter():
    backend, truth = made()
    backend.skip()
    backend.rollout(np.array([4]), 3)
    rewards_G = backend.rollout(np.array([9, 4]), 5).rewards_BG[1]
    counter = stream(np.uint64(backend._key), 1, 4)
    plain = [uniform(counter, 3 + g) < truth.solve_rates()[4] for g in range(5)]
    assert rewards_G.tolist() == [float(value) for value in plain]


def test_draws_do_not_depend_on_what_was_chosen_before():
    one, other = made()[0], made()[0]
    for step in range(5):
        one.train(one.rollout(np.arange(step, step + 9), 4))
        other.train(other.rollout(np.arange(30, 33), 2))
    ids = np.arange(NUM)
    assert np.array_equal(one.rollout(ids, 8).rewards_BG, other.rollout(ids, 8).rewards_BG)


def test_nothing_is_learnt_and_time_is_the_logs():
    trained, idle = made(), made()
    for _ in range(12):
        trained[0].train(trained[0].rollout(np.arange(9), 8))
        idle[0].skip()
        assert np.array_equal(trained[1].solve_rates(), idle[1].solve_rates())
    assert not np.array_equal(trained[1].solve_rates(), made()[1].solve_rates())


def test_rates_stay_beyond_the_end_of_the_log():
    backend, truth = made()
    for _ in range(40):
        backend.skip()
    before_N = truth.solve_rates()
    backend.skip()
    assert np.array_equal(truth.solve_rates(), before_N)


def test_evaluation_is_the_mean_rate_of_all_tasks():
    backend, truth = made()
    backend.skip()
    assert backend.evaluate() == truth.solve_rates().mean()
    assert truth.solve_rates(np.array([3, 1])).tolist() == truth.solve_rates()[[3, 1]].tolist()


def test_gains_are_the_chances_of_informative_groups():
    backend, truth = made()
    rewards_BG = backend.rollout(np.arange(NUM), 8).rewards_BG
    assert truth.expected_gains() == pytest.approx(informative_chance(truth.solve_rates(), 8))
    assert informative_chance(np.array([0.25]), 3)[0] == 1 - 0.25**3 - 0.75**3
    assert rewards_BG.shape == (NUM, 8)


def test_seeds_differ_in_rates_and_equal_ones_do_not():
    assert not np.array_equal(made(0)[1].solve_rates(), made(1)[1].solve_rates())
    assert np.array_equal(made(1)[1].solve_rates(), made(1)[1].solve_rates())


def test_steps_between_visits_stretch_a_log_by_visit():
    names, visits = np.array(["a"] * 3), np.arange(3)
    trace = from_columns(names, visits, np.array([0, 4, 8]), np.full(3, 8), by_step=False)
    slow, fast = (logged_rates(trace, steps) for steps in (10, 5))
    assert slow.times_KV.tolist() == [[0, 10, 20]]
    assert slow.reach == 2 * fast.reach


def test_tokens_are_those_of_the_log_where_it_knows_them():
    backend = made(tokens_N=np.linspace(1.2, 60, NUM))[0]
    batch = backend.rollout(np.array([0, NUM - 1]), 4)
    assert backend.train(batch) == {"generated_tokens": 4 * 61}
    assert backend.deliver(batch)[0].tokens_B.tolist() == [4, 240]
    silent = made()[0]
    batch = silent.rollout(np.array([0]), 4)
    assert silent.train(batch) == {}
    assert silent.deliver(batch)[0].tokens_B is None


def test_held_groups_are_part_of_the_state():
    backend, twin = made()[0], made()[0]
    backend.hold(backend.rollout(np.array([3, 5]), 4))
    twin.load_state_dict(backend.state_dict())
    assert twin.held().task_ids_B.tolist() == [3, 5]
    assert np.array_equal(twin.held().rewards_BG, backend.held().rewards_BG)


@pytest.mark.parametrize("tokens", [np.ones(3), np.zeros(NUM), np.full(NUM, np.nan)])
def test_impossible_tokens_are_refused(tokens):
    with pytest.raises(ValueError, match="positive number per task"):
        made(tokens_N=tokens)


def test_a_pool_of_other_tasks_is_refused():
    run = LoggedRun(logged_rates(logs.trace(NUM)).mean())
    with pytest.raises(ValueError, match="one task per task of the log"):
        TraceBackend(run, Pool.numbered(NUM + 1), 0)


def test_training_on_a_stranger_is_refused():
    with pytest.raises(ValueError, match="pool"):
        made()[0].train(RolloutBatch([NUM], [[1.0]]))

import copy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bots import BetaPosterior
from bots.evidence import Evidence
from bots.live.belief.beliefs import Beliefs
from bots.live.choice.kernels import REMOVED, VISITED, Recall
from tests.bots.live.helpers import (
    CLASSES,
    NEVER,
    NOWHERE,
    TASKS,
    flat,
    lived_beliefs,
    measure,
    one_class,
)

NOTHING = (np.empty(0), np.empty(0))


@pytest.mark.integration
@pytest.mark.parametrize("forgetting", [0.0, 0.01, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("rho", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("prior", [(1.0, 1.0), (0.5, 3.0)])
def test_the_law_is_that_of_the_posterior_task_by_task(forgetting, rho, prior):
    rng = np.random.default_rng([int(100 * forgetting), int(10 * rho)])
    class_N = rng.integers(0, CLASSES, TASKS).astype(np.uint16)
    beliefs = Beliefs(class_N, CLASSES, prior)
    start = BetaPosterior(np.full(TASKS, prior[0]), np.full(TASKS, prior[1]))
    posterior, rates_C = start, rng.choice([0.001, 0.3, 0.999], CLASSES)
    for _ in range(300):
        size = int(rng.integers(1, 20))
        tasks_U = np.union1d(rng.choice(TASKS, rng.integers(40), replace=False), np.arange(5))
        trials_U = rng.integers(1, size + 1, tasks_U.size).astype(float)
        rate_U = np.append([0, 1, 0, 1, 0.5], rng.random(tasks_U.size - 5))
        solved_U = rng.binomial(trials_U.astype(int), rate_U).astype(float)
        predicted_C = np.where(rng.random(CLASSES) < 0.2, np.nan, rates_C)
        evidence = Evidence(tasks_U, solved_U, trials_U, float(size), solved_U)
        posterior = posterior.update(evidence, start, forgetting, rho, predicted_C[class_N])
        counts_U = (solved_U, trials_U - solved_U)
        beliefs.update(1 - forgetting, (rho * size, predicted_C), tasks_U, counts_U)
        beliefs.tidy()
        alpha_N, beta_N = beliefs.pseudo_counts(np.arange(TASKS))
        room_N = 2e-6 * posterior.effective_sample_size()
        assert (np.abs(alpha_N - posterior.alpha_N) <= room_N).all()
        assert (np.abs(beta_N - posterior.beta_N) <= room_N).all()
        assert_allclose(alpha_N / (alpha_N + beta_N), posterior.mean(), atol=2e-6)


@pytest.mark.parametrize(("forgetting", "rho", "size"), [(0.1, 0.1, 8), (0.02, 0.5, 16)])
def test_effective_sample_sizes_settle_in_the_bounds_of_proposition_2(forgetting, rho, size):
    rng = np.random.default_rng(0)
    beliefs = Beliefs(np.zeros(50, np.uint16), 1)
    for _ in range(int(20 / forgetting)):
        tasks_U = np.union1d(rng.choice(np.arange(1, 49), 5, replace=False), [0])
        solved_U = rng.binomial(size, 0.4, tasks_U.size).astype(float)
        implicit = (rho * size, np.array([0.4]))
        beliefs.update(1 - forgetting, implicit, tasks_U, (solved_U, size - solved_U))
        beliefs.tidy()
    sizes_N = np.add(*beliefs.pseudo_counts(np.arange(50)))
    low, high = 2 + rho * size / forgetting, 2 + size / forgetting
    assert sizes_N.min() >= low * (1 - 3e-6)
    assert sizes_N.max() <= high * (1 + 3e-6)
    assert_allclose(sizes_N[[49, 0]], [low, high], rtol=3e-6)


def test_no_task_needs_more_than_24_bytes_even_when_all_were_visited():
    num_tasks = 100_000
    beliefs = Beliefs((np.arange(num_tasks) % 500).astype(np.uint16), 500)
    for part in np.array_split(np.random.default_rng(0).permutation(num_tasks), 7):
        ones = np.ones(part.size)
        beliefs.update(0.99, (0.0, None), part, (ones, ones))
        assert beliefs.num_bytes <= 24 * num_tasks
    assert beliefs.visited_V.size == num_tasks


def test_tidying_drops_only_what_is_immaterial_and_keeps_what_is_asked_for():
    beliefs = Beliefs(np.zeros(4, np.uint16), 1)
    beliefs.update(1.0, (0.0, None), np.arange(3), (np.array([1.0, 3e-6, 1e-7]), np.zeros(3)))
    before = np.array(beliefs.pseudo_counts(np.arange(4)))
    for _ in range(16):
        beliefs.tidy()
    assert_array_equal(beliefs.visited_V, [0, 1])
    assert_allclose(beliefs.pseudo_counts(np.arange(4)), before, atol=2e-6)
    beliefs.update(1.0, (0.0, None), np.array([2]), (np.array([1e-7]), np.zeros(1)))
    for _ in range(16):
        beliefs.tidy(keeps=lambda: beliefs.visited_V == 2)
    assert_array_equal(beliefs.visited_V, [0, 1, 2])
    assert_array_equal(np.flatnonzero(beliefs.table.flags_N & VISITED), [0, 1, 2])


def test_residuals_survive_the_renewal_of_their_scale():
    beliefs = Beliefs(np.zeros(2, np.uint16), 1)
    for _ in range(40):
        beliefs.update(0.2, (0.0, None), np.array([0]), (np.array([3.0]), np.array([1.0])))
    expected = [[1 + 3 / 0.8, 1], [1 + 1 / 0.8, 1]]
    assert_allclose(beliefs.pseudo_counts(np.arange(2)), expected, rtol=1e-5)


def test_streaks_count_visits_that_were_all_solved_or_all_failed():
    beliefs, seen = Beliefs(np.zeros(1, np.uint16), 1), []
    for solved, failed in ((8, 0), (8, 0), (0, 8), (0, 8), (3, 5), (0, 2)):
        counts = (np.array([float(solved)]), np.array([float(failed)]))
        beliefs.visit(np.array([0]), counts, 7.0)
        seen.append(int(beliefs.table.streak_N[0]))
    assert seen == [1, 2, -1, -2, 0, -1]
    for _ in range(300):
        beliefs.visit(np.array([0]), (np.zeros(1), np.ones(1)), 8.0)
    assert beliefs.table.streak_N[0] == -127
    assert beliefs.table.last_N[0] == 8.0


def test_due_tasks_are_drawn_from_the_prior():
    beliefs = lived_beliefs(0, prior=(2.0, 1.0))
    beliefs.table.streak_N[beliefs.visited_V[:9]] = [1, -1, 2, -2, 3, 4, 5, 6, 0]
    tasks, recall = np.arange(TASKS), Recall(200.0, 50.0)
    due_N = beliefs.due(tasks, recall)
    alpha_N, beta_N = beliefs.drawn(tasks, recall)
    assert due_N.any()
    assert not beliefs.due(tasks, NEVER).any()
    assert_array_equal(alpha_N[due_N], 2)
    assert_array_equal(beta_N[due_N], 1)
    assert_array_equal(alpha_N[~due_N], beliefs.pseudo_counts(tasks)[0][~due_N])


def test_growing_leaves_old_beliefs_and_gives_new_classes_what_is_predicted():
    beliefs = lived_beliefs(1)
    before = beliefs.pseudo_counts(np.arange(TASKS))
    rates_C = np.append(np.full(CLASSES, 0.3), [0.75, np.nan])
    beliefs.grow(np.array([CLASSES, 2, CLASSES + 1], np.uint16), CLASSES + 2, rates_C)
    assert_array_equal(beliefs.pseudo_counts(np.arange(TASKS)), before)
    alpha, beta = beliefs.pseudo_counts(np.arange(TASKS, TASKS + 3))
    weight = beliefs.sums.alpha_C[0] + beliefs.sums.beta_C[0] - 2
    assert_allclose(alpha, [1 + 0.75 * weight, beliefs.sums.alpha_C[2], 1])
    assert_allclose(beta, [1 + 0.25 * weight, beliefs.sums.beta_C[2], 1])
    assert beliefs.table.member_N[beliefs.starts_C[CLASSES]] == TASKS


def test_moving_carries_visited_tasks_and_leaves_the_others_to_their_class():
    beliefs, rng = lived_beliefs(2), np.random.default_rng(0)
    old, new = rng.choice(TASKS, 200, replace=False), rng.permutation(250)[:200]
    class_M = rng.integers(0, CLASSES, 250).astype(np.uint16)
    moved = beliefs.moved(class_M, CLASSES, None, (old, new))
    visited = beliefs.table.flags_N[old] & VISITED > 0
    assert 0 < visited.sum() < 200
    for place in range(2):
        here, there = beliefs.pseudo_counts(old)[place], moved.pseudo_counts(new)[place]
        assert_allclose(there[visited], here[visited], rtol=1e-6)
        assert_array_equal(there[~visited], moved.sums[place][class_M[new[~visited]]])
    assert_array_equal(moved.table.last_N[new], beliefs.table.last_N[old])
    assert_array_equal(moved.table.streak_N[new], beliefs.table.streak_N[old])
    assert_array_equal(moved.sums.alpha_C, beliefs.sums.alpha_C)


def test_the_mean_over_all_tasks_is_that_of_the_tasks_that_are_left():
    beliefs = lived_beliefs(3)
    beliefs.remove(np.arange(0, TASKS, 3))
    left = np.setdiff1d(np.arange(TASKS), beliefs.removed)
    alpha, beta = beliefs.pseudo_counts(left)
    assert beliefs.mean_of(np.add) == pytest.approx((alpha + beta).mean())
    assert beliefs.mean_of(lambda a, b: a / (a + b)) == pytest.approx(
        (alpha / (alpha + beta)).mean()
    )
    open_N = beliefs.table.flags_N & (VISITED | REMOVED) == 0
    expected = np.bincount(beliefs.table.class_N[open_N], minlength=CLASSES)
    assert_array_equal(beliefs.unvisited(NOWHERE), expected)


@pytest.mark.parametrize("prior", [(1, 1), (0.5, 2)])
def test_whole_numbers_are_priors_too(prior):
    beliefs = Beliefs(np.zeros(1, np.uint16), 1, prior)
    beliefs.update(0.9, (0.5, one_class(0.5, 0, 1)), NOWHERE, NOTHING)
    assert_allclose(beliefs.sums.alpha_C, prior[0] + 0.25)


def test_restored_beliefs_go_on_bit_for_bit():
    beliefs = lived_beliefs(4)
    beliefs.remove(np.array([5, 299]))
    restored = Beliefs.restored(copy.deepcopy(beliefs.state_dict()), (1.0, 1.0))
    for one in (beliefs, restored):
        rng = np.random.default_rng(9)
        for now in range(40):
            measure(one, rng, now=100 + now)
    assert flat(restored.state_dict()) == flat(beliefs.state_dict())
    assert_array_equal(restored.removed, [5, 299])

import math

import numba
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal, assert_array_max_ulp
from scipy import special

from bots.live.belief.beliefs import Beliefs
from bots.live.choice import kernels
from bots.live.choice.kernels import Recall
from bots.live.selector import LiveSelector
from tests.bots.live import naive
from tests.bots.live.helpers import NEVER, flat, pool_of, step

CLASSES, TASKS = 7, 400
counts = st.one_of(
    st.floats(-3, 6).map(lambda x: 10.0**x),
    st.sampled_from([1.0, 2.0, 1 + 1e-12, 1 - 1e-12, 1e-3, 1e6]),
)
shares = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 1.0, 0.5, 1e-12, 1 - 1e-12]))


def random_beliefs(seed: int, prior=(1.0, 1.0), num_tasks: int = TASKS) -> Beliefs:
    rng = np.random.default_rng(seed)
    beliefs = Beliefs(rng.integers(0, CLASSES, num_tasks).astype(np.uint16), CLASSES, prior)
    for _ in range(12):
        rates_C = np.where(rng.random(CLASSES) < 0.2, np.nan, rng.random(CLASSES))
        tasks_U = rng.choice(num_tasks, num_tasks // 10, replace=False)
        solved_U = rng.binomial(8, rng.random(tasks_U.size)).astype(float)
        beliefs.update(0.9, (rng.random(), rates_C), tasks_U, (solved_U, 8 - solved_U))
        beliefs.visit(tasks_U, (solved_U, 8 - solved_U), float(rng.integers(20)))
    return beliefs


def windows(seed: int):
    """Windows and the windows inside them; some of either are empty or whole."""
    rng = np.random.default_rng([seed, 1])
    windows_C = rng.random(CLASSES) ** 4
    inner_C = windows_C * rng.choice([0.0, 0.3, 1.0], CLASSES)
    windows_C[0], inner_C[0] = 1.0, 0.0
    return windows_C, inner_C


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("prior", [(1.0, 1.0), (0.5, 2.0)])
def test_every_kernel_equals_its_plain_twin(seed, prior):
    beliefs, (windows_C, inner_C) = random_beliefs(seed, prior), windows(seed)
    table, sums, visited_V = beliefs.table, beliefs.sums, beliefs.visited_V
    target, recall = (0.5, 0.0, 0.3)[seed % 3], Recall(25.0, (math.inf, 4.0)[seed % 2])
    key, rest = np.uint64(12345 + seed), (recall, windows_C, inner_C, target)
    chance_C = kernels.class_chances(sums, windows_C, inner_C, target)
    # A few units in the last place: the compiler may contract a product and a sum.
    plain_C = np.array(naive.class_chances(sums, windows_C, inner_C, target))
    assert_array_max_ulp(chance_C, plain_C, 8)
    count_C = kernels.count_proposals(key, beliefs.starts_C, chance_C)
    listed = kernels.list_proposals(key, beliefs.starts_C, chance_C, count_C, table.member_N)
    plainly = naive.list_proposals(key, beliefs.starts_C, chance_C, table.member_N)
    assert count_C.tolist() == [len(members) for members in plainly]
    assert listed.tolist() == [k for members in plainly for k in members]
    marked_V = kernels.mark_visited(key, table, sums, visited_V, *rest)
    assert marked_V.tolist() == naive.mark_visited(key, table, sums, visited_V, *rest)
    tasks = np.arange(TASKS)
    columns = np.array(kernels.propose(table, sums, tasks, *rest))
    plain_N = np.array(naive.propose(table, sums, tasks, *rest), float)
    assert_array_max_ulp(columns.T, plain_N, 8)
    due = kernels.due_again(table.streak_N, table.last_N, recall)
    drawn = [naive.is_due(*pair, recall) for pair in zip(table.streak_N, table.last_N, strict=True)]
    assert due.tolist() == drawn
    alpha_N, beta_N = beliefs.pseudo_counts(tasks)
    assert [kernels.belief(table, sums, k) for k in tasks] == list(
        zip(alpha_N, beta_N, strict=True)
    )
    assert [naive.belief(table, sums, k) for k in tasks] == list(zip(alpha_N, beta_N, strict=True))


@pytest.mark.parametrize("seed", range(4))
def test_acceptance_and_tidying_equal_their_plain_twins(seed):
    beliefs, (windows_C, inner_C) = random_beliefs(seed, (1.0, 1.0)), windows(seed)
    table, sums, rng = beliefs.table, beliefs.sums, np.random.default_rng(seed)
    recall = Recall(25.0, math.inf)
    shared = (recall, windows_C / 10, inner_C / 10, 0.4)
    task = kernels.propose(table, sums, np.arange(TASKS), *shared)
    remains, places, coins = rng.uniform(0.5, 1, TASKS), rng.random(TASKS), rng.random(TASKS)
    draws, accepted = kernels.accept(task, remains, places, coins)
    expected, counted = zip(*naive.accept(task, remains, places, coins), strict=True)
    np.testing.assert_allclose(draws, expected, rtol=1e-13)
    assert accepted.tolist() == list(counted)
    assert 0 < accepted.sum() < task.plain.sum()
    for share in (1e-6, 0.3):
        stays_V = kernels.material(table, sums, beliefs.visited_V, share)
        assert stays_V.tolist() == naive.material(table, sums, beliefs.visited_V, share)


@given(key=st.integers(0, 2**64 - 1), what=st.integers(0, 2**62))
@example(key=2**64 - 1, what=2**62)
def test_the_hash_equals_its_plain_twin_and_lies_inside_the_unit_interval(key, what):
    value = kernels.uniform(np.uint64(key), np.uint64(what))
    assert value == naive.uniform(key, what)
    assert 0 < value < 1


@given(alpha=counts, beta=counts, ends=st.tuples(shares, shares))
def test_scalar_bounds_equal_their_plain_twins(alpha, beta, ends):
    low, high = sorted(ends)
    got, want = (
        kernels.density_bound(alpha, beta, low, high),
        naive.density_bound(alpha, beta, low, high),
    )
    assert got == pytest.approx(want, rel=1e-12 * (1 + alpha + beta))  # exp of a large difference
    assert kernels.peak_bound(alpha, beta) == pytest.approx(
        naive.peak_bound(alpha, beta), rel=1e-13
    )
    chance = kernels.chance_bound(high - low, low, alpha)
    assert chance == pytest.approx(naive.chance_bound(high - low, low, alpha), rel=1e-13)


def greatest_density(alpha: float, beta: float, low: float, high: float) -> float:
    """At the ends, at the mode and on a grid."""
    places = np.linspace(low, high, 33)
    powers = special.xlogy(alpha - 1, places) + special.xlog1py(beta - 1, -places)
    a, b = alpha - 1, beta - 1
    if a > 0 and b > 0 and low <= a / (a + b) <= high:
        powers = np.append(powers, special.xlogy(a, a / (a + b)) + special.xlogy(b, b / (a + b)))
    with np.errstate(over="ignore"):
        return float(np.exp(powers.max() - special.betaln(alpha, beta)))


@given(alpha=counts, beta=counts, ends=st.tuples(shares, shares))
@example(alpha=1e-3, beta=1e6, ends=(0.0, 1.0))
@example(alpha=1.0, beta=0.5, ends=(0.0, 1.0))
@example(alpha=1.0, beta=1.0, ends=(0.0, 1.0))
@example(alpha=1e5, beta=1 + 1e-15, ends=(0.9, 1.0))
def test_bounds_of_the_density_are_bounds(alpha, beta, ends):
    low, high = sorted(ends)
    truth = greatest_density(alpha, beta, low, high) * (1 - 1e-8)  # scipy's own error
    bound = kernels.density_bound(alpha, beta, low, high)
    assert bound >= truth
    assert kernels.peak_bound(alpha, beta) >= truth
    if alpha >= 1 and beta >= 1:
        assert bound <= 1.3 * truth + 1e-300
        whole = greatest_density(alpha, beta, 0.0, 1.0)
        assert kernels.peak_bound(alpha, beta) <= 1.5 * whole


def test_bounds_of_the_density_are_bounds_on_a_grid_of_counts():
    grid = 10 ** np.linspace(-3, 6, 46)
    for alpha in grid:
        for beta in grid:
            for low, high in ((0.0, 1.0), (0.45, 0.55), (0.0, 0.01), (0.5, 0.5), (0.999, 1.0)):
                truth = greatest_density(alpha, beta, low, high) * (1 - 1e-8)
                assert kernels.density_bound(alpha, beta, low, high) >= truth
                assert kernels.peak_bound(alpha, beta) >= truth


@given(alpha=counts, beta=counts, halves=st.tuples(shares, shares), target=shares)
def test_the_chance_of_a_ring_is_bounded(alpha, beta, halves, target):
    inner_half, half = sorted(halves)
    ends, inside = naive.window(target, half), naive.window(target, inner_half)
    within, inner = (np.diff(special.betainc(alpha, beta, pair))[0] for pair in (ends, inside))
    density = kernels.density_bound(alpha, beta, *ends)
    widths = ends[1] - ends[0], inside[1] - inside[0]
    bound = kernels.chance_bound(widths[0] - widths[1], widths[1], density)
    if widths[0] > widths[1] and bound < 1:
        assert (within - inner) / (1 - inner) <= bound * (1 + 1e-6) + 1e-9


def test_a_task_waits_twice_as_long_after_every_visit_that_changed_nothing():
    recall = Recall(1_000.0, 10.0)
    for streak, waits in ((1, 10), (-1, 10), (2, 20), (-5, 160)):
        assert kernels.is_due(streak, 1_000.0 - waits, recall)
        assert not kernels.is_due(streak, 1_001.0 - waits, recall)
    assert not kernels.is_due(0, -math.inf, recall)
    assert not kernels.is_due(1, -math.inf, NEVER)
    assert kernels.is_due(-128, -math.inf, recall)


@pytest.fixture
def threads():
    before = numba.get_num_threads()
    if before < 2:
        pytest.skip("one thread is all there is")
    yield
    numba.set_num_threads(before)


def test_marks_do_not_depend_on_threads_or_blocks(threads):
    num_tasks = kernels._WORTH_THREADS + 5_000
    beliefs, (windows_C, inner_C) = random_beliefs(0, num_tasks=num_tasks), windows(0)
    visited_V = np.arange(num_tasks, dtype=np.int32)
    rest = (visited_V, Recall(25.0, 4.0), windows_C / 50, inner_C / 50, 0.5)
    marks = []
    for number in (1, 2):
        numba.set_num_threads(number)
        marks.append(kernels.mark_visited(np.uint64(3), beliefs.table, beliefs.sums, *rest))
    one_block = np.zeros(num_tasks, np.bool_)
    visited_V, recall, windows_C, inner_C, target = rest
    inside_C = kernels._inside(target, inner_C)
    width_C = kernels._inside(target, windows_C) - inside_C
    kernels._mark(
        np.uint64(3),
        *(beliefs.table, beliefs.sums),
        visited_V,
        recall,
        width_C,
        inside_C,
        one_block,
    )
    assert_array_equal(marks[0], one_block)
    assert_array_equal(marks[1], one_block)
    assert 0 < one_block.mean() < 0.9


def test_choices_do_not_depend_on_threads(threads):
    lives = []
    for number in (1, 2):
        numba.set_num_threads(number)
        selector = LiveSelector(pool_of(300), np.random.default_rng(0))
        rng = np.random.default_rng(1)
        batches = [step(selector, rng).tolist() for _ in range(20)]
        lives.append((batches, flat(selector.state_dict())))
    assert lives[0] == lives[1]

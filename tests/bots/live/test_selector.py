import copy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bots import BOTSSelector, Pool
from bots.live.selector import LiveSelector
from tests.bots.live.helpers import feedback, flat, lived_selector, make_selector, pool_of, step


def state_without_counters(selector: LiveSelector) -> dict:
    values = flat(selector.state_dict())
    return {name: value for name, value in values.items() if ".counters." not in name}


def counters(selector: LiveSelector) -> dict:
    return dict(selector.state_dict()["learning"]["counters"])


def answer(selector: LiveSelector, selection, tasks=slice(None), **rest) -> None:
    ids = selection.task_ids_B[tasks]
    selector.update(feedback(ids, 4, batch_id=selection.batch_id, **rest))


@pytest.mark.parametrize("thompson", [True, False])
def test_eight_batches_drawn_ahead_are_disjoint(thompson):
    selector = make_selector(thompson=thompson)
    batches = [selector.draw(20) for _ in range(8)]
    ids = np.concatenate([batch.task_ids_B for batch in batches])
    assert np.unique(ids).size == 160
    assert [batch.batch_id for batch in batches] == list(range(8))
    for batch in reversed(batches):
        answer(selector, batch)
    assert selector.metrics()["flights/tasks"] == 0


def test_a_batch_drawn_ahead_uses_what_is_known_by_then():
    early, late = make_selector(thompson=False), make_selector(thompson=False)
    for selector in (early, late):
        selector.draw(8)
    selection = late.draw(8)
    late.update(feedback(selection.task_ids_B, 8, batch_id=selection.batch_id))
    assert late.draw(8).predicted_B.tolist() != early.draw(8).predicted_B.tolist()


def test_late_partial_and_unordered_feedback_adds_up():
    orders = ([(0, 0), (0, 1), (1, 0), (1, 1)], [(1, 1), (0, 1), (1, 0), (0, 0)])
    results = []
    for order in orders:
        selector = make_selector(forgetting=0.0, predictor="none")
        selections = [selector.draw(10) for _ in range(2)]
        for batch, half in order:
            answer(selector, selections[batch], slice(5 * half, 5 * half + 5))
        results.append(selector.solve_rates())
        assert selector.metrics()["flights/batches"] == 0
    assert_allclose(*results, rtol=1e-6)


def test_feedback_that_comes_twice_counts_once():
    selector = lived_selector()
    selection = selector.draw(8)
    answer(selector, selection, slice(0, 5))
    before = state_without_counters(selector)
    for tasks in (slice(0, 5), slice(2, 3)):
        answer(selector, selection, tasks)
    assert state_without_counters(selector) == before
    assert counters(selector)["duplicates"] == 6
    answer(selector, selection)  # the rest of it is new
    assert counters(selector)["duplicates"] == 11
    assert selector.metrics()["flights/tasks"] == 0


def test_feedback_for_a_cancelled_batch_or_removed_tasks_is_ignored():
    selector = lived_selector()
    cancelled, other = selector.draw(8), selector.draw(8)
    selector.cancel(cancelled.batch_id)
    selector.cancel(cancelled.batch_id)
    selector.remove(other.task_ids_B[:3])
    before = state_without_counters(selector)
    answer(selector, cancelled)
    answer(selector, other, slice(0, 3))
    assert state_without_counters(selector) == before
    assert counters(selector) == {"duplicates": 8, "removed": 3, "lost": 0}
    answer(selector, other)
    assert counters(selector)["removed"] == 6
    assert not np.isin(other.task_ids_B[:3], selector.beliefs.visited_V).all()


def test_batches_without_feedback_are_lost_when_patience_ends():
    selector = make_selector(patience=4.0)
    lost = selector.draw(8)
    for version in (10, 12, 14, 15):  # the first says what version it was when that was drawn
        assert counters(selector)["lost"] == 0
        one = selector.draw(8)
        answer(selector, one, policy_version=version, current_version=version)
    assert counters(selector)["lost"] == 1
    answer(selector, lost, policy_version=10, current_version=16)
    assert counters(selector)["duplicates"] == 8


def test_tasks_in_flight_are_chosen_only_when_too_few_others_are_left():
    selector = make_selector(20, domains=0)
    first = selector.select(12)
    assert np.intersect1d(first, selector.select(8)).size == 0
    assert selector.select(5).size == 5
    assert make_selector(20, domains=0).select(20).size == 20


def test_resting_tasks_are_chosen_only_when_too_few_others_are_left():
    selector, rng = make_selector(24, domains=0, cooldown=2.0), np.random.default_rng(0)
    batches = [step(selector, rng) for _ in range(9)]
    for one, two, three in zip(batches, batches[1:], batches[2:], strict=False):
        assert np.unique(np.concatenate([one, two, three])).size == 24
    assert selector.select(20).size == 20


@pytest.mark.parametrize("exclude", [np.arange(30), np.array([1, 1, 7], np.uint64), [], None])
def test_excluded_and_removed_tasks_are_never_chosen(exclude):
    selector = lived_selector(3, 60)
    selector.remove(np.arange(50, 60))
    away = np.union1d(np.arange(50, 60), np.array([] if exclude is None else exclude, int))
    for _ in range(6):
        assert np.intersect1d(selector.select(20, exclude), away).size == 0
    with pytest.raises(ValueError, match="left"):
        selector.select(61 - away.size, exclude)


@pytest.mark.integration
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"coverage": 0.25, "domain_floor": 0.2},
        {"thompson": False, "utility": "informative", "retest": 4.0, "cooldown": 2.0},
        {"predictor": "logit", "learned_weight": True, "allocation": "progress"},
    ],
)
def test_equal_seeds_give_equal_bits_and_states_go_on(settings):
    one, two = lived_selector(**settings), lived_selector(**settings)
    assert flat(one.state_dict()) == flat(two.state_dict())
    again = make_selector(**settings, seed=99)
    again.load_state_dict(copy.deepcopy(one.state_dict()))
    rng, same = np.random.default_rng(5), np.random.default_rng(5)
    for _ in range(20):
        assert step(one, rng).tolist() == step(again, same).tolist()
    assert flat(one.state_dict()) == flat(again.state_dict())


def test_select_gives_the_tasks_of_draw():
    one, two = lived_selector(coverage=0.25), lived_selector(coverage=0.25)
    for _ in range(5):
        assert_array_equal(one.select(8), two.draw(8).task_ids_B)
    assert flat(one.state_dict()) == flat(two.state_dict())


def test_a_selection_says_what_was_believed_of_it():
    selector = lived_selector(coverage=0.25)
    selector.remove([0, 1])
    rates_N = selector.solve_rates()
    selection = selector.draw(8)
    assert_array_equal(selection.predicted_B, rates_N[selection.task_ids_B])
    assert selection.predicted_mean == pytest.approx(rates_N[2:].mean())
    assert selection.num_tasks == 198
    assert selection.version == selector.metrics()["feedback/version"] == 10
    assert ((selection.inclusion_B > 0) & (selection.inclusion_B <= 1)).all()
    lost = np.where(np.arange(8) < 2, np.nan, 0.5)
    assert np.isfinite(selection.mean_reward(lost).mean)


def test_the_defaults_believe_what_the_papers_selector_believes():
    ours, theirs = make_selector(), BOTSSelector(pool_of(200, domains=3), np.random.default_rng(0))
    rng = np.random.default_rng(2)
    for _ in range(100):
        ids = ours.select(10)
        one = feedback(ids, rng.binomial(8, ids / 200))
        ours.update(one)
        theirs.update(one)
    assert_allclose(ours.solve_rates(), theirs.solve_rates(), atol=2e-6)
    figures = ours.metrics(), theirs.metrics()
    for name in ("posterior/mean", "posterior/effective_sample_size"):
        assert figures[0][name] == pytest.approx(figures[1][name], rel=1e-5)


def test_costs_move_the_choice_to_shorter_tasks():
    lengths = []
    for per_token in (False, True):
        selector, rng = make_selector(600, per_token=per_token), np.random.default_rng(3)
        taken = []
        for _ in range(60):
            selection = selector.draw(8)
            ids = selection.task_ids_B
            tokens = 8.0 * np.array([100, 1_000, 8_000])[domain_of(selector.pool)[ids]]
            answer(selector, selection, tokens_B=tokens)
            taken.append(tokens.mean())
            rng.random()
        lengths.append(np.mean(taken[20:]))
    assert lengths[1] < 0.5 * lengths[0]


def domain_of(pool: Pool) -> np.ndarray:
    assert pool.domains_N is not None
    return np.unique(pool.domains_N, return_inverse=True)[1]

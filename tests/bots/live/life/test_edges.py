"""Corners of a live selector's life."""

import numpy as np
import pytest

from bots import Feedback, Pool
from bots.live import LiveConfig, LiveSelector
from bots.live.choice.kernels import Recall
from tests.bots.live.life.test_life import flat, refused

NUM_TASKS = 40


def made(**options) -> LiveSelector:
    weak_N = np.arange(NUM_TASKS) % 4 / 8
    domains_N = np.repeat(["a", "b"], [36, 4])
    pool = Pool(np.arange(NUM_TASKS), {"weak": weak_N, "strong": weak_N + 0.5}, domains_N)
    return LiveSelector(pool, np.random.default_rng(0), LiveConfig(**options))


def solved(tasks: list[int], **rest) -> Feedback:
    return Feedback(tasks, [8] * len(tasks), [8] * len(tasks), **rest)


@pytest.mark.parametrize("removed", [[], [1]])
def test_exclusions_are_read_alike_whatever_was_removed(removed):
    selector = made()
    if removed:
        selector.remove(removed)
    for nothing in ([], np.array([]), None):
        assert selector.select(3, nothing).size == 3
    assert set(selector.select(2, np.arange(2, 38).astype(np.uint64))) <= {0, 1, 38, 39}
    refused(selector, lambda: selector.select(3, np.zeros(NUM_TASKS, dtype=bool)))
    refused(selector, lambda: selector.select(3, 7))


@pytest.mark.parametrize("thompson", [True, False])
@pytest.mark.parametrize("floor", [0.0, 0.25])
def test_a_batch_may_be_uniform_altogether(thompson, floor):
    selector = made(coverage=1.0, domain_floor=floor, thompson=thompson)
    assert selector.draw(8).inclusion_B == pytest.approx(np.full(8, 0.2))
    for size in (1, 1, 1):
        assert selector.draw(size).task_ids_B.size == size


def test_a_floor_gives_way_while_a_domain_has_too_few_tasks():
    selector = made(domain_floor=0.25)
    drawn = np.concatenate([selector.select(8) for _ in range(5)])
    assert sorted(drawn) == list(range(NUM_TASKS))


def test_batches_drawn_before_the_version_is_known_are_not_lost_when_it_is_high():
    selector = made(patience=4.0)
    batches = [selector.draw(4) for _ in range(3)]
    for number, batch in enumerate(batches):
        version = 1000.0 + number
        selector.update(
            solved(
                batch.task_ids_B,
                batch_id=batch.batch_id,
                policy_version=version,
                current_version=version,
            )
        )
    metrics = selector.metrics()
    assert metrics["feedback/lost"] == metrics["feedback/duplicates"] == 0
    assert (selector.beliefs.table.streak_N == 1).sum() == 12


@pytest.mark.parametrize(
    "huge",
    [
        {"successes_B": [1e300], "trials_B": [1e300]},
        {"tokens_B": [2e15]},
        {"policy_version": 0.0, "current_version": 2e15},
    ],
)
def test_numbers_that_could_overflow_are_refused(huge):
    plain = {"task_ids_B": [3], "successes_B": [1], "trials_B": [8]}
    Feedback(**plain)
    with pytest.raises(ValueError, match="must"):
        Feedback(**plain | huge)


@pytest.mark.parametrize("forgetting", [0.0, 1e-9, 0.1, 1.0])
def test_the_largest_numbers_are_taken_and_saved(forgetting):
    selector, again = made(forgetting=forgetting), made(forgetting=forgetting)
    for version in (0.0, 1.0, 1e15, 1e15):
        for rate in (0, 1):
            groups = [[3, 4, 4], np.full(3, rate * 1e9), np.full(3, 1e9)]
            selector.update(Feedback(*groups, policy_version=0.0, current_version=version))
    assert np.isfinite(selector.solve_rates()).all()
    again.load_state_dict(selector.state_dict())
    assert flat(again.state_dict()) == flat(selector.state_dict())


@pytest.mark.parametrize("predictor", ["line", "logit"])
def test_feedback_too_old_to_count_says_nothing(predictor):
    rates = []
    for successes in (0, 8):
        selector = made(staleness=1.0, predictor=predictor)
        selector.update(
            Feedback([3, 5], [successes] * 2, [8] * 2, policy_version=0.0, current_version=1.0)
        )
        rates.append(selector.solve_rates())
    assert np.array_equal(*rates)


def test_hardly_any_forgetting_is_like_none():
    rates = []
    for forgetting in (0.0, 1e-17):
        selector = made(forgetting=forgetting)
        selector.update(solved([3, 5]))
        rates.append(selector.solve_rates())
    assert np.array_equal(*rates)


def test_tests_that_are_switched_on_later_ask_for_tasks_measured_lately():
    before, after = made(), made(retest=5.0)
    for _ in range(200):
        before.update(solved([2]))
    before.update(solved([1]))
    for _ in range(250):
        before.update(solved([2]))
    assert before.beliefs.visited_V.tolist() == [2]
    state = before.state_dict()
    state["config"] = after.state_dict()["config"]
    after.load_state_dict(state)
    later = after.draw(20)
    assert (later.inclusion_B > 0).all()
    assert after.beliefs.drawn(np.array([1]), Recall(450.0, 5.0))[0] > 1

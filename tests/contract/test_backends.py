"""Laws that every backend obeys."""

from collections.abc import Callable

import numpy as np
import pytest

from backends import AbstractBackend, replay, simulate
from bots import Pool, RolloutBatch
from simulator import Scenario
from tests.backends import logs


def simulated(seed: int) -> AbstractBackend:
    return simulate(Scenario("tiny", "", num_tasks=200, num_heldout=50), seed)[0]


def real(seed: int) -> AbstractBackend:
    from tests.backends.rft import models

    return models.backend(seed)


def replayed(seed: int) -> AbstractBackend:
    return replay(logs.trace(200), Pool.numbered(200), seed, 1, np.full(200, 7))[0]


@pytest.fixture(
    params=[simulated, replayed, pytest.param(real, marks=pytest.mark.integration)], name="make"
)
def make_fixture(request) -> Callable[[int], AbstractBackend]:
    return request.param


def live(backend: AbstractBackend, steps: range) -> list[float]:
    """A trace of training, with tasks that depend on the step alone."""
    trace = []
    for step in steps:
        ids = np.random.default_rng(step).choice(200, 16, replace=False)
        batch = backend.rollout(ids, 8)
        backend.train(batch)
        trace += [float(batch.rewards_BG.sum()), backend.evaluate()]
    return trace


def test_rollouts_are_one_group_per_task(make):
    batch = make(0).rollout(np.array([3, 8, 3]), 5)
    assert batch.task_ids_B.tolist() == [3, 8, 3]
    assert batch.rewards_BG.shape == (3, 5)


def test_a_task_rolled_out_twice_gets_fresh_rollouts(make):
    backend = make(0)
    ids = np.arange(200)
    both = np.concatenate([ids, ids])
    twice = backend.rollout(both, 8).rewards_BG
    again = backend.rollout(ids, 8).rewards_BG
    assert not np.array_equal(twice[:200], twice[200:])
    assert not np.array_equal(twice[:200], again)


def test_absent_tasks_are_positions_in_the_pool(make):
    backend = make(0)
    absent = backend.absent()
    assert absent.dtype == np.int64
    assert set(absent.tolist()) <= set(range(backend.pool.num_tasks))


def test_prompt_feedback_is_the_counts_of_the_step(make):
    backend = make(0)
    batch = backend.rollout(np.array([3, 8, 3]), 5)
    backend.train(batch.take(np.array([0, 2])))
    (told,) = backend.deliver(batch)
    assert told.task_ids_B.tolist() == [3, 8, 3]
    assert told.successes_B.tolist() == batch.feedback().successes_B.tolist()
    assert told.trials_B.tolist() == [5, 5, 5]


def test_prompt_feedback_knows_its_tokens_and_is_of_the_policy_of_its_step(make):
    backend, told = make(0), []
    for _ in range(3):
        batch = backend.rollout(np.array([3, 8, 3]), 5)
        figures = backend.train(batch)
        told += backend.deliver(batch)
        assert told[-1].tokens_B.sum() == figures["generated_tokens"]
        assert (told[-1].tokens_B >= told[-1].trials_B).all()
    assert [feedback.policy_version for feedback in told] == [0, 1, 2]
    assert [feedback.age for feedback in told] == [0, 0, 0]


def test_rollouts_of_another_backend_are_not_delivered(make):
    with pytest.raises(ValueError, match="what `rollout` returned"):
        make(0).deliver(RolloutBatch([3], [[1.0, 0.0]]))


def test_generating_does_not_train(make):
    backend = make(0)
    before = backend.evaluate()
    backend.rollout(np.arange(50), 8)
    assert backend.evaluate() == before


def test_the_same_task_at_the_same_step_has_the_same_rollouts_in_any_company(make):
    alone = make(0).rollout(np.array([7]), 8).rewards_BG
    company = make(0).rollout(np.array([3, 7, 11]), 8).rewards_BG
    assert np.array_equal(alone[0], company[1])


def test_equal_seeds_give_equal_runs_and_others_do_not(make):
    assert live(make(0), range(10)) == live(make(0), range(10))
    assert live(make(0), range(10)) != live(make(1), range(10))


def test_state_resumes_bit_for_bit(make):
    whole = live(make(0), range(20))
    first = make(0)
    start = live(first, range(10))
    second = make(0)
    second.load_state_dict(first.state_dict())
    assert start + live(second, range(10, 20)) == whole


def test_state_saved_between_generation_and_training_resumes_bit_for_bit(make):
    first = make(0)
    batch = first.rollout(np.arange(40), 8)
    second = make(0)
    second.load_state_dict(first.state_dict())
    for backend in (first, second):
        backend.train(batch.take(np.arange(10)))
    assert live(first, range(5)) == live(second, range(5))


def test_state_of_another_seed_is_refused_and_changes_nothing(make):
    backend, twin = make(0), make(0)
    with pytest.raises(ValueError, match="another"):
        backend.load_state_dict(make(1).state_dict())
    assert live(backend, range(3)) == live(twin, range(3))


def test_a_step_can_pass_without_training(make):
    """The next one has fresh rollouts, as after training, and resumes bit for bit."""
    backend, twin, ids = make(0), make(0), np.arange(200)
    first = backend.rollout(ids, 8).rewards_BG
    backend.skip()
    second = backend.rollout(ids, 8).rewards_BG
    assert not np.array_equal(first, second)
    twin.rollout(ids, 8)
    twin.skip()
    resumed = make(0)
    resumed.load_state_dict(twin.state_dict())
    assert np.array_equal(resumed.rollout(ids, 8).rewards_BG, second)


def test_lost_rollouts_are_no_obstacle_to_training(make):
    backend = make(0)
    batch = backend.rollout(np.arange(20), 8)
    rewards = batch.rewards_BG.copy()
    rewards[0] = np.nan
    rewards[1, 3:] = np.nan
    backend.train(RolloutBatch(batch.task_ids_B, rewards, batch.payload_B))
    assert 0 <= backend.evaluate() <= 1


@pytest.mark.parametrize(("ids", "size"), [([200], 4), ([-1], 4), ([0], 0), ([0], -3), ([], 4)])
def test_impossible_requests_are_refused_and_change_nothing(make, ids, size):
    backend, twin = make(0), make(0)
    with pytest.raises(ValueError, match=r"task|group_size"):
        backend.rollout(np.array(ids, dtype=np.int64), size)
    assert live(backend, range(3)) == live(twin, range(3))


def test_training_on_tasks_outside_the_pool_is_refused(make):
    for task in (200, 999_999_999):
        with pytest.raises(ValueError, match=r"span|pool"):
            make(0).train(RolloutBatch([task], [[1.0, 0.0]]))


@pytest.mark.parametrize("damage", ["drop", "add", "short", "nan", "junk"])
def test_damaged_state_is_refused_and_changes_nothing(make, damage):
    backend, twin = make(0), make(0)
    state = backend.state_dict()
    arrays = [name for name, value in state.items() if isinstance(value, np.ndarray) and value.size]
    if damage == "drop":
        state.pop(arrays[0])
    elif damage == "add":
        state["surprise"] = 1
    elif damage == "short":
        state[arrays[0]] = state[arrays[0]][:-1]
    elif damage == "nan":
        state[arrays[0]] = np.full_like(state[arrays[0]], np.nan)
    else:
        state = {"nothing": 0}
    with pytest.raises(ValueError, match="state"):
        backend.load_state_dict(state)
    assert live(backend, range(3)) == live(twin, range(3))


def test_only_the_interface_is_public(make):
    public = {name for name in dir(make(0)) if not name.startswith("_")}
    assert public == {name for name in dir(AbstractBackend) if not name.startswith("_")}

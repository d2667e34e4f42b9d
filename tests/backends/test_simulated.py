"""Feedback of the synthetic learner: what it says, how late it is, and how it is saved."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from backends import run, simulate
from bots.baselines import ShuffleSelector
from simulator import LearnerLaw, Population, Scenario

TINY = Scenario("tiny", "", num_tasks=300, num_heldout=50)
LATE = replace(TINY, law=LearnerLaw(lag=2), feedback_delay=3)
PARTS = replace(TINY, population=Population(sub_tests=5))
FIELDS = ("task_ids_B", "successes_B", "trials_B", "squares_B", "tokens_B")


def step(backend, seed):
    """The rollouts of a training step on tasks that depend on `seed` alone, and what is told."""
    ids = np.random.default_rng(seed).choice(300, 8 + seed, replace=False)
    batch = backend.rollout(ids, 4)
    backend.train(batch)
    return batch, backend.deliver(batch)


def told(backend, seeds):
    """All of what is told in the steps of these seeds, as plain values."""
    feedbacks = [feedback for seed in seeds for feedback in step(backend, seed)[1]]
    return [
        (*(getattr(f, name).tolist() for name in FIELDS), f.policy_version, f.current_version)
        for f in feedbacks
    ]


def test_fractional_rewards_are_told_as_moments():
    batch, (feedback,) = step(simulate(PARTS, 0)[0], 0)
    assert ((batch.rewards_BG > 0) & (batch.rewards_BG < 1)).any()
    assert feedback.successes_B == pytest.approx(batch.rewards_BG.sum(axis=1))
    assert feedback.squares_B == pytest.approx((batch.rewards_BG**2).sum(axis=1))
    assert feedback.evidence().information > 1


def test_tokens_are_those_of_the_groups_rollouts():
    batch, (feedback,) = step(simulate(TINY, 0)[0], 0)
    assert feedback.tokens_B.tolist() == [sum(group.tokens_G) for group in batch.payload_B]


def test_versions_are_those_of_the_lagged_policy_and_of_the_step_that_tells():
    backend, lag, delay = simulate(LATE, 0)[0], 2, 3
    for now in range(9):
        _, feedbacks = step(backend, now)
        assert len(feedbacks) == (now >= delay)
        for feedback in feedbacks:
            assert feedback.policy_version == max(now - delay - lag, 0)
            assert feedback.current_version == now
            assert feedback.age == min(lag + delay, now)


def test_a_step_without_training_counts_as_one():
    backend = simulate(TINY, 0)[0]
    backend.skip()
    _, (feedback,) = step(backend, 0)
    assert (feedback.policy_version, feedback.age) == (1, 0)


def test_under_a_long_lag_all_rollouts_come_from_the_untrained_policy():
    lagging = simulate(replace(TINY, law=LearnerLaw(lag=50)), 0)[0]
    assert [version for *_, version, _ in told(lagging, range(4))] == [0] * 4


@pytest.mark.parametrize("scenario", [LATE, replace(LATE, population=PARTS.population)])
@pytest.mark.parametrize("saved_after", [0, 2, 6])
def test_feedback_on_its_way_is_saved_with_all_it_says(scenario, saved_after):
    whole = told(simulate(scenario, 0)[0], range(12))
    first, second = simulate(scenario, 0)[0], simulate(scenario, 0)[0]
    start = told(first, range(saved_after))
    second.load_state_dict(first.state_dict())
    assert start + told(second, range(saved_after, 12)) == whole


def saved():
    backend = simulate(LATE, 0)[0]
    told(backend, range(6))
    return backend.state_dict()


@pytest.mark.integration
@pytest.mark.parametrize(
    ("entry", "damage"),
    [
        ("late_sizes", lambda a: a + 1),
        ("late_sizes", lambda a: a * 0),
        ("late_sizes", lambda a: a.astype(float)),
        ("late_versions", lambda a: a[:-1]),
        ("late_versions", lambda a: a * np.nan),
        ("late_versions", lambda a: a - 9),
        ("late_versions", lambda a: a + 9),
        ("late_tasks", lambda a: a + 300),
        ("late_tasks", lambda a: a - 300),
        ("late_tasks", lambda a: a.astype(float)),
        ("late_successes", lambda a: a + 5),
        ("late_trials", lambda a: -a - 1),
        ("late_squares", lambda a: a + 5),
        ("late_squares", lambda a: a[:-1]),
        ("late_tokens", lambda a: -a),
        ("late_tokens", lambda a: np.full(a.size, "many")),
    ],
)
def test_damaged_feedback_in_the_state_is_refused_and_changes_nothing(entry, damage):
    state = saved()
    state[entry] = damage(state[entry])
    backend, twin = simulate(LATE, 0)[0], simulate(LATE, 0)[0]
    with pytest.raises(ValueError, match="feedback in the state is damaged"):
        backend.load_state_dict(state)
    assert told(backend, range(5)) == told(twin, range(5))


@pytest.mark.parametrize("entry", ["late_squares", "late_tokens", "late_versions"])
def test_state_that_lacks_what_is_told_is_refused(entry):
    state = saved()
    del state[entry]
    with pytest.raises(ValueError, match="another backend or release"):
        simulate(LATE, 0)[0].load_state_dict(state)


def test_feedback_that_is_later_than_here_is_refused():
    with pytest.raises(ValueError, match="3 steps of feedback"):
        simulate(TINY, 0)[0].load_state_dict(saved())


def test_what_the_loop_records_as_delivered_has_versions():
    backend = simulate(LATE, 0)[0]
    selector = ShuffleSelector(backend.pool, np.random.default_rng(0))
    records = islice(run(backend, selector, 8, 4), 8)
    assert [f.age for record in records for f in record.delivered] == [3, 4, 5, 5, 5]

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots import Feedback


def test_repeated_tasks_add_up():
    evidence = Feedback([4, 1, 4], [2, 3, 1], [4, 8, 2]).evidence()
    assert evidence.task_ids_U.tolist() == [1, 4]
    assert evidence.successes_U.tolist() == [3, 3]
    assert evidence.trials_U.tolist() == [8, 6]


def test_a_group_that_lost_members_counts_those_that_came_back():
    evidence = Feedback([0, 1], [3, 1], [16, 2]).evidence()
    assert evidence.solve_rates_U.tolist() == [3 / 16, 1 / 2]
    assert evidence.group_size == 9


def test_a_group_that_was_lost_whole_is_no_evidence():
    evidence = Feedback([0, 1], [0, 1], [0, 2]).evidence()
    assert evidence.task_ids_U.tolist() == [1]
    assert evidence.group_size == 2


def test_feedback_in_which_everything_was_lost_is_no_evidence():
    evidence = Feedback([0, 1], [0, 0], [0, 0]).evidence()
    assert evidence.task_ids_U.size == 0
    assert evidence.group_size == 0


def test_only_mixed_groups_are_informative():
    feedback = Feedback([0, 1, 2, 3], [0, 4, 2, 0], [4, 4, 4, 0])
    assert feedback.informative_B.tolist() == [False, False, True, False]


def test_it_keeps_its_own_read_only_copy():
    successes = np.array([1.0])
    feedback = Feedback([0], successes, [4])
    successes[0] = 3
    assert feedback.successes_B[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        feedback.successes_B[0] = 2


@pytest.mark.parametrize(
    ("task_ids", "successes", "trials", "says"),
    [
        ([], [], [], "at least one"),
        ([0], [1], [0], "0 <= successes <= trials"),
        ([0], [5], [4], "5 successes in 4 trials"),
        ([0], [-1], [4], "0 <= successes"),
        ([0], [0], [-4], "0 <= successes"),
        ([0], [np.nan], [4], "nan"),
        ([0], [1], [np.inf], "inf"),
        ([-1], [1], [4], "-1"),
        ([0.5], [1], [4], "integer"),
        ([True], [1], [4], "integer"),
        ([0, 1], [1], [4], "one of each"),
        ([[0]], [1], [4], "shape"),
        ([0], [[1]], [4], "shape"),
        ([0], ["many"], [4], "numbers"),
        (np.array([2**63], dtype=np.uint64), [1], [4], "int64"),
    ],
)
def test_bad_input_is_refused_with_the_value_and_the_rule(task_ids, successes, trials, says):
    with pytest.raises(ValueError, match=says):
        Feedback(task_ids, successes, trials)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"squares_B": [1.0, 1.0]}, "2 squares.*one of each"),
        ({"squares_B": [2.1]}, r"squares 2.1.*lie in \[1, 2\]"),
        ({"squares_B": [0.9]}, r"squares 0.9.*lie in \[1, 2\]"),
        ({"squares_B": [np.nan]}, "nan"),
        ({"tokens_B": []}, "0 tokens.*one of each"),
        ({"tokens_B": [-1]}, "-1 tokens.*leave tokens out"),
        ({"tokens_B": [np.inf]}, "inf"),
        ({"batch_id": -1}, "batch_id is -1"),
        ({"batch_id": 1.5}, "batch_id is 1.5"),
        ({"batch_id": True}, "batch_id is True"),
        ({"policy_version": 3}, "current_version is None.*both, or neither"),
        ({"current_version": 3}, "policy_version is None.*both, or neither"),
        ({"policy_version": 4, "current_version": 3}, "is 3, policy_version 4.*swap"),
        ({"policy_version": -1, "current_version": 3}, "policy_version is -1"),
        ({"policy_version": 0, "current_version": np.inf}, "current_version is inf"),
        ({"policy_version": "new", "current_version": 3}, "policy_version is 'new'"),
    ],
)
def test_bad_details_are_refused_with_the_value_and_the_rule(given, says):
    with pytest.raises(ValueError, match=says):
        Feedback([0], [2], [4], **given)


def test_a_group_that_was_lost_whole_has_no_squares():
    assert Feedback([0], [0], [0], squares_B=[0]).squares_B.tolist() == [0]
    with pytest.raises(ValueError, match="squares 1"):
        Feedback([0], [0], [0], squares_B=[1])


def test_age_is_how_far_the_policy_has_moved_on_and_zero_when_not_known():
    assert Feedback([0], [1], [4], policy_version=2.5, current_version=np.int64(8)).age == 5.5
    assert Feedback([0], [1], [4]).age == 0


def test_details_are_optional_and_change_no_count():
    plain = Feedback([4, 1, 4], [2, 3, 1], [4, 8, 2])
    given = Feedback([4, 1, 4], [2, 3, 1], [4, 8, 2], [2, 2, 1], [40, 80, 20], 7, 3.0, 5.0)
    for name in ("task_ids_U", "successes_U", "trials_U", "group_size"):
        assert np.array_equal(getattr(plain.evidence(), name), getattr(given.evidence(), name))


def test_squares_and_tokens_add_up_over_the_groups_of_a_task():
    squares, tokens = [2.0, 2.5, 1.0, 0.0], [40, 80, 20, 9]
    evidence = Feedback([4, 1, 4, 2], [2, 3, 1, 0], [4, 8, 2, 0], squares, tokens).evidence()
    assert evidence.squares_U.tolist() == [2.5, 3.0]
    assert evidence.tokens_U.tolist() == [80, 60]


def test_without_squares_rewards_are_0_and_1_and_without_tokens_there_are_none():
    evidence = Feedback([4, 1], [2, 3], [4, 8]).evidence()
    assert evidence.squares_U.tolist() == evidence.successes_U.tolist()
    assert evidence.tokens_U is None


counts = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 16), st.integers(0, 16)), min_size=1, max_size=30
)


@given(counts)
def test_merging_loses_no_rollout(groups):
    ids, successes, lost = (np.array(column) for column in zip(*groups, strict=True))
    evidence = Feedback(ids, successes, successes + lost).evidence()
    assert evidence.successes_U.sum() == successes.sum()
    assert evidence.trials_U.sum() == (successes + lost).sum()
    assert (evidence.trials_U > 0).all()
    assert (np.diff(evidence.task_ids_U) > 0).all()


numbers = st.one_of(st.integers(-3, 20), st.floats(allow_nan=True, allow_infinity=True), st.none())
vectors = st.lists(numbers, max_size=5)


@given(vectors, vectors, vectors)
def test_any_input_is_either_sound_or_refused(task_ids, successes, trials):
    try:
        feedback = Feedback(task_ids, successes, trials)
    except ValueError:
        return
    assert feedback.task_ids_B.size == feedback.successes_B.size == feedback.trials_B.size > 0
    assert (feedback.task_ids_B >= 0).all()
    assert (feedback.successes_B >= 0).all()
    assert (feedback.successes_B <= feedback.trials_B).all()
    assert np.isfinite(feedback.trials_B).all()


details = st.one_of(st.none(), vectors)
number = st.one_of(numbers, st.booleans(), st.text(max_size=2))


@given(
    counts, st.tuples(details, details), st.tuples(number, number, number), st.sampled_from([0, 1])
)
def test_any_details_are_either_sound_or_refused(groups, columns, rest, fitting):
    ids, successes, lost = (np.array(column) for column in zip(*groups, strict=True))
    own = (successes * 0.75, successes * 9) if fitting else columns
    try:
        feedback = Feedback(ids, successes, successes + lost, *own, *rest)
    except ValueError:
        return
    evidence = feedback.evidence()
    assert (evidence.squares_U <= evidence.successes_U * (1 + 1e-8)).all()
    assert evidence.tokens_U is None or (evidence.tokens_U >= 0).all()
    assert feedback.batch_id is None or feedback.batch_id >= 0
    assert 0 <= feedback.age < np.inf
    assert 1 <= evidence.information <= 16


@given(st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=9), min_size=1, max_size=5))
def test_moments_of_any_rewards_between_0_and_1_are_accepted(groups):
    successes = [sum(rewards) for rewards in groups]
    squares = [sum(reward**2 for reward in rewards) for rewards in groups]
    Feedback(range(len(groups)), successes, [len(rewards) for rewards in groups], squares)


def test_some_of_the_groups_keep_all_that_is_known_of_them():
    whole = Feedback([4, 1, 4], [2, 3, 1], [4, 8, 2], [2, 2.5, 1], [40, 80, 20], 7, 3, 5)
    part = whole.only(np.array([True, False, True]))
    assert (part.task_ids_B.tolist(), part.successes_B.tolist()) == ([4, 4], [2, 1])
    assert (part.squares_B.tolist(), part.tokens_B.tolist()) == ([2, 1], [40, 20])
    assert (part.batch_id, part.policy_version, part.current_version) == (7, 3, 5)


def test_versions_count_from_0_and_are_floats():
    first = Feedback([0], [1], [4], policy_version=0, current_version=np.int64(0))
    assert (type(first.policy_version), type(first.current_version)) == (float, float)
    assert first.age == 0

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

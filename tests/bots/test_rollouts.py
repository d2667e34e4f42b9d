import numpy as np
import pytest

from bots import RolloutBatch

NAN = np.nan


def test_lost_rollouts_are_neither_success_nor_failure():
    feedback = RolloutBatch([3], [[1, NAN, 0, NAN]]).feedback()
    assert feedback.successes_B.tolist() == [1]
    assert feedback.trials_B.tolist() == [2]


def test_the_threshold_decides_what_solves():
    batch = RolloutBatch([0], [[0.2, 0.5, 0.9]])
    assert batch.feedback().successes_B.tolist() == [0]
    assert batch.feedback(success_threshold=0.5).successes_B.tolist() == [2]


def test_without_a_threshold_rewards_count_as_parts_of_a_success():
    feedback = RolloutBatch([0, 1], [[0.25, NAN, 0.5], [NAN] * 3]).feedback(None)
    assert feedback.successes_B.tolist() == [0.75, 0]
    assert feedback.squares_B.tolist() == [0.3125, 0]
    assert feedback.trials_B.tolist() == [2, 0]


def test_rewards_of_0_and_1_count_alike_with_and_without_a_threshold():
    batch = RolloutBatch([0, 1, 2], [[1, 0, 1], [NAN, 0, 0], [1, NAN, NAN]])
    with_it, without = batch.feedback(), batch.feedback(success_threshold=None)
    assert with_it.successes_B.tolist() == without.successes_B.tolist()
    assert with_it.squares_B is None
    assert without.squares_B.tolist() == without.successes_B.tolist()


@pytest.mark.parametrize("reward", [-0.5, 1.5])
def test_parts_of_a_success_lie_between_0_and_1(reward):
    batch = RolloutBatch([7], [[0.5, reward]])
    with pytest.raises(ValueError, match=f"task 7 has reward {reward}.*success_threshold"):
        batch.feedback(success_threshold=None)
    assert batch.feedback().trials_B.tolist() == [2]


def test_what_else_is_known_is_passed_on():
    feedback = RolloutBatch([3], [[1, 0]]).feedback(1.0, np.array([90.0]), 4, 10, 12)
    assert feedback.tokens_B.tolist() == [90]
    assert feedback.batch_id == 4
    assert (feedback.policy_version, feedback.current_version) == (10, 12)


def test_a_group_is_informative_when_two_rewards_differ():
    batch = RolloutBatch([0, 1, 2, 3], [[1, 1], [0.3, 0.4], [NAN, 1], [NAN, NAN]])
    assert batch.informative_B.tolist() == [False, True, False, False]


def test_a_group_is_unanimous_when_all_that_came_back_have_this_reward():
    batch = RolloutBatch([0, 1, 2, 3], [[0, NAN], [0.5, 0.5], [0, 0.5], [NAN, NAN]])
    assert batch.unanimous_B(0.0).tolist() == [True, False, False, False]
    assert batch.unanimous_B(0.5).tolist() == [False, True, False, False]


def test_lost_rollouts_have_no_share_in_the_mean_reward():
    assert RolloutBatch([0, 1], [[0.5, NAN], [1, 0]]).mean_reward == 0.5
    assert RolloutBatch([0], [[NAN, NAN]]).mean_reward == 0


def test_concatenation_keeps_order_and_payload_and_pads_with_nothing():
    one = RolloutBatch([0], [[1, 0]], payload_B=("a",))
    two = RolloutBatch([5, 6], [[1, 1, 0], [0, 0, 1]], payload_B=("b", "c"))
    both = RolloutBatch.concatenate([one, two])
    assert both.task_ids_B.tolist() == [0, 5, 6]
    assert both.payload_B == ("a", "b", "c")
    assert both.feedback().trials_B.tolist() == [2, 3, 3]
    assert both.trials_B.tolist() == [2, 3, 3]
    assert both.num_rollouts == 8


def test_taking_groups_takes_their_payload():
    batch = RolloutBatch([0, 1, 2], [[1], [0], [1]], payload_B=("a", "b", "c"))
    taken = batch.take(np.array([2, 0]))
    assert taken.task_ids_B.tolist() == [2, 0]
    assert taken.payload_B == ("c", "a")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (([0], [1.0]), "must be"),
        (([0, 1], [[1.0]]), "must be"),
        (([0], [[np.inf]]), "infinite"),
        (([0], [[1.0]], ("a", "b")), "payloads"),
        (([], np.empty((0, 4))), "at least one"),
    ],
)
def test_bad_input_is_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        RolloutBatch(*arguments)


def test_nothing_cannot_be_concatenated():
    with pytest.raises(ValueError, match="at least one group"):
        RolloutBatch.concatenate([])


def test_concatenation_is_as_wide_as_the_largest_group_and_pads_at_the_end():
    both = RolloutBatch.concatenate(
        [RolloutBatch([1], [[1.0, 0.0, 1.0]]), RolloutBatch([2], [[0.5]])]
    )
    expected_BG = [[1.0, 0.0, 1.0], [0.5, np.nan, np.nan]]
    assert np.array_equal(both.rewards_BG, expected_BG, equal_nan=True)


def test_one_batch_is_its_own_concatenation():
    batch = RolloutBatch([3], [[1.0, 0.0]])
    assert RolloutBatch.concatenate([batch]) is batch


def test_groups_without_payload_are_joined_whole():
    joined = RolloutBatch([5, 9, 5], [[1, 0], [0, 0], [1, NAN]]).joined()
    assert joined.task_ids_B.tolist() == [5, 9]
    assert np.array_equal(joined.rewards_BG[0], [1, 0, 1, NAN], equal_nan=True)

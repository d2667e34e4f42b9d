import pytest

from bots.baselines.filters.speed import Screening
from tests.bots.baselines.filters.scripted import Scripted, tasks


def test_three_steps_by_hand():
    """B = 2, G = 8, 4 rollouts first, 2 candidates per place; odd tasks are hopeless.

    Step 1 screens 0-3 (0 and 2 pass), completes both and, none waiting, screens 4-7. Step 2
    completes 4 and 6 and screens 8-11, step 3 completes 8 and 10 and screens 12-15.
    """
    world = Scripted([0.5, 0.0] * 10)
    collector = Screening(20, initial=4, oversample=2)
    first, held = world.step(collector, 2, 8)
    assert world.rolled == [([0, 1, 2, 3], 4), ([4, 5, 6, 7, 0, 2], 4)]
    assert (tasks(first), tasks(held)) == ([0, 2], [4, 6])
    second, held = world.step(collector, 2, 8, held)
    assert (tasks(second), tasks(held)) == ([4, 6], [8, 10])
    assert world.rolled[2:] == [([8, 9, 10, 11, 4, 6], 4)]
    third, held = world.step(collector, 2, 8, held)
    assert (tasks(third), tasks(held)) == ([8, 10], [12, 14])


def test_a_group_has_its_screening_and_all_the_rest():
    """G = 16 and 4 rollouts first: three more rows of 4."""
    world = Scripted([0.5] * 10)
    trained, _ = world.step(Screening(10, oversample=1), 2, 16)
    assert trained is not None
    assert trained.rewards_BG.shape == (2, 16)
    assert trained.rewards_BG.sum(axis=1).tolist() == [8, 8]
    expected = [f"1-{call}-{g}" for call in (1, 2, 2, 2) for g in range(4)]
    assert list(trained.payload_B[1]) == expected


def test_all_that_was_held_is_trained_on_with_what_was_sampled_then():
    world = Scripted([0.5] * 20)
    collector = Screening(20, oversample=1)
    _, held = world.step(collector, 2, 8)
    assert held is not None
    trained, _ = world.step(collector, 2, 8, held)
    assert trained is not None
    assert [row[:4] for row in trained.payload_B] == list(held.payload_B)


def test_screening_pauses_while_enough_wait():
    """4 B candidates, all accepted: three steps of leftovers, the oldest first."""
    world, collector, held = Scripted([0.5] * 40), Screening(40), None
    trained, held = world.step(collector, 2, 8)
    assert (tasks(trained), len(tasks(held)), world.asked) == ([0, 1], 6, [8])
    for expected in ([2, 3], [4, 5]):
        trained, held = world.step(collector, 2, 8, held)
        assert tasks(trained) == expected
    assert world.asked == [8]
    trained, held = world.step(collector, 2, 8, held)
    assert (tasks(trained), world.asked) == ([6, 7], [8, 8])


def test_rounds_go_on_until_the_batch_is_complete():
    """One task in six passes; B = 2 needs the second from the third round of 4 candidates."""
    world = Scripted([0.5, 0, 0, 0, 0, 0] * 6)
    trained, held = world.step(Screening(36, oversample=2), 2, 8)
    assert tasks(trained) == [0, 6]
    assert world.asked == [4, 4, 4]
    assert tasks(held) == []


def test_rounds_may_run_out():
    world = Scripted([0.0] * 40)
    assert world.step(Screening(40, max_rounds=3), 2, 8) == (None, None)
    assert world.asked == [8, 8, 8]


def test_the_limits_are_exclusive():
    world = Scripted([0.25, 0.5, 0.75, 0.5] * 2)
    trained, _ = world.step(Screening(8, oversample=2, low=0.25, high=0.75), 2, 8)
    assert tasks(trained) == [1, 3]


def test_a_task_that_waits_is_not_accepted_again():
    world = Scripted([0.5] * 40)
    _, held = world.step(Screening(40), 2, 8)
    world.next = 0
    _, held = world.step(Screening(40, oversample=5), 6, 8, held)
    assert sorted(tasks(held)) == [0, 1, *range(8, 30)]  # of 30 candidates 2 to 7 were due


def test_accepted_tasks_that_left_are_dropped():
    world = Scripted([0.5] * 40)
    collector = Screening(40)
    _, held = world.step(collector, 2, 8)
    trained, held = world.step(collector, 2, 8, held, absent=[2, 4])
    assert (tasks(trained), tasks(held)) == ([3, 5], [6, 7])


@pytest.mark.parametrize(
    ("group_size", "first", "rollouts"), [(16, 4, 16), (8, 4, 8), (4, 2, 4), (7, 3, 6), (10, 4, 8)]
)
def test_the_sizes_of_groups(group_size, first, rollouts):
    world = Scripted([0.5] * 40)
    trained, _ = world.step(Screening(40), 2, group_size)
    assert trained is not None
    assert {size for _, size in world.rolled} == {first}
    assert trained.num_rollouts == 2 * rollouts


def test_single_rollouts_are_never_accepted():
    world = Scripted([1.0, 0.0] * 20)
    assert world.step(Screening(40, max_rounds=2), 2, 1) == (None, None)


def test_candidates_are_no_more_than_the_tasks_that_are_there():
    world = Scripted([0.5] * 20)
    world.step(Screening(10), 4, 8, absent=[0])
    assert world.asked[0] == 9


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"num_tasks": 0}, "num_tasks"),
        ({"initial": 1}, "initial"),
        ({"oversample": 0.0}, "oversample"),
        ({"low": 1.2}, "low"),
        ({"low": 0.5, "high": 0.4}, "high"),
        ({"max_rounds": 1}, "max_rounds"),
    ],
)
def test_impossible_settings_are_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        Screening(**({"num_tasks": 9} | wrong))

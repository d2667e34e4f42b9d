import numpy as np
import pytest

from bots import Feedback, Pool
from bots.baselines import ShuffleSelector
from bots.baselines.histories.prompt_replay import PromptReplaySelector


def make(num_tasks: int, **options) -> PromptReplaySelector:
    return PromptReplaySelector(Pool.numbered(num_tasks), np.random.default_rng(0), **options)


def test_prompt_replay_by_hand():
    """Of 8, 4, 2 and 1 in 8, the second and third lie in the window; the cooldown is two steps."""
    selector = make(100, cooldown=2, max_reuses=2)
    order = np.random.default_rng(0).permutation(100).tolist()
    assert selector.select(4).tolist() == order[:4]
    selector.update(Feedback(order[:4], [8, 4, 2, 1], [8] * 4))
    assert selector.select(4).tolist() == order[4:8]  # one step after: cooling down
    selector.update(Feedback(order[4:8], [0] * 4, [8] * 4))
    ids = selector.select(4).tolist()  # two steps after: two replays, two new tasks
    assert set(ids[:2]) == {order[1], order[2]}
    assert ids[2:] == order[8:10]
    selector.update(Feedback(ids, [8, 4, 0, 0] if ids[0] == order[1] else [4, 8, 0, 0], [8] * 4))
    assert selector.select(4).tolist() == order[10:14]
    ids = selector.select(4).tolist()  # the second has left the window, the third is renewed
    assert ids == [order[2], *order[14:17]]
    selector.update(Feedback(ids, [4, 0, 0, 0], [8] * 4))
    selector.select(4)
    assert order[2] not in selector.select(4)  # replayed twice
    assert selector.metrics() == {"prompt_replay/replays": 3, "prompt_replay/used_up": 0.01}


def test_replays_are_those_nearest_to_one_half():
    selector = make(50, cooldown=0)
    selector.update(Feedback(range(5), [6, 9, 5, 7, 10], [16] * 5))  # distances 2, 1, 3, 1, 2
    assert set(selector.select(5, range(5, 45))[:2].tolist()) == {1, 3}
    selector = make(50, cooldown=0)
    selector.update(Feedback(range(5), [6, 9, 5, 7, 10], [16] * 5))
    assert set(selector.select(7, [1])[:3].tolist()) == {3, 0, 4}


def live(selector: PromptReplaySelector, steps: int, delay: int) -> list[tuple[list[int], int]]:
    """Batches of 8, and how many of each were replayed; every rate is 1/2, `delay` steps late."""
    batches: list[tuple[list[int], int]] = []
    replays = 0.0
    for step in range(steps):
        ids = selector.select(8).tolist()
        now = selector.metrics()["prompt_replay/replays"]
        batches.append((ids, int(now - replays)))
        replays = now
        if step >= delay:
            selector.update(Feedback(batches[step - delay][0], [4] * 8, [8] * 8))
    return batches


@pytest.mark.parametrize("delay", [0, 3, 8, 20])
def test_late_feedback_repeats_no_task_before_it_came_and_cooled_down(delay):
    batches = live(make(400, cooldown=5, max_reuses=20), 120, delay)
    last: dict[int, int] = {}
    for step, (ids, replayed) in enumerate(batches):
        for task in ids[:replayed]:
            assert step - last[task] >= delay + 5
        last |= dict.fromkeys(ids, step)
    assert sum(replayed for _, replayed in batches) > 300


def test_a_lost_group_is_awaited_for_fifty_steps():
    selector = make(400, cooldown=2, max_reuses=9)
    selector.update(Feedback([7], [4], [8]))
    others = np.delete(np.arange(400), [7, 8])
    assert 7 not in selector.select(1, others[1:])
    assert selector.select(2, others[1:])[0] == 7
    for _ in range(49):
        assert selector.select(2, [7]).size == 2
    assert selector.metrics()["prompt_replay/replays"] == 1
    assert selector.select(2)[0] == 7
    assert selector.metrics()["prompt_replay/replays"] == 2
    selector.update(Feedback([7], [4], [8]))
    assert selector.select(2, [7]).size == 2
    assert selector.select(2)[0] == 7  # answered: the cooldown alone


def test_the_window_includes_its_ends_and_leaves_out_unmeasured_tasks():
    selector = make(50, cooldown=0, lowest=0.25, highest=0.75, replay_share=1.0)
    selector.update(Feedback([7, 8, 9, 10, 11], [1, 2, 6, 7, 0], [8, 8, 8, 8, 0]))
    ids = selector.select(10)
    assert set(ids[:2].tolist()) == {8, 9}


@pytest.mark.parametrize("options", [{"replay_share": 0.0}, {"max_reuses": 0}])
def test_without_replay_it_is_shuffle(options):
    selector = make(12, cooldown=0, **options)
    shuffle = ShuffleSelector(Pool.numbered(12), np.random.default_rng(0))
    for _ in range(10):
        ids = selector.select(5)
        assert ids.tolist() == shuffle.select(5).tolist()
        selector.update(Feedback(ids, [4] * 5, [8] * 5))


def test_the_budget_is_rounded_down():
    selector = make(50, cooldown=0)
    selector.update(Feedback(range(50), [4] * 50, [8] * 50))
    selector.select(5)
    assert selector.metrics()["prompt_replay/replays"] == 2
    selector.select(1)
    assert selector.metrics()["prompt_replay/replays"] == 2


def test_a_batch_as_large_as_the_pool_holds_every_task_once():
    selector = make(6, cooldown=0)
    for _ in range(8):
        ids = selector.select(6)
        assert sorted(ids.tolist()) == list(range(6))
        selector.update(Feedback(ids, [4] * 6, [8] * 6))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"replay_share": 1.1}, "replay_share"),
        ({"cooldown": -1}, "cooldown"),
        ({"max_reuses": 0.5}, "max_reuses"),
        ({"lowest": 0.6, "highest": 0.5}, r"highest is 0.5.*\[0.6, 1\]"),
    ],
)
def test_prompt_replay_refuses_impossible_settings(wrong, says):
    with pytest.raises(ValueError, match=says):
        make(4, **wrong)

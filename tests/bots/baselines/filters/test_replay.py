import numpy as np
import pytest

from backends import run
from bots import AbstractCollector, RolloutBatch
from bots.baselines import ReplayedRounds, ShuffleSelector
from bots.collector import Gathering
from tests.backends.fakes import FakeBackend


def gather(held: RolloutBatch | None, rewards: dict[int, list[float]], **options):
    """What is collected when the next tasks have these rewards, for a batch of 4."""
    tasks, asked = iter(rewards), []

    def select(count: int) -> np.ndarray:
        asked.append(count)
        return np.array([next(tasks) for _ in range(count)])

    def rollout(task_ids: np.ndarray, group_size: int) -> RolloutBatch:
        return RolloutBatch(task_ids, [rewards[task] for task in task_ids.tolist()])

    step = Gathering(select, rollout, 4, 2, held=held)
    return ReplayedRounds(**options).collect(step), asked


MIXED, SOLVED = [0.0, 1.0], [1.0, 1.0]


def test_the_first_step_generates_the_whole_batch_and_holds_what_is_informative():
    collected, asked = gather(None, {0: MIXED, 1: SOLVED, 2: MIXED, 3: SOLVED})
    assert asked == [4]
    assert collected.train.tolist() == [0, 1, 2, 3]
    assert collected.hold.tolist() == [0, 2]


def test_half_of_a_batch_is_the_newest_groups_held():
    held = RolloutBatch([7, 8, 9], [MIXED] * 3)
    collected, asked = gather(held, {0: MIXED, 1: SOLVED})
    assert asked == [2]
    assert collected.train.tolist() == [0, 1, 3, 4]
    assert collected.hold.tolist() == [3, 0, 1, 2]  # newest first, at most a batch


def test_a_task_that_is_rolled_out_again_loses_its_old_group():
    held = RolloutBatch([7, 0], [MIXED] * 2)
    collected, _ = gather(held, {0: MIXED, 1: SOLVED})
    assert collected.hold.tolist() == [2, 0]


def test_with_everything_fresh_nothing_is_replayed():
    held = RolloutBatch([7, 8], [MIXED] * 2)
    collected, asked = gather(held, dict.fromkeys(range(4), MIXED), fresh=1.0)
    assert asked == [4]
    assert collected.train.tolist() == [2, 3, 4, 5]


def test_it_saves_about_half_of_the_rollouts():
    backend = FakeBackend(400)
    steps = run(
        backend, ShuffleSelector(backend.pool, np.random.default_rng(0)), 20, 8, ReplayedRounds()
    )
    made = [next(steps) for _ in range(20)]
    assert isinstance(ReplayedRounds(), AbstractCollector)
    assert made[-1].progress.rollouts_generated < 0.6 * 20 * 20 * 8
    assert all(record.trained.num_groups == 20 for record in made)


@pytest.mark.parametrize("fresh", [0, 1.5, "half"])
def test_impossible_shares_are_refused(fresh):
    with pytest.raises(ValueError, match="fresh"):
        ReplayedRounds(fresh)

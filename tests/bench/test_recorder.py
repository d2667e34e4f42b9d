import numpy as np

from backends import Progress, StepRecord
from bench.recorder import Recorder
from bots import RolloutBatch
from bots.baselines import ShuffleSelector
from tests.backends.fakes import FakeBackend

NAN = np.nan


def row(rewards_BG) -> dict:
    backend = FakeBackend(20)
    selector = ShuffleSelector(backend.pool, np.random.default_rng(0))
    recorder = Recorder(backend, selector, None, evaluate_every=10, truth_every=10)
    batch = RolloutBatch(np.arange(len(rewards_BG)), rewards_BG)
    progress = Progress(1, batch.rewards_BG.size, batch.num_rollouts)
    return recorder.add(StepRecord(progress, batch, np.arange(1), batch.take(np.arange(1))))


def test_groups_are_told_apart_by_their_rewards():
    made = row([[0.25, 0.5], [0, 0], [1, 1], [0.5, 0.5], [1, NAN]])
    assert made["informative"] == 1 / 5
    assert made["all_wrong"] == 1 / 5
    assert made["all_right"] == 2 / 5
    assert made["reward"] == 4.75 / 9


def test_a_group_that_was_lost_whole_is_neither_right_nor_wrong():
    made = row([[NAN, NAN], [0, NAN]])
    assert (made["informative"], made["all_wrong"], made["all_right"]) == (0, 0.5, 0)
    assert row([[NAN, NAN]])["reward"] == 0


def test_figures_of_binary_rewards_are_those_of_their_counts():
    rng = np.random.default_rng(0)
    rewards_BG = (rng.random((60, 4)) < rng.random((60, 1))).astype(float)
    rewards_BG[rng.random((60, 4)) < 0.3] = NAN
    made, counts = row(rewards_BG), RolloutBatch(np.arange(60), rewards_BG).feedback()
    graded_B = counts.trials_B > 0
    wrong_B, right_B = counts.successes_B == 0, counts.successes_B == counts.trials_B
    assert made["reward"] == counts.successes_B.sum() / counts.trials_B.sum()
    assert made["informative"] == counts.informative_B.mean()
    assert made["all_wrong"] == (wrong_B & graded_B).mean()
    assert made["all_right"] == (right_B & graded_B).mean()

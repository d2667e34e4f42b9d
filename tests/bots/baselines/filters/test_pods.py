from itertools import combinations

import numpy as np
import pytest

from bots import RolloutBatch
from bots.baselines import thinned

NAN = np.nan


def kept(rewards: list[float], share: float) -> np.ndarray:
    row = thinned(RolloutBatch([3], [rewards]), share).rewards_BG[0]
    return row[~np.isnan(row)]


@pytest.mark.parametrize("seed", range(40))
def test_no_subset_of_that_size_varies_more(seed):
    rng = np.random.default_rng(seed)
    size, share = int(rng.integers(3, 9)), rng.uniform(0.2, 0.95)
    kinds = [rng.integers(0, 2, size) * 1.0, rng.random(size), rng.integers(0, 3, size) / 2]
    for rewards in kinds:
        found = kept(rewards.tolist(), share)
        assert found.size == max(round(share * size), 2)
        best = max(np.var(subset) for subset in combinations(rewards, found.size))
        assert np.var(found) == pytest.approx(best)
        assert all((found == value).sum() <= (rewards == value).sum() for value in found)


def test_successes_and_failures_are_kept_in_equal_numbers_where_possible():
    assert sorted(kept([1, 0, 0, 0, 1, 0, 1, 0], 0.5)) == [0, 0, 1, 1]
    assert sorted(kept([1, 0, 0, 0, 0, 0, 0, 0], 0.5)) == [0, 0, 0, 1]


def test_lost_rollouts_stay_lost_and_do_not_count():
    batch = RolloutBatch([1, 2], [[NAN, 1, 0, NAN, 0, 1], [NAN] * 6])
    rewards = thinned(batch, 0.5).rewards_BG
    assert np.isnan(rewards[:, [0, 3]]).all()
    assert sorted(rewards[0][~np.isnan(rewards[0])]) == [0, 1]
    assert np.isnan(rewards[1]).all()


def test_groups_are_thinned_each_for_itself_and_keep_their_payload():
    batch = RolloutBatch([1, 2], [[0, 0, 0, 1], [1, 1, 0, 1]], ("a", "b"))
    both = thinned(batch, 0.5)
    for b in range(2):
        alone = thinned(batch.take(np.array([b])), 0.5)
        np.testing.assert_array_equal(alone.rewards_BG[0], both.rewards_BG[b])
    assert both.payload_B == ("a", "b")
    assert both.task_ids_B.tolist() == [1, 2]


def test_a_share_of_one_keeps_all():
    batch = RolloutBatch([1], [[0, 0.5, NAN, 1]])
    np.testing.assert_array_equal(thinned(batch, 1.0).rewards_BG, batch.rewards_BG)


def test_two_rollouts_are_always_left():
    assert sorted(kept([0, 1, 0], 0.01)) == [0, 1]
    assert kept([1, 0], 0.01).tolist() == [1, 0]


@pytest.mark.parametrize("share", [0, -0.5, 1.5, NAN])
def test_impossible_shares_are_refused(share):
    with pytest.raises(ValueError, match="share"):
        thinned(RolloutBatch([1], [[0, 1]]), share)

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bots import Feedback, Pool
from bots.baselines.bandits.splits import principal_splits
from bots.baselines.bandits.tree_thompson import TreeThompsonSelector

LINE = [[0.0], [1.0], [10.0], [11.5]]  # the leaves are tasks 1, 0, 3 and 2


def tree(features, seed: int = 0, **options) -> TreeThompsonSelector:
    pool = Pool(np.arange(len(features)), features_ND=np.array(features))
    return TreeThompsonSelector(pool, np.random.default_rng(seed), **options)


def beliefs(selector: TreeThompsonSelector) -> list[list[float]]:
    state = selector.state_dict()
    return [state["informative_V"].tolist(), state["uninformative_V"].tolist()]


def partition(leaf_N: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(leaf_N == leaf).tolist()) for leaf in np.unique(leaf_N)}


def test_a_line_is_split_at_its_medians_towards_the_farthest_task():
    assert principal_splits(np.array(LINE, dtype=np.float32), 1).tolist() == [0, 0, 1, 1]
    assert principal_splits(np.array(LINE, dtype=np.float32), 2).tolist() == [1, 0, 3, 2]


@pytest.mark.parametrize(("num_tasks", "depth"), [(1, 0), (7, 2), (100, 3), (64, 6)])
def test_leaves_differ_in_size_by_one_at_most(num_tasks, depth):
    features = np.random.default_rng(0).normal(size=(num_tasks, 5)).astype(np.float32)
    sizes = np.bincount(principal_splits(features, depth), minlength=2**depth)
    assert sizes.sum() == num_tasks
    assert sizes.min() >= num_tasks // 2**depth
    assert sizes.max() <= -(-num_tasks // 2**depth)


def test_leaves_are_the_clusters():
    rng = np.random.default_rng(0)
    centre_N = rng.permutation(np.repeat(np.arange(4), 8))
    corners = np.array([[0, 0], [0, 3], [10, 0], [10, 3]])
    features = corners[centre_N] + rng.normal(0, 0.1, (32, 2))
    leaf_N = principal_splits(features.astype(np.float32), 2)
    assert partition(leaf_N) == partition(centre_N)


def test_the_order_of_tasks_does_not_matter_to_the_clusters():
    rng = np.random.default_rng(0)
    features, order = rng.normal(size=(50, 6)).astype(np.float32), rng.permutation(50)
    leaf_N = np.empty(50, dtype=np.int64)
    leaf_N[order] = principal_splits(features[order], 3)
    assert partition(leaf_N) == partition(principal_splits(features, 3))


def test_three_steps_by_hand():
    """Nodes: the root; tasks 0 and 1; tasks 2 and 3; then tasks 1, 0, 3 and 2."""
    selector = tree(LINE, leaf_size=1, decay=0.5)
    selector.update(Feedback([0, 3], [1, 0], [4, 4]))
    assert beliefs(selector) == [[1, 1, 0, 0, 1, 0, 0], [1, 0, 1, 0, 0, 1, 0]]
    selector.update(Feedback([0, 1], [4, 1], [4, 4]))
    assert beliefs(selector) == [[1.5, 1.5, 0, 1, 0.5, 0, 0], [1.5, 1, 0.5, 0, 1, 0.5, 0]]
    selector.update(Feedback([2], [2], [4]))
    assert beliefs(selector) == [
        [1.75, 0.75, 1, 0.5, 0.25, 0, 1],
        [0.75, 0.5, 0.25, 0, 0.5, 0.25, 0],
    ]
    assert_allclose(selector.metrics()["tree/belief"], 2.75 / 4.5)
    assert selector.metrics()["tree/coverage"] == 1


@pytest.mark.integration
def test_the_descent_follows_the_beliefs():
    """P(Beta(2,1) > Beta(1,2)) = 5/6, P(Beta(2,1) > Beta(1,1)) = 2/3, both by integration.

    Chi-square with 3 degrees of freedom, false-alarm rate 0.1 %.
    """
    selector = tree(LINE, leaf_size=1)
    selector.update(Feedback([0, 3], [1, 0], [4, 4]))
    counts = np.bincount([selector.select(1)[0] for _ in range(6000)], minlength=4)
    expected = 6000 * np.array([5 / 9, 5 / 18, 1 / 9, 1 / 18])
    assert ((counts - expected) ** 2 / expected).sum() < 16.3


@pytest.mark.integration
def test_a_belief_weighs_its_evidence_up_to_the_bound():
    """Beta(2,1) against Beta(1,2) as above, from 1 group or from 300; then without the bound.

    5/6 of 3000 has a standard deviation of 20; four of them, a false alarm in 10,000.
    """
    for repeats in (1, 300):
        selector = tree(LINE, leaf_size=2, decay=1.0, most_evidence=1.0)
        for _ in range(repeats):
            selector.update(Feedback([0, 3], [1, 0], [4, 4]))
        good = sum(selector.select(1)[0] < 2 for _ in range(3000))
        assert abs(good - 2500) < 82
    selector = tree(LINE, leaf_size=2, decay=1.0, most_evidence=1e9)
    for _ in range(300):
        selector.update(Feedback([0, 3], [1, 0], [4, 4]))
    assert all(selector.select(1)[0] < 2 for _ in range(300))


@pytest.mark.parametrize(("bound", "low", "high"), [(64.0, 0.06, 0.18), (1e9, 0.0, 0.01)])
def test_a_batch_spreads_over_branches_that_differ_little(bound, low, high):
    """Rates 0.7 and 0.6, 1000 groups each: the worse branch's draw is larger 12 times in 100.

    Of 500 places its share has a standard deviation of 0.015; four of them either way.
    """
    branch_N = np.repeat([0, 1], 1000)
    selector = tree(branch_N[:, None], leaf_size=1000, most_evidence=bound)
    informative_N = np.repeat([1, 0, 1, 0], [700, 300, 600, 400])
    selector.update(Feedback(range(2000), 2 * informative_N, np.full(2000, 4)))
    assert low <= branch_N[selector.select(500)].mean() <= high


@pytest.mark.integration
def test_equal_beliefs_sample_uniformly():
    """Chi-square with 15 degrees of freedom, false-alarm rate 0.1 %."""
    selector = tree(np.random.default_rng(1).normal(size=(16, 3)), leaf_size=2)
    counts = np.bincount([selector.select(1)[0] for _ in range(6000)], minlength=16)
    assert ((counts - 375) ** 2 / 375).sum() < 37.7


def test_it_finds_the_cluster_that_is_informative():
    rng = np.random.default_rng(0)
    good_N = np.repeat([True, False], [40, 280])
    selector = tree(rng.normal(size=(320, 4)) + 8 * good_N[:, None], leaf_size=20)
    for _ in range(30):
        ids = selector.select(16)
        selector.update(Feedback(ids, 4 * good_N[ids], np.full(16, 8)))
    assert np.mean([good_N[selector.select(16)].mean() for _ in range(20)]) > 0.8
    assert selector.metrics()["tree/leaves"] < 0.5


def test_places_beyond_what_a_branch_holds_go_to_its_sibling():
    selector = tree(LINE, leaf_size=1, decay=1.0)
    for _ in range(200):
        selector.update(Feedback([0, 1, 2, 3], [2, 2, 0, 0], [4, 4, 4, 4]))
    assert set(selector.select(2).tolist()) == {0, 1}
    assert set(selector.select(3).tolist()) > {0, 1}
    assert set(selector.select(2, np.array([0, 1])).tolist()) == {2, 3}
    assert set(selector.select(2, np.array([0, 3])).tolist()) == {1, 2}


@pytest.mark.parametrize("num_tasks", [1, 2, 31, 33])
def test_a_pool_smaller_than_two_leaves_is_sampled_uniformly(num_tasks):
    selector = tree(np.zeros((num_tasks, 2)), leaf_size=32)
    assert beliefs(selector) == [[0], [0]]
    assert sorted(selector.select(num_tasks)) == list(range(num_tasks))


def test_tasks_with_one_embedding_are_still_split():
    selector = tree(np.ones((8, 3)), leaf_size=1)
    assert_array_equal(np.sort(selector.select(8)), np.arange(8))


def test_coverage_and_evenness_of_leaves():
    selector = tree(LINE, leaf_size=1)
    assert selector.metrics()["tree/leaves"] == selector.metrics()["tree/coverage"] == 0
    selector.update(Feedback([0, 2], [1, 0], [2, 2]))
    assert_allclose(selector.metrics()["tree/leaves"], 0.5)
    assert selector.metrics()["tree/coverage"] == 0.5
    assert selector.forward_passes() == 4


def test_a_pool_without_features_is_refused():
    with pytest.raises(ValueError, match="embeddings and the pool has none"):
        TreeThompsonSelector(Pool.numbered(4), np.random.default_rng(0))


@pytest.mark.parametrize(
    "options", [{"decay": 1.1}, {"leaf_size": 0}, {"leaf_size": 2.0}, {"most_evidence": 0.5}]
)
def test_impossible_options_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        tree(LINE, **options)

import numpy as np
import pytest

from bots import Feedback, Pool
from bots.live.config import LiveConfig
from bots.live.selector import LiveSelector


@pytest.mark.parametrize("allocation", ["belief", "progress", "size"])
def test_a_batch_of_one_keeps_a_quota_of_a_domain_with_one_task(allocation):
    pool = Pool([0, 1], domains_N=["a", "b"])
    config = LiveConfig(predictor="none", allocation=allocation, domain_shares={"a": (1.0, 1.0)})
    for seed in range(20):
        selector = LiveSelector(pool, np.random.default_rng(seed), config)
        assert selector.select(1).tolist() == [0]


@pytest.mark.parametrize("num_domains", [6, 7, 13, 14, 15])
def test_ceilings_that_just_add_up_to_one_are_kept(num_domains):
    pool = Pool(np.arange(50 * num_domains), domains_N=np.arange(50 * num_domains) % num_domains)
    config = LiveConfig(predictor="none", domain_ceiling=1 / num_domains)
    ids = LiveSelector(pool, np.random.default_rng(0), config).select(10 * num_domains)
    assert np.bincount(ids % num_domains).tolist() == [10] * num_domains


@pytest.mark.parametrize("thompson", [True, False])
def test_removed_tasks_are_counted_out_before_and_after_they_are_forgotten(thompson):
    pool = Pool.numbered(60)
    config = LiveConfig(predictor="none", forgetting=0.9, thompson=thompson)
    selector = LiveSelector(pool, np.random.default_rng(0), config)
    for step in range(60):
        ids = selector.select(5)
        selector.update(Feedback(ids, np.full(5, 4), np.full(5, 8)))
        if step in (10, 20):
            selector.remove(selector.beliefs.visited_V[:8])
        removed = selector.beliefs.removed
        assert selector.beliefs.unvisited(np.empty(0, np.int64)).sum() == (
            60 - np.union1d(removed, selector.beliefs.visited_V).size
        )
        assert not np.isin(selector.select(60 - removed.size), removed).any()

import numpy as np
import pytest

from bots import Pool
from bots.live.config import LiveConfig
from bots.live.selector import LiveSelector


@pytest.mark.parametrize("allocation", ["belief", "progress", "size"])
def test_a_batch_of_one_keeps_a_quota_of_a_domain_with_one_task(allocation):
    pool = Pool([0, 1], domains_N=["a", "b"])
    config = LiveConfig(predictor="none", allocation=allocation, domain_shares={"a": (1.0, 1.0)})
    for seed in range(20):
        selector = LiveSelector(pool, np.random.default_rng(seed), config)
        assert selector.select(1).tolist() == [0]

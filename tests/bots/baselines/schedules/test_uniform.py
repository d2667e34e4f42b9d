import numpy as np

from bots import Pool
from bots.baselines import UniformSelector


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_uniform_draws_every_task_equally_often():
    """Chi-square with 19 degrees of freedom, false-alarm rate 0.1 %."""
    selector, counts = UniformSelector(Pool.numbered(20), rng()), np.zeros(20)
    for _ in range(4000):
        counts[selector.select(5)] += 1
    variance = 1000 * (1 - 5 / 20) * 20 / 19
    assert ((counts - 1000) ** 2 / variance).sum() < 43.8


def test_uniform_draws_every_task_that_is_not_excluded_equally_often():
    """Chi-square with 19 degrees of freedom, false-alarm rate 0.1 %."""
    selector, counts = UniformSelector(Pool.numbered(30), rng()), np.zeros(30)
    for _ in range(4000):
        counts[selector.select(5, np.arange(10))] += 1
    variance = 1000 * (1 - 5 / 20) * 20 / 19
    assert counts[:10].sum() == 0
    assert ((counts[10:] - 1000) ** 2 / variance).sum() < 43.8

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bots import Feedback, Pool
from bots.baselines.predictors.gaussian_process import GaussianProcessSelector


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def pool_of(num_tasks: int = 60) -> Pool:
    return Pool(np.arange(num_tasks), features_ND=rng(5).normal(size=(num_tasks, 2)))


class Naive:
    """Textbook regression over a list of groups."""

    def __init__(self, pool, window, length, horizon, amplitude, task_sd):
        raw = np.asarray(pool.features_ND, dtype=float)
        self.x = (raw - raw.mean(axis=0)) / raw.std(axis=0) / math.sqrt(raw.shape[1])
        self.window, self.length, self.horizon = window, length, horizon
        self.amplitude, self.task_sd = amplitude, task_sd
        self.groups, self.time = [], 0

    def update(self, ids, successes, trials):
        self.time += 1
        for k, s, n in sorted(zip(ids, successes, trials, strict=True)):
            y = math.log((s + 0.5) / (n - s + 0.5))
            self.groups.append((k, self.time, y, 1 / (s + 0.5) + 1 / (n - s + 0.5)))
        self.groups = self.groups[-self.window :]

    def kernel(self, k, t, j, u):
        far = ((self.x[k] - self.x[j]) ** 2).sum() / self.length**2
        far += ((t - u) / self.horizon) ** 2
        return self.amplitude**2 * math.exp(-far / 2)

    def rates(self):
        size = len(self.groups)
        noise = np.array([v + self.task_sd**2 for *_, v in self.groups])
        y = np.array([y for _, _, y, _ in self.groups])
        c = (y / noise).sum() / (1 / noise).sum()
        full = np.diag(noise)
        for a in range(size):
            for b in range(size):
                full[a, b] += self.kernel(*self.groups[a][:2], *self.groups[b][:2])
        inverse = np.linalg.inv(full)
        found = []
        for k in range(len(self.x)):
            row = np.array([self.kernel(k, self.time, *group[:2]) for group in self.groups])
            found.append(1 / (1 + math.exp(-(c + row @ inverse @ (y - c)))))
        return found


@pytest.mark.parametrize("window", [5, 100])
def test_four_steps_against_textbook_regression(window):
    settings = {"length": 0.7, "horizon": 3.0, "amplitude": 1.2, "task_sd": 0.4}
    naive = Naive(pool_of(), window, **settings)
    selector = GaussianProcessSelector(pool_of(), rng(), window=window, **settings)
    for ids, s, n in [
        ([3, 9], [4, 0], [8, 8]),
        ([3, 20, 40], [8, 2, 1], [8, 4, 8]),
        ([7], [3], [3]),
        ([9, 1, 2], [8, 5, 2], [8, 8, 8]),
    ]:
        selector.update(Feedback(ids, s, n))
        naive.update(ids, s, n)
        assert_allclose(selector.solve_rates(), naive.rates(), rtol=1e-4)


def test_before_any_feedback_every_rate_is_a_half_and_choices_are_random():
    first, second = (GaussianProcessSelector(pool_of(), rng(seed)) for seed in (0, 1))
    assert (first.solve_rates() == 0.5).all()
    assert set(first.select(8).tolist()) != set(second.select(8).tolist())


def test_one_group_is_believed_everywhere_as_the_mean():
    selector = GaussianProcessSelector(pool_of(), rng())
    selector.update(Feedback([4], [6], [8]))
    assert_allclose(selector.solve_rates(), 6.5 / 9)


def test_old_groups_fade_to_the_mean():
    """The same difference between two tasks is worth less 10 horizons later."""
    selector = GaussianProcessSelector(pool_of(), rng(), horizon=2.0, length=0.3, task_sd=0.1)
    selector.update(Feedback([4, 5], [8, 0], [8, 8]))
    early = selector.solve_rates()[4]
    for _ in range(20):
        selector.update(Feedback([10], [4], [8]))
    assert early > 0.75
    assert abs(selector.solve_rates()[4] - 0.5) < 0.01


def test_feedback_larger_than_the_window_leaves_a_random_part():
    kept = []
    for seed in range(2):
        selector = GaussianProcessSelector(pool_of(), rng(seed), window=6)
        selector.update(Feedback(np.arange(60), np.arange(60) % 9, np.full(60, 8)))
        kept.append(selector._inputs_ME[:, 0].tolist())
        assert len(set(kept[-1])) == 6
    assert kept[0] != kept[1]


def test_with_all_tasks_as_candidates_it_takes_the_nearest():
    selector = GaussianProcessSelector(pool_of(), rng(), diversity=0.0, candidate_ratio=20)
    selector.update(Feedback([5, 6, 7], [8, 0, 3], [8, 8, 8]))
    off = np.abs(selector.solve_rates() - 0.5)
    gone = np.argsort(off)[:3]
    assert sorted(selector.select(6, gone)) == sorted(np.argsort(off)[3:9])


def test_it_learns_a_law_that_is_not_linear():
    """Rates of a ring; a linear model is left with an error of about 0.3."""
    pool, draws = pool_of(300), rng(1)
    x = pool.features_ND
    assert x is not None
    truth = np.where((x**2).sum(axis=1) < 1.4, 0.85, 0.15)
    selector = GaussianProcessSelector(pool, rng(), length=0.5)
    for _ in range(10):
        ids = draws.choice(150, 40, replace=False)
        selector.update(Feedback(ids, draws.binomial(16, truth[ids]), np.full(40, 16)))
    assert np.abs(selector.solve_rates() - truth)[150:].mean() < 0.15


def test_prediction_in_blocks_is_prediction_at_once(monkeypatch):
    selector = GaussianProcessSelector(pool_of(), rng())
    selector.update(Feedback([5, 6, 7], [8, 0, 3], [8, 8, 8]))
    whole = selector.solve_rates()
    monkeypatch.setattr("bots.baselines.predictors.gaussian_process._BLOCK", 7)
    assert_allclose(selector.solve_rates(), whole, rtol=1e-9)


def test_only_the_embedding_is_charged():
    selector = GaussianProcessSelector(pool_of(), rng())
    selector.select(10)
    assert selector.forward_passes() == 60

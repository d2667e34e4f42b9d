import math

import numpy as np
from numpy.testing import assert_allclose

from bots import Feedback, Pool
from bots.baselines.predictors.pcl import PCLSelector


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def pool_of(num_tasks: int = 200) -> Pool:
    return Pool(np.arange(num_tasks), features_ND=rng(5).normal(size=(num_tasks, 3)))


def test_three_steps_by_hand():
    """One feature, -1 and 1 once standardised; each step descends the mean squared error."""
    selector = PCLSelector(Pool(["a", "b"], features_ND=[[2.0], [6.0]]), rng(), learning_rate=2.0)
    w = b = 0.0
    for successes, trials in [((4, 4), (4, 4)), ((0, 3), (4, 4)), ((1, 0), (2, 2))]:
        selector.update(Feedback([0, 1], successes, trials))
        gradient_w = gradient_b = 0.0
        for x, s, n in zip((-1, 1), successes, trials, strict=True):
            value = 1 / (1 + math.exp(-(w * x + b)))
            pull = 2 * (value - s / n) * value * (1 - value) / 2
            gradient_w += pull * x
            gradient_b += pull
        w, b = w - 2.0 * gradient_w, b - 2.0 * gradient_b
        expected = [1 / (1 + math.exp(w - b)), 1 / (1 + math.exp(-w - b))]
        assert_allclose(selector.solve_rates(), expected, rtol=1e-6)


def test_the_first_step_moves_the_intercept_by_a_quarter_of_the_rate():
    """All solved at V = 1/2: the gradient is 2 (1/2 - 1) / 4 = -1/4 in b, and 0 in w."""
    selector = PCLSelector(Pool(["a", "b"], features_ND=[[0.0], [1.0]]), rng(), learning_rate=4.0)
    selector.update(Feedback([0, 1], [8, 8], [8, 8]))
    assert_allclose(selector.solve_rates(), 1 / (1 + math.exp(-1)), rtol=1e-6)


def test_each_task_weighs_the_same_whatever_its_trials_and_groups_of_a_task_are_one():
    merged, split = PCLSelector(pool_of(), rng()), PCLSelector(pool_of(), rng())
    merged.update(Feedback([3, 9], [4, 20], [8, 40]))
    split.update(Feedback([3, 9, 3], [1, 1, 3], [4, 2, 4]))
    assert_allclose(merged.solve_rates(), split.solve_rates())


def test_it_learns_a_logistic_law_it_can_express():
    selector, draws = PCLSelector(pool_of(), rng()), rng(1)
    x = pool_of().features_ND
    assert x is not None
    truth = 1 / (1 + np.exp(-1.5 * x[:, 0] + x[:, 1]))
    for _ in range(150):
        ids = draws.choice(200, 32, replace=False)
        selector.update(Feedback(ids, draws.binomial(16, truth[ids]), np.full(32, 16)))
    assert np.abs(selector.solve_rates() - truth).mean() < 0.05


def test_it_keeps_the_candidates_nearest_the_target():
    """With as many candidates as tasks, nothing is left to chance."""
    selector = PCLSelector(pool_of(40), rng(), target=0.3, candidate_ratio=10)
    selector.update(Feedback([1, 2, 3], [8, 0, 8], [8, 8, 8]))
    off = np.abs(selector.solve_rates() - 0.3)
    assert sorted(selector.select(4)) == sorted(np.argsort(off)[:4])


def test_one_candidate_per_choice_is_random_selection():
    """Chi-square with 19 degrees of freedom, false-alarm rate 0.1 %."""
    selector, counts = PCLSelector(pool_of(20), rng(), candidate_ratio=1), np.zeros(20)
    selector.update(Feedback([1, 2, 3], [8, 0, 8], [8, 8, 8]))
    for _ in range(2000):
        counts[selector.select(5)] += 1
    assert ((counts - 500) ** 2 / (500 * (1 - 5 / 20) * 20 / 19)).sum() < 43.8


def test_every_candidate_is_charged_besides_the_embedding():
    selector = PCLSelector(pool_of(200), rng())
    assert selector.forward_passes() == 200
    selector.select(10)
    assert selector.forward_passes() == 240
    selector.select(10, np.arange(185))  # only 15 candidates are left
    selector.solve_rates()
    assert selector.forward_passes() == 255

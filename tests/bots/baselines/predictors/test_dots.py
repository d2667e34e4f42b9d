import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bots import Feedback, Pool
from bots.baselines.predictors.dots import DOTSSelector, attend

NOBODY = np.empty(0, dtype=np.int64)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def pool_of(num_tasks: int = 80, size: int = 4) -> Pool:
    return Pool(np.arange(num_tasks), features_ND=rng(5).normal(size=(num_tasks, size)))


def naive(pool, anchors, rates, attention):
    """Attention and line in plain Python, over standardised features h."""
    raw = np.asarray(pool.features_ND, dtype=float)
    h = (raw - raw.mean(axis=0)) / raw.std(axis=0)

    def base(q, without=None):
        weights = {
            r: math.exp(float(h[q] @ h[r]) / math.sqrt(h.shape[1]) / attention)
            for r in anchors
            if r != without
        }
        return sum(weights[r] * rates[r] for r in weights) / sum(weights.values())

    xs, ys = [base(r, without=r) for r in anchors], [rates[r] for r in anchors]
    slope, intercept = np.polyfit(xs, ys, 1)
    if slope < 0:
        slope, intercept = 0.0, np.mean(ys)
    return [min(max(slope * base(q) + intercept, 0), 1) for q in range(len(h))]


@pytest.mark.parametrize("attention", [0.5, 1.0, 2.0])
def test_predictions_follow_the_formula_in_three_rounds(attention):
    pool = pool_of()
    selector, draws = DOTSSelector(pool, rng(), attention=attention, period=1), rng(3)
    for _ in range(3):
        anchors = np.sort(selector.begin_step(NOBODY))
        solved = np.clip(draws.binomial(8, 0.5, anchors.size) + (anchors % 5), 0, 8)
        selector.learn_anchors(Feedback(anchors, solved, np.full(anchors.size, 8)))
        expected = naive(pool, anchors, dict(zip(anchors, solved / 8, strict=True)), attention)
        assert_allclose(selector.solve_rates(), expected, atol=2e-4)


def test_attention_by_hand():
    """Scores 2 ln 3 and 0 at D = 4 and temperature 1: weights 9/10 and 1/10."""
    query = np.array([[np.log(3), 0, 0, 0]], dtype=np.float32)
    anchors = np.array([[1, 0, 0, 0], [0, 1, 0, 0]], dtype=np.float32)
    rates = np.array([1.0, 0.0])
    assert_allclose(attend(query, anchors, rates, 1.0), 0.9, rtol=1e-5)
    assert_allclose(attend(query, anchors, rates, 1e6), 0.5, rtol=1e-4)
    assert_allclose(attend(query, anchors, rates, 1e-3), 1.0)


def test_an_anchor_that_leaves_itself_out_takes_the_others_answer():
    features = np.eye(2, dtype=np.float32)
    assert attend(features, features, np.array([0.0, 1.0]), 1.0, itself=False).tolist() == [1, 0]


def test_it_predicts_tasks_that_were_never_tried():
    """Correlation with a truth that is linear in the features; blind guessing has 0."""
    pool = pool_of(800)
    x = pool.features_ND
    assert x is not None
    truth = 1 / (1 + np.exp(-1.5 * x[:, 0] + x[:, 1]))
    selector = DOTSSelector(pool, rng())
    anchors = selector.begin_step(NOBODY)
    selector.learn_anchors(Feedback(anchors, rng(1).binomial(8, truth[anchors]), np.full(200, 8)))
    others = np.delete(np.arange(800), anchors)
    rates = selector.solve_rates()
    assert np.corrcoef(rates[others], truth[others])[0, 1] > 0.9
    assert np.abs(rates - truth)[others].mean() < 0.1


def test_anchors_that_say_nothing_of_one_another_give_one_rate_to_all():
    """Equal features: each anchor's others are the lower, the higher it is; the line is level."""
    selector = DOTSSelector(Pool(np.arange(40), features_ND=np.ones((40, 2))), rng())
    anchors = selector.begin_step(NOBODY)
    selector.learn_anchors(Feedback(anchors, np.arange(10) % 4, np.full(10, 4)))
    assert_allclose(selector.solve_rates(), (np.arange(10) % 4).mean() / 4)


def test_too_few_anchors_for_a_line_give_their_mean():
    selector = DOTSSelector(pool_of(8), rng())
    anchors = selector.begin_step(NOBODY)
    assert anchors.size == 2
    selector.learn_anchors(Feedback(anchors, [1, 4], [4, 4]))
    assert_allclose(selector.solve_rates(), 5 / 8)


def test_anchors_are_due_every_period_and_are_at_hand():
    selector, absent = DOTSSelector(pool_of(), rng(), period=3, anchors=10), np.arange(30)
    due = [selector.begin_step(absent) for _ in range(7)]
    assert [ids.size for ids in due] == [10, 0, 0, 10, 0, 0, 10]
    assert all(len(set(ids)) == ids.size and (ids >= 30).all() for ids in due)
    assert due[0].tolist() != due[3].tolist()


@pytest.mark.parametrize(("away", "count"), [(0, 20), (40, 10), (76, 1), (79, 1)])
def test_a_quarter_of_the_tasks_at_hand_are_anchors_at_most(away, count):
    assert DOTSSelector(pool_of(), rng()).begin_step(np.arange(away)).size == count


def test_lost_anchors_are_left_out_and_if_all_are_lost_nothing_changes():
    selector = DOTSSelector(pool_of(), rng())
    anchors = selector.begin_step(NOBODY)
    selector.learn_anchors(Feedback(anchors, np.zeros(20), np.zeros(20)))
    assert (selector.solve_rates() == 0.5).all()
    selector.learn_anchors(Feedback(anchors[:3], [2, 8, 0], [8, 8, 0]))
    assert_allclose(selector.solve_rates(), 10 / 16)


def test_training_teaches_nothing():
    selector = DOTSSelector(pool_of(), rng())
    selector.update(Feedback([1, 2], [8, 0], [8, 8]))
    assert (selector.solve_rates() == 0.5).all()


def test_a_cold_selection_takes_the_nearest_and_none_twice_in_a_period():
    selector = DOTSSelector(pool_of(), rng(), temperature=1e-6)
    anchors = selector.begin_step(NOBODY)
    selector.learn_anchors(Feedback(anchors, anchors % 9, np.full(20, 8)))
    selector._rate_N = rng(4).random(80)  # far apart, for the temperature
    order = np.argsort(np.abs(selector.solve_rates() - 0.5))
    assert sorted(selector.select(10)) == sorted(order[:10])
    selector.begin_step(NOBODY)
    assert sorted(selector.select(10)) == sorted(order[10:20])
    selector.begin_step(NOBODY)
    assert sorted(selector.select(10)) == sorted(order[:10])


def test_tasks_repeat_in_a_period_only_when_there_are_no_others():
    selector = DOTSSelector(pool_of(), rng())
    visits = [selector.select(30, np.arange(10)) for _ in range(3)]
    assert len({*visits[0], *visits[1]}) == 60
    assert min(visits[2]) >= 10


def test_a_batch_is_drawn_in_proportion_to_its_softmax():
    """Three tasks, B = 1; 3000 draws, chi-square with 2 degrees, false-alarm rate 0.1 %."""
    selector, counts = DOTSSelector(pool_of(3), rng(), temperature=0.2), np.zeros(3)
    selector._rate_N = np.array([0.5, 0.3, 1.0])
    for _ in range(3000):
        selector._chosen_N[:] = False
        counts[selector.select(1)] += 1
    expected = np.exp(-np.array([0, 0.2, 0.5]) / 0.2)
    expected *= 3000 / expected.sum()
    assert ((counts - expected) ** 2 / expected).sum() < 13.8


def test_prediction_in_blocks_is_prediction_at_once(monkeypatch):
    rates = []
    for block in (4096, 7):
        monkeypatch.setattr("bots.baselines.predictors.dots._BLOCK", block)
        selector = DOTSSelector(pool_of(), rng())
        anchors = selector.begin_step(NOBODY)
        selector.learn_anchors(Feedback(anchors, anchors % 9, np.full(20, 8)))
        rates.append(selector.solve_rates())
    assert_allclose(rates[0], rates[1], atol=1e-5)


def test_only_the_embedding_is_charged():
    selector = DOTSSelector(pool_of(), rng())
    selector.begin_step(NOBODY)
    selector.select(10)
    assert selector.forward_passes() == 80

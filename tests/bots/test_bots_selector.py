import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bots import (
    BOTS_VARIANTS,
    AbstractImplicitEvidence,
    BetaPosterior,
    BOTSConfig,
    BOTSSelector,
    Feedback,
    NoImplicitEvidence,
    Pool,
)
from bots.acquisition import closeness, softmax_b
from tests.bots.naive import NaiveBOTS


def make_pool(num_tasks: int, seed: int = 0) -> Pool:
    rng = np.random.default_rng(seed)
    weak = rng.random(num_tasks) * 0.5
    return Pool.numbered(num_tasks, {"weak": weak, "strong": weak + rng.random(num_tasks) * 0.5})


@pytest.mark.parametrize("config", BOTS_VARIANTS.values(), ids=list(BOTS_VARIANTS))
def test_beliefs_follow_the_paper_s_formulas(config):
    pool = make_pool(60)
    selector = BOTSSelector(pool, np.random.default_rng(1), config)
    naive = NaiveBOTS(
        pool.references["weak"].tolist(),
        pool.references["strong"].tolist(),
        config.forgetting,
        config.implicit_weight,
    )
    rng = np.random.default_rng(2)
    for _ in range(30):
        ids = selector.select(8)
        successes = rng.binomial(16, 0.3, 8)
        selector.update(Feedback(ids, successes, np.full(8, 16)))
        naive.update(ids.tolist(), successes.tolist(), 16)
    assert_allclose(selector.posterior.alpha_N, naive.alpha, rtol=1e-12)
    assert_allclose(selector.posterior.beta_N, naive.beta, rtol=1e-12)


@pytest.mark.integration
def test_tasks_are_picked_in_proportion_to_their_density_at_the_target():
    """Chi-square over ten bins of density, false-alarm rate 0.1 %."""
    rng = np.random.default_rng(3)
    num_tasks, rounds, batch_size, target = 4000, 1500, 8, 0.4
    alpha, beta = rng.uniform(0.5, 20, num_tasks), rng.uniform(0.5, 20, num_tasks)
    config = BOTSConfig(implicit_weight=0.0, target=target)
    prior = BetaPosterior(alpha, beta)
    selector = BOTSSelector(Pool.numbered(num_tasks), rng, config, prior=prior)
    picks = np.zeros(num_tasks)
    for _ in range(rounds):
        picks[selector.select(batch_size)] += 1
    log_norm = [
        math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
        for a, b in zip(alpha, beta, strict=True)
    ]
    log_density = (alpha - 1) * np.log(target) + (beta - 1) * np.log(1 - target) - log_norm
    density = np.exp(log_density)
    bins = np.array_split(np.argsort(density), 10)
    expected = np.array([density[places].sum() for places in bins]) / density.sum()
    observed = np.array([picks[places].sum() for places in bins])
    expected *= observed.sum()
    assert ((observed - expected) ** 2 / expected).sum() < 27.9


def test_the_mean_rule_takes_the_tasks_whose_mean_is_nearest():
    prior = BetaPosterior([1.0, 5.0, 9.0, 5.5], [9.0, 5.0, 1.0, 4.5])
    config = BOTSConfig(implicit_weight=0.0, thompson=False)
    selector = BOTSSelector(Pool.numbered(4), np.random.default_rng(0), config, prior=prior)
    assert sorted(selector.select(2).tolist()) == [1, 3]


def test_relabelling_the_tasks_relabels_the_mean_rule_s_choice():
    rng = np.random.default_rng(6)
    alpha, beta, order = rng.uniform(1, 9, 40), rng.uniform(1, 9, 40), rng.permutation(40)
    config = BOTSConfig(implicit_weight=0.0, thompson=False)

    def chosen(alpha, beta):
        prior = BetaPosterior(alpha, beta)
        return BOTSSelector(Pool.numbered(40), rng, config, prior=prior).select(7)

    assert set(order[chosen(alpha[order], beta[order])]) == set(chosen(alpha, beta))


@pytest.mark.integration
def test_the_first_batch_is_uniform_without_any_evidence():
    """Each task's count is within 5 standard deviations; false-alarm rate about 1e-5."""
    counts = np.zeros(50)
    for seed in range(2000):
        config = BOTS_VARIANTS["bots-greedy" if seed % 2 else "bots"]
        selector = BOTSSelector(make_pool(50), np.random.default_rng(seed), config)
        counts[selector.select(5)] += 1
    assert abs(counts - 200).max() < 5 * math.sqrt(200 * 0.9)


def test_a_prior_may_differ_from_task_to_task():
    pool = make_pool(3)
    prior = BetaPosterior([1.0, 2.0, 3.0], [3.0, 2.0, 1.0])
    selector = BOTSSelector(pool, np.random.default_rng(0), prior=prior)
    assert_array_equal(selector.solve_rates(), [0.25, 0.5, 0.75])
    selector.update(Feedback([0], [0], [0]))
    assert_allclose(selector.solve_rates(), [0.25, 0.5, 0.75])
    assert_array_equal(prior.alpha_N, [1, 2, 3])


def test_a_kept_posterior_is_not_touched_by_later_updates():
    selector = BOTSSelector(make_pool(5), np.random.default_rng(0))
    kept = selector.posterior
    for _ in range(3):
        selector.update(Feedback([0], [1], [2]))
    assert_array_equal(kept.alpha_N, np.ones(5))


class Failing(AbstractImplicitEvidence):
    """Counts its calls, then misbehaves."""

    def __init__(self, prediction):
        self.calls, self.prediction = 0, prediction

    def observe(self, evidence):
        self.calls += 1
        if isinstance(self.prediction, Exception):
            raise self.prediction
        return self.prediction

    def metrics(self):
        return {}

    def state_dict(self):
        return {"calls": self.calls}

    def load_state_dict(self, state):
        self.calls = state["calls"]


@pytest.mark.parametrize(
    "prediction", [RuntimeError("broken"), np.full(5, 1.5), np.full(5, -0.1), np.zeros(4)]
)
def test_implicit_evidence_that_fails_changes_nothing(prediction):
    implicit = Failing(prediction)
    selector = BOTSSelector(make_pool(5), np.random.default_rng(0), implicit=implicit)
    before = selector.state_dict()
    with pytest.raises((ValueError, RuntimeError)):
        selector.update(Feedback([0], [1], [2]))
    after = selector.state_dict()
    assert implicit.calls == 0
    assert_array_equal(before["alpha"], after["alpha"])
    assert before["updates"] == after["updates"]


def test_implicit_evidence_needs_references():
    with pytest.raises(ValueError, match=r"no reference \['strong', 'weak'\]"):
        BOTSSelector(Pool.numbered(4), np.random.default_rng(0))
    BOTSSelector(Pool.numbered(4), np.random.default_rng(0), implicit=NoImplicitEvidence())
    BOTSSelector(Pool.numbered(4), np.random.default_rng(0), BOTSConfig(implicit_weight=0.0))


@pytest.mark.parametrize(
    "wrong",
    [
        {"forgetting": 1.1},
        {"forgetting": float("nan")},
        {"implicit_weight": -0.1},
        {"target": 2.0},
        {"temperature": -1.0},
        {"temperature": float("inf")},
        {"thompson": 1},
        {"target": "0.5"},
    ],
)
def test_impossible_settings_are_refused_by_name(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=name):
        replace(BOTSConfig(), **wrong)


def test_a_prior_of_another_size_is_refused():
    with pytest.raises(ValueError, match="prior has 3 tasks, the pool 4"):
        BOTSSelector(make_pool(4), np.random.default_rng(0), prior=BetaPosterior.uniform(3))


def test_state_of_another_configuration_is_refused_unless_changed_on_purpose():
    pool = make_pool(4)
    saved = BOTSSelector(pool, np.random.default_rng(0)).state_dict()
    other = BOTSSelector(pool, np.random.default_rng(0), BOTS_VARIANTS["bots-dots"])
    with pytest.raises(ValueError, match="settings"):
        other.load_state_dict(saved)
    saved["config"] = other.state_dict()["config"]
    other.load_state_dict(saved)


def test_state_of_another_prior_is_refused():
    pool, prior = make_pool(4), BetaPosterior([2.0] * 4, [1.0] * 4)
    saved = BOTSSelector(pool, np.random.default_rng(0), prior=prior).state_dict()
    with pytest.raises(ValueError, match="settings"):
        BOTSSelector(pool, np.random.default_rng(0)).load_state_dict(saved)


@pytest.mark.parametrize("implicit", [None, 3, {}, {"capability": 0.1, "x": 1}])
def test_damaged_implicit_state_is_refused_and_changes_nothing(implicit):
    selector = BOTSSelector(make_pool(4), np.random.default_rng(0))
    selector.update(Feedback([0], [1], [2]))
    state = BOTSSelector(make_pool(4), np.random.default_rng(1)).state_dict()
    before = selector.state_dict()
    with pytest.raises(ValueError, match="capability"):
        selector.load_state_dict(state | {"implicit": implicit})
    after = selector.state_dict()
    assert_array_equal(before["alpha"], after["alpha"])
    assert before["rng"] == after["rng"]


def test_a_seed_is_not_a_generator():
    with pytest.raises(ValueError, match=r"default_rng\(seed\)"):
        BOTSSelector(make_pool(4), 0)


def test_a_temperature_draws_tasks_by_softmax():
    config = BOTSConfig(thompson=False, temperature=0.5)
    prior = BetaPosterior(np.arange(1.0, 41.0), np.full(40, 20.0))
    selector = BOTSSelector(make_pool(40), np.random.default_rng(3), config, prior=prior)
    utility_N = closeness(prior.mean(), 0.5)
    drawn = softmax_b(utility_N, 5, 0.5, np.random.default_rng(3))
    assert_array_equal(selector.select(5), drawn)


def test_states_are_of_version_2_and_count_updates_from_0():
    selector = BOTSSelector(make_pool(4), np.random.default_rng(0))
    state = selector.state_dict()
    assert state["version"] == 2
    with pytest.raises(ValueError, match="updates is -1"):
        selector.load_state_dict(state | {"updates": -1})

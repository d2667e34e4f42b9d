import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bots import Feedback
from bots.live.belief import beliefs as beliefs_module
from bots.live.belief.beliefs import Beliefs
from bots.live.belief.classes import classes_of
from bots.live.config import LiveConfig
from bots.live.learning import Learning
from tests.bots.live.helpers import feedback, pool_of

POOL = pool_of(40, domains=2)
CLASSES, CLASS_N = classes_of(POOL)


def learner(**settings) -> tuple[Learning, Beliefs]:
    config = LiveConfig(**settings)
    return Learning(config), Beliefs(CLASS_N, CLASSES.num_classes, config.prior)


def at(version: float, tasks, solved) -> Feedback:
    return feedback(tasks, solved, policy_version=0, current_version=version)


def test_the_first_feedback_counts_as_one_version_whatever_it_says():
    counts = []
    for version in (1, 1000):
        learning, beliefs = learner()
        learning.take(at(version, np.arange(10), 4), CLASSES, beliefs)
        counts.append(beliefs.pseudo_counts(np.arange(40)))
    assert_allclose(counts[1], counts[0])


@pytest.mark.parametrize("forgetting", [0.0, 0.1, 1.0])
def test_a_prediction_weighs_what_all_versions_since_would_have_added(forgetting):
    learning, beliefs = learner(forgetting=forgetting, implicit_weight=0.2)
    worth, untouched = [], np.array([39])
    for version in (1, 4):
        learning.take(at(version, np.arange(10), 4), CLASSES, beliefs)
        worth.append(np.sum(beliefs.pseudo_counts(untouched)) - 2)
    added = sum(0.2 * 8 * (1 - forgetting) ** i for i in range(3))
    assert_allclose(worth, [1.6, (1 - forgetting) ** 3 * 1.6 + added])


def test_the_variances_of_rewards_are_forgotten_by_a_twentieth():
    learning, beliefs = learner(fractional=True, predictor="none")
    one, expected = Feedback([0, 1], [4, 3.6], [8, 8], squares_B=[2.5, 2.0]), np.zeros(2)
    for _ in range(3):
        learning.take(one, CLASSES, beliefs)
        expected = 0.95 * expected + one.evidence().variance_sums
    assert_allclose(learning.state_dict()["variances"], expected)


def test_metrics_tell_of_what_is_learned_and_of_nothing_else():
    named = {"learned_weight": "implicit/", "per_token": "tokens/", "allocation": "progress/"}
    for setting, value in (
        ("learned_weight", True),
        ("per_token", True),
        ("allocation", "progress"),
    ):
        learning, beliefs = learner(**{setting: value})
        for version in (1, 2):
            learning.take(at(version, np.arange(40), np.arange(40) % 9), CLASSES, beliefs)
        for other, start in named.items():
            found = [name for name in learning.metrics() if name.startswith(start)]
            assert bool(found) == (other == setting)
        if setting == "learned_weight":
            assert not math.isnan(learning.metrics()["implicit/worth"])


@pytest.mark.parametrize(
    ("settings", "kept"),
    [({"cooldown": 3.0}, [3, 4]), ({"retest": 9.0}, [1, 2, 4]), ({}, [])],
)
def test_tasks_at_rest_and_tasks_to_be_tested_again_stay_visited(monkeypatch, settings, kept):
    monkeypatch.setattr(beliefs_module, "_TIDY_EVERY", 1)
    learning, beliefs = learner(forgetting=1.0, predictor="none", **settings)
    for version, task, solved in ((1, 1, 8), (2, 2, 0), (3, 3, 4), (4, 4, 8)):
        learning.take(at(version, [task], solved), CLASSES, beliefs)
    learning.take(Feedback([0], [0], [0], policy_version=0, current_version=5), CLASSES, beliefs)
    assert sorted(beliefs.visited_V.tolist()) == kept


def test_a_lost_group_that_comes_first_does_not_cost_a_version_its_predictions():
    whole, cut = learner(), learner()
    untouched = np.array([39])
    for version in range(30):
        first, rest = np.arange(1), np.arange(1, 10)
        whole[0].take(at(version, rest, 4), CLASSES, whole[1])
        lost = Feedback(first, [0], [0], policy_version=0, current_version=version)
        cut[0].take(lost, CLASSES, cut[1])
        cut[0].take(at(version, rest, 4), CLASSES, cut[1])
    worth = [np.sum(beliefs.pseudo_counts(untouched)) for _, beliefs in (whole, cut)]
    assert worth[1] > 0.9 * worth[0] > 2


def test_fractional_rewards_do_not_make_predictions_look_certain():
    learning, beliefs = learner(fractional=True, learned_weight=True)
    rng = np.random.default_rng(0)
    for _ in range(60):
        rates = rng.beta(5, 5, 40)
        tests = rng.binomial(10, rates[:, None], (40, 8)) / 10  # rewards of ten tests each
        groups = Feedback(np.arange(40), tests.sum(1), np.full(40, 8), squares_B=(tests**2).sum(1))
        learning.take(groups, CLASSES, beliefs)
    assert 0 < learning.metrics()["implicit/worth"] < 20

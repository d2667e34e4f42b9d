import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bots import BOTSSelector, Feedback
from bots.live.belief.beliefs import Beliefs
from bots.live.belief.classes import classes_of
from bots.live.config import LiveConfig
from bots.live.learning import Learning
from tests.bots.live.helpers import feedback, flat, pool_of

POOL = pool_of(60, domains=3)
CLASSES, CLASS_N = classes_of(POOL)


class Learner:
    """Learning and the beliefs that it moves."""

    def __init__(self, **settings) -> None:
        config = LiveConfig(**settings)
        self.learning = Learning(config)
        self.beliefs = Beliefs(CLASS_N, CLASSES.num_classes, config.prior)

    def take(self, one: Feedback) -> None:
        self.learning.take(one, CLASSES, self.beliefs)

    def counts(self):
        return np.array(self.beliefs.pseudo_counts(np.arange(60)))


def groups(seed: int, size: int = 12, **rest) -> Feedback:
    rng = np.random.default_rng(seed)
    return feedback(rng.choice(60, size, replace=False), rng.binomial(8, 0.4, size), **rest)


def test_the_defaults_believe_what_the_papers_selector_believes():
    ours, theirs = Learner(), BOTSSelector(POOL, np.random.default_rng(0))
    for seed in range(150):
        one = groups(seed, size=1 + seed % 20)
        ours.take(one)
        theirs.update(one)
        # Float32 residuals and those that were dropped: see `Beliefs`.
        alpha_N, beta_N = ours.counts()
        assert_allclose(alpha_N / (alpha_N + beta_N), theirs.solve_rates(), atol=2e-6)
        assert_allclose(alpha_N + beta_N, theirs.posterior.effective_sample_size(), rtol=4e-6)


@pytest.mark.parametrize("forgetting", [0.0, 0.1, 1.0])
def test_versions_count_and_not_calls(forgetting):
    """Three steps of the same feedback weigh what one does after which three versions passed."""
    often, once = (Learner(forgetting=forgetting, predictor="none") for _ in range(2))
    for learner in (often, once):
        learner.take(groups(0, policy_version=0, current_version=0))
    for version in (1, 2, 3):
        often.take(Feedback([0], [0], [0], policy_version=0, current_version=version))
    once.take(Feedback([0], [0], [0], policy_version=0, current_version=3))
    assert_allclose(often.counts(), once.counts(), rtol=1e-6)


@pytest.mark.integration
@pytest.mark.parametrize(("forgetting", "rho"), [(0.1, 0.0), (0.1, 0.2), (0.05, 1.0)])
def test_pieces_of_a_version_have_the_equilibria_of_the_whole(forgetting, rho):
    whole, cut = (Learner(forgetting=forgetting, implicit_weight=rho) for _ in range(2))
    tasks = np.arange(0, 40)
    for version in range(1, int(20 / forgetting)):
        versions = {"policy_version": version, "current_version": version}
        whole.take(feedback(tasks, 4, **versions))
        for part in np.array_split(tasks, 4):
            cut.take(feedback(part, 4, **versions))
    (whole_N, cut_N), extra = (c.counts().sum(axis=0) for c in (whole, cut)), rho * 8 / forgetting
    assert_allclose(cut_N[40:], whole_N[40:], rtol=1e-5)
    assert_allclose(cut_N[:10], whole_N[:10], rtol=1e-5)
    assert_allclose(cut_N[10:40], whole_N[10:40] + extra, rtol=1e-5)
    assert_allclose(whole_N[:40], 2 + 8 / forgetting, rtol=1e-3)


def test_old_groups_count_less_by_the_formula():
    for age in (0, 1, 5):
        learner = Learner(staleness=0.2, predictor="none")
        learner.take(feedback([3], 6, policy_version=10 - age, current_version=10))
        worth = 0.8**age
        assert_allclose(learner.counts()[:, 3], [1 + 6 * worth, 1 + 2 * worth], rtol=1e-6)


@pytest.mark.parametrize("predictor", ["line", "logit", "none"])
def test_groups_too_old_to_count_say_nothing_and_break_nothing(predictor):
    learner = Learner(staleness=1.0, predictor=predictor, learned_weight=predictor != "none")
    learner.take(groups(1, policy_version=3, current_version=9))
    assert_allclose(learner.counts()[:, groups(1).task_ids_B], 1, rtol=1e-5)
    learner.take(groups(2, policy_version=9, current_version=9))
    assert np.isfinite(learner.counts()).all()
    assert learner.counts().max() > 2


def test_the_clock_never_runs_backwards():
    learner = Learner()
    nows = []
    for version in (5, 3, None, 6, 6, 20):
        learner.take(groups(0, policy_version=version and 0, current_version=version))
        nows.append(learner.learning.now)
    assert nows == [5, 5, 6, 6, 6, 20]


def test_fractional_rewards_are_worth_more_than_a_trial_each():
    plain, fractional = (Learner(fractional=f, predictor="none") for f in (False, True))
    near = Feedback([0, 1], [4, 3.6], [8, 8], squares_B=[2.02, 1.64])
    for learner in (plain, fractional):
        learner.take(near)
    assert fractional.counts()[:, 0].sum() > 2 * plain.counts()[:, 0].sum()
    assert_allclose(*(c.counts()[0, 0] / c.counts()[:, 0].sum() for c in (plain, fractional)), 0.02)


def test_rewards_of_0_and_1_are_worth_a_trial_each_either_way():
    plain, fractional = (Learner(fractional=f) for f in (False, True))
    for seed in range(5):
        plain.take(groups(seed))
        fractional.take(groups(seed))
    assert_array_equal(plain.counts(), fractional.counts())


def test_tokens_make_costs_only_when_asked():
    for per_token in (False, True):
        learner = Learner(per_token=per_token)
        for seed in range(20):
            tokens = 100.0 * (1 + CLASSES.domain_C[CLASS_N[groups(seed).task_ids_B]])
            learner.take(groups(seed, tokens_B=tokens * 8))
        cost_C = learner.learning.costs(CLASSES, np.full(CLASSES.num_classes, 0.5))
        assert cost_C.min() == 1
        assert (cost_C.max() > 2) == per_token


@pytest.mark.parametrize("predictor", ["line", "logit", "none"])
def test_a_restored_learner_goes_on_as_the_saved_one(predictor):
    settings = {"predictor": predictor, "learned_weight": True, "per_token": True}
    learner = Learner(**settings, allocation="progress", fractional=True)
    learner.take(groups(0, tokens_B=np.full(12, 800.0)))
    again = Learner(**settings, allocation="progress", fractional=True)
    again.learning.load_state_dict(learner.learning.state_dict())
    again.beliefs = Beliefs.restored(learner.beliefs.state_dict(), (1.0, 1.0))
    for one in (learner, again):
        one.take(groups(1, tokens_B=np.full(12, 900.0)))
    assert flat(again.learning.state_dict()) == flat(learner.learning.state_dict())
    assert_array_equal(again.counts(), learner.counts())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("now", -1.0),
        ("now", np.nan),
        ("started", 1),
        ("group_size", -1.0),
        ("variances", np.array([1.0])),
        ("variances", np.array([1.0, -1.0])),
        ("counters", {}),
        ("counters", {"duplicates": 0, "removed": -1, "lost": 0}),
        ("predictor", {}),
        ("weight", None),
        ("tokens", {"sums": None}),
        ("progress", {"sum": np.ones(1)}),
        ("more", 1),
    ],
)
def test_damaged_states_are_refused(name, value):
    state = Learner().learning.state_dict()
    with pytest.raises(ValueError, match=r"."):
        Learner().learning.load_state_dict({**state, name: value})

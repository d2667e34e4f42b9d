import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from bots import BetaPosterior, Feedback

GROUP = 16


def steps_to_equilibrium(measured: bool, rho: float, lam: float, rate: float) -> BetaPosterior:
    """One task under a constant stream of evidence, next to one that is always measured."""
    prior = belief = BetaPosterior.uniform(2)
    ids = [0, 1] if measured else [1]
    feedback = Feedback(ids, [rate * GROUP] * len(ids), [GROUP] * len(ids)).evidence()
    for _ in range(1000):
        belief = belief.update(feedback, prior, lam, rho, np.full(2, rate))
    return belief


@pytest.mark.integration
@pytest.mark.parametrize("rho", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("lam", [0.05, 0.1, 1.0])
def test_effective_sample_size_settles_between_the_bounds_of_proposition_2(rho, lam):
    never = steps_to_equilibrium(False, rho, lam, 0.25).effective_sample_size()[0]
    always = steps_to_equilibrium(True, rho, lam, 0.25).effective_sample_size()[0]
    assert_allclose(never, 2 + rho * GROUP / lam)
    assert_allclose(always, 2 + GROUP / lam)


def test_the_paper_s_defaults_settle_at_18_and_162():
    assert_allclose(steps_to_equilibrium(False, 0.1, 0.1, 0.5).effective_sample_size()[0], 18)
    assert_allclose(steps_to_equilibrium(True, 0.1, 0.1, 0.5).effective_sample_size()[0], 162)


@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_a_task_that_is_never_measured_settles_at_a_shrunk_prediction(rate):
    belief = steps_to_equilibrium(False, 0.1, 0.1, rate)
    assert_allclose(belief.mean()[0], (1 + 16 * rate) / 18)


@pytest.mark.parametrize("rho", [0.0, 0.1, 1.0])
def test_a_measured_task_gains_exactly_its_trials_whatever_rho(rho):
    prior = BetaPosterior.uniform(2)
    feedback = Feedback([0], [3], [7]).evidence()
    after = prior.update(feedback, prior, 0.0, rho, np.array([0.9, 0.9]))
    assert after.alpha_N[0] == 4
    assert after.beta_N[0] == 5


def test_full_forgetting_keeps_only_prior_and_evidence():
    prior = BetaPosterior([2.0, 3.0, 0.5], [1.0, 4.0, 0.25])
    old = BetaPosterior([50.0, 60.0, 70.0], [5.0, 6.0, 7.0])
    after = old.update(Feedback([1], [3], [8]).evidence(), prior, 1.0, 0.5, np.full(3, 0.25))
    assert after.alpha_N.tolist() == [2 + 1, 3 + 3, 0.5 + 1]
    assert after.beta_N.tolist() == [1 + 3, 4 + 5, 0.25 + 3]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 8), st.integers(0, 8)), min_size=1))
def test_without_forgetting_or_predictions_updates_are_conjugate(groups):
    prior = belief = BetaPosterior.uniform(5)
    successes, failures = np.zeros(5), np.zeros(5)
    for task, solved, failed in groups:
        belief = belief.update(Feedback([task], [solved], [solved + failed]).evidence(), prior)
        successes[task] += solved
        failures[task] += failed
    assert_array_equal(belief.alpha_N, 1 + successes)
    assert_array_equal(belief.beta_N, 1 + failures)


beliefs = st.lists(st.floats(1e-3, 1e3), min_size=6, max_size=6)
shares = st.floats(0, 1)


@given(beliefs, beliefs, shares, shares, st.lists(shares, min_size=6, max_size=6), st.randoms())
def test_relabelling_the_tasks_relabels_the_update(alpha, beta, lam, rho, predicted, random):
    order = np.array(random.sample(range(6), 6))
    inverse = np.argsort(order)
    before, prior = BetaPosterior(alpha, beta), BetaPosterior.uniform(6)
    predicted = np.array(predicted)
    feedback = Feedback([1, 4, 1], [2, 5, 3], [4, 5, 4])
    renamed = Feedback(inverse[feedback.task_ids_B], feedback.successes_B, feedback.trials_B)
    moved = BetaPosterior(before.alpha_N[order], before.beta_N[order])
    after = before.update(feedback.evidence(), prior, lam, rho, predicted)
    moved_after = moved.update(renamed.evidence(), prior, lam, rho, predicted[order])
    assert_array_equal(moved_after.alpha_N, after.alpha_N[order])
    assert_array_equal(moved_after.beta_N, after.beta_N[order])


@given(beliefs, beliefs, shares, shares, st.lists(shares, min_size=6, max_size=6))
def test_beliefs_stay_proper_and_within_what_evidence_allows(alpha, beta, lam, rho, predicted):
    before, prior = BetaPosterior(alpha, beta), BetaPosterior.uniform(6)
    feedback = Feedback([2], [3], [GROUP]).evidence()
    after = before.update(feedback, prior, lam, rho, np.array(predicted))
    size = after.effective_sample_size()
    expected = (1 - lam) * before.effective_sample_size() + lam * 2
    assert (after.alpha_N > 0).all()
    assert (after.beta_N > 0).all()
    assert_allclose(size[2], expected[2] + GROUP, rtol=1e-9)
    others = np.delete(np.arange(6), 2)
    assert_allclose(size[others], expected[others] + rho * GROUP, rtol=1e-9)


def test_a_nan_prediction_is_no_evidence():
    prior = BetaPosterior.uniform(3)
    feedback = Feedback([0], [1], [4]).evidence()
    after = prior.update(feedback, prior, 0.0, 0.5, np.array([np.nan, np.nan, 1.0]))
    assert after.alpha_N.tolist() == [2, 1, 3]
    assert after.beta_N.tolist() == [4, 1, 1]


def test_predictions_weigh_as_much_as_the_mean_group():
    prior = BetaPosterior.uniform(3)
    feedback = Feedback([0, 1], [1, 1], [4, 8]).evidence()
    after = prior.update(feedback, prior, 0.0, 0.5, np.ones(3))
    assert after.effective_sample_size()[2] == 2 + 0.5 * 6


def test_an_update_that_reuses_memory_gives_the_same_bits():
    prior = BetaPosterior.uniform(50)
    rng = np.random.default_rng(0)
    plain = reused = prior
    spare = BetaPosterior.uniform(50)
    for _ in range(20):
        ids = rng.choice(50, 5, replace=False)
        feedback = Feedback(ids, rng.binomial(8, 0.5, 5), np.full(5, 8)).evidence()
        predicted = rng.random(50)
        plain = plain.update(feedback, prior, 0.1, 0.1, predicted)
        previous = reused
        reused = reused.update(feedback, prior, 0.1, 0.1, predicted, out=spare)
        spare = previous if previous is not prior else BetaPosterior.uniform(50)
    assert_array_equal(plain.alpha_N, reused.alpha_N)
    assert_array_equal(plain.beta_N, reused.beta_N)


@pytest.mark.parametrize(
    ("alpha", "beta", "says"),
    [
        ([0.0], [1.0], "> 0"),
        ([1.0], [-1.0], "> 0"),
        ([np.nan], [1.0], "finite"),
        ([1.0], [np.inf], "finite"),
        ([1.0, 2.0], [1.0], "one of each"),
    ],
)
def test_improper_beliefs_are_refused(alpha, beta, says):
    with pytest.raises(ValueError, match=says):
        BetaPosterior(alpha, beta)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"forgetting": 5.0}, "forgetting"),
        ({"forgetting": -0.5}, "forgetting"),
        ({"implicit_weight": -0.1}, "implicit_weight"),
        ({"predicted_N": np.array([-50.0, 0.5])}, r"\[0, 1\]"),
        ({"predicted_N": np.array([0.5, 1.5])}, r"\[0, 1\]"),
        ({"predicted_N": np.array([0.5])}, "shape"),
    ],
)
def test_impossible_updates_are_refused(options, says):
    prior = BetaPosterior.uniform(2)
    with pytest.raises(ValueError, match=says):
        prior.update(Feedback([0], [1], [2]).evidence(), prior, **options)


def test_a_sample_is_a_draw_of_every_belief():
    belief = BetaPosterior(np.arange(1.0, 6.0), np.full(5, 2.0))
    drawn_N = np.random.default_rng(4).beta(belief.alpha_N, belief.beta_N)
    assert_array_equal(belief.sample(np.random.default_rng(4)), drawn_N)


def test_a_belief_about_no_task_is_refused():
    with pytest.raises(ValueError, match="num_tasks is 0"):
        BetaPosterior.uniform(0)

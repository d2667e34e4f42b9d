import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from bots import Evidence, Feedback, InterpolationEvidence

WEAK = np.array([0.0, 0.2, 0.4, 0.6])
STRONG = np.array([0.5, 0.6, 0.9, 0.6])


def measured(rates: np.ndarray, ids=(0, 1, 2)) -> Evidence:
    ids = np.array(ids)
    return Feedback(ids, rates[ids] * 10, np.full(ids.size, 10)).evidence()


def test_a_learner_like_a_reference_gets_that_reference_s_rates():
    assert_allclose(InterpolationEvidence(WEAK, STRONG).observe(measured(WEAK)), WEAK, atol=1e-12)
    assert_allclose(InterpolationEvidence(WEAK, STRONG).observe(measured(STRONG)), STRONG)


def test_half_way_between_is_half_way_everywhere():
    middle = (WEAK + STRONG) / 2
    assert_allclose(InterpolationEvidence(WEAK, STRONG).observe(measured(middle)), middle)


def test_the_line_is_extended_beyond_the_references_and_clipped():
    implicit = InterpolationEvidence([0.2, 0.1], [0.6, 0.5])
    rates = implicit.observe(Feedback([0], [0], [4]).evidence())
    assert implicit.metrics()["implicit/capability"] == pytest.approx(-0.5)
    assert_allclose(rates, [0.0, 0.0], atol=1e-12)


def test_capability_is_smoothed_from_the_second_batch_on():
    implicit = InterpolationEvidence(WEAK, STRONG, momentum=0.9)
    implicit.observe(measured(WEAK))
    implicit.observe(measured(STRONG))
    assert implicit.metrics()["implicit/capability"] == pytest.approx(0.1)


def test_a_batch_on_which_the_references_agree_does_not_move_the_estimate():
    implicit = InterpolationEvidence(WEAK, STRONG)
    before = implicit.observe(measured((WEAK + STRONG) / 2)).copy()
    after = implicit.observe(Feedback([3], [0], [10]).evidence())
    assert_array_equal(after, before)


def test_nothing_is_predicted_before_a_trusted_batch():
    implicit = InterpolationEvidence(WEAK, STRONG)
    assert implicit.observe(Feedback([3], [0], [10]).evidence()) is None
    assert implicit.observe(Feedback([0], [0], [0]).evidence()) is None


@given(st.lists(st.floats(0, 1), min_size=8, max_size=8), st.integers(1, 8), st.integers(0, 10))
def test_no_batch_can_throw_the_estimate_beyond_the_guard(strong, size, solved):
    implicit = InterpolationEvidence(np.zeros(8), strong)
    implicit.observe(Feedback(range(size), [solved] * size, [10] * size).evidence())
    capability = implicit.metrics()["implicit/capability"]
    assert np.isnan(capability) or abs(capability) <= 1 / 0.02


def test_with_a_vanishing_guard_it_is_the_paper_s_ratio_of_means():
    rng = np.random.default_rng(0)
    weak, strong = rng.random(50), rng.random(50)
    implicit, capability = InterpolationEvidence(weak, strong, min_gap=1e-12), None
    for _ in range(40):
        ids = rng.choice(50, 6, replace=False)
        rates = rng.integers(0, 17, 6) / 16
        implicit.observe(Feedback(ids, rates * 16, np.full(6, 16)).evidence())
        now = (rates.mean() - weak[ids].mean()) / (strong[ids].mean() - weak[ids].mean())
        capability = now if capability is None else 0.9 * capability + 0.1 * now
    assert implicit.metrics()["implicit/capability"] == pytest.approx(capability)


def test_references_that_agree_everywhere_are_never_used():
    implicit = InterpolationEvidence(WEAK, WEAK + 0.01)
    assert implicit.observe(measured(WEAK)) is None


def test_references_in_reverse_order_work_in_reverse():
    implicit = InterpolationEvidence(STRONG, WEAK)
    assert_allclose(implicit.observe(measured(WEAK)), WEAK, atol=1e-12)


def test_unmeasured_references_neither_predict_nor_enter_the_means():
    implicit = InterpolationEvidence([0.0, np.nan, 0.4], [0.5, 0.5, np.nan])
    rates = implicit.observe(Feedback([0, 1, 2], [5, 9, 9], [10, 10, 10]).evidence())
    assert rates[0] == pytest.approx(0.5)
    assert np.isnan(rates[1:]).all()


def test_its_state_resumes():
    one, two = InterpolationEvidence(WEAK, STRONG), InterpolationEvidence(WEAK, STRONG)
    one.observe(measured(STRONG))
    two.load_state_dict(one.state_dict())
    assert_array_equal(one.observe(measured(WEAK)), two.observe(measured(WEAK)))


@pytest.mark.parametrize("state", [{}, {"capability": np.nan}, {"capability": "x"}, {"c": 0.1}])
def test_damaged_state_is_refused_and_changes_nothing(state):
    implicit = InterpolationEvidence(WEAK, STRONG)
    implicit.observe(measured(STRONG))
    with pytest.raises(ValueError, match=r"capability"):
        implicit.load_state_dict(state)
    assert implicit.metrics()["implicit/capability"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"weak_N": [0.1], "strong_N": [0.1, 0.2]}, "shape"),
        ({"weak_N": [1.1], "strong_N": [0.1]}, r"\[0, 1\]"),
        ({"weak_N": [0.1], "strong_N": [0.2], "momentum": 1.0}, "momentum"),
        ({"weak_N": [0.1], "strong_N": [0.2], "min_gap": 0.0}, "min_gap"),
    ],
)
def test_bad_input_is_refused(options, says):
    with pytest.raises(ValueError, match=says):
        InterpolationEvidence(**options)

import numpy as np
import pytest
from scipy import stats

from bench.validation.agreement import agreement, ceiling, kendall, spearman
from bench.validation.outcomes import WINDOWS, Outcomes

NAMES = ("shuffle", "a", "b", "c", "d")
GAINS = np.array([0.0, 0.02, -0.01, 0.04, 0.01])


def outcomes(gains_P=GAINS, seeds=6, noise=0.0, learnt=0.1) -> Outcomes:
    gains_PS = gains_P[:, None] + noise * np.random.default_rng(1).normal(size=(5, seeds))
    gains_PS[0] = 0
    ttb_FPS = np.tile((1 - 5 * gains_P)[None, :, None], (3, 1, seeds))
    etr_PSW = np.full((5, seeds, WINDOWS), 0.5)
    learnt_S = np.full(seeds, learnt)
    pool_PS = gains_PS + learnt_S
    names, numbers = NAMES, tuple(range(seeds))
    return Outcomes(names, numbers, gains_PS, learnt_S, pool_PS, ttb_FPS, etr_PSW, 1.25)


@pytest.mark.parametrize("seed", range(5))
def test_rank_correlations_are_scipys(seed):
    rng = np.random.default_rng(seed)
    first_P, second_P = rng.normal(size=(2, 8))
    found = kendall(first_P[None], second_P[None])[0]
    assert found == pytest.approx(stats.kendalltau(first_P, second_P).statistic)
    tied_P = np.round(second_P)
    found = spearman(first_P[None], tied_P[None])[0]
    assert found == pytest.approx(stats.spearmanr(first_P, tied_P).statistic)


def test_a_perfect_prediction_agrees_in_all():
    found = agreement(outcomes(), outcomes())
    assert found.kendall.value == found.spearman.value == found.kendall.low == 1
    assert found.gain_error.value == found.etr_error == 0
    assert found.signs == found.decided == (4, 4)
    assert found.ttb_errors == (0, 0, 0)
    assert found.reached == (4, 4)


def test_gains_are_judged_in_units_of_what_shuffle_learns():
    found = agreement(outcomes(), outcomes(2 * GAINS, learnt=0.2))
    assert found.gain_error.value == pytest.approx(0)


def test_a_reversed_prediction_disagrees_in_all():
    found = agreement(outcomes(), outcomes(-GAINS))
    assert found.kendall.value == found.spearman.value == -1
    assert found.signs == found.decided == (0, 4)
    assert found.gain_error.value == pytest.approx(2 * np.abs(GAINS).sum() / 4 / 0.1)


def test_noise_of_either_side_widens_the_interval():
    for noisy in ({"real": 0.03}, {"predicted": 0.03}):
        real, predicted = (outcomes(noise=noisy.get(side, 0.0)) for side in ("real", "predicted"))
        found = agreement(real, predicted).kendall
        assert found.low < found.high


def test_two_seeds_get_no_interval():
    assert np.isnan(agreement(outcomes(seeds=2), outcomes()).kendall.low)


def test_etr_error_has_a_sign_and_a_size():
    shifted = outcomes()
    shifted.etr_PSW[1] += 0.1
    found = agreement(outcomes(), shifted)
    assert found.etr_bias == pytest.approx(0.02)
    shifted.etr_PSW[2] -= 0.1
    found = agreement(outcomes(), shifted)
    assert found.etr_bias == pytest.approx(0)
    assert found.etr_error == pytest.approx(0.04)


def test_an_unreached_target_is_counted_apart():
    never = outcomes()
    never.ttb_FPS[:, 3] = np.inf
    found = agreement(outcomes(), never)
    assert found.reached == (3, 4)
    assert found.ttb_errors == (0, 0, 0)


def test_the_ceiling_is_what_seeds_say_of_each_other():
    assert ceiling(outcomes()).tolist() == [1] * 6
    assert ceiling(outcomes(noise=0.1)).mean() < 0.9
    assert ceiling(outcomes(seeds=1)).size == 0

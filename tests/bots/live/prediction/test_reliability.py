import numpy as np
import pytest
from numpy.testing import assert_array_equal

from bots.live.prediction.reliability import LearnedWeight


def observe(learned, rng, worth, trials=16, size=128):
    """One batch whose true rates scatter around the predictions like Beta(nu p, nu (1 - p))."""
    predicted_U = rng.uniform(0.1, 0.9, size)
    rates_U = rng.beta(worth * predicted_U, worth * (1 - predicted_U))
    trials_U = np.broadcast_to(np.asarray(trials, dtype=float), size)
    learned.observe(predicted_U, rng.binomial(trials_U.astype(int), rates_U), trials_U)


def learn(worth, trials=16, batches=400, seed=0):
    learned, rng = LearnedWeight(0.1, momentum=0.995), np.random.default_rng(seed)
    for _ in range(batches):
        observe(learned, rng, worth, trials)
    return learned


@pytest.mark.integration
@pytest.mark.parametrize("worth", [0.5, 3, 20])
@pytest.mark.parametrize("trials", [4, 16, (np.arange(128) % 15) + 1])
def test_it_finds_the_worth_of_predictions(worth, trials):
    # Over 20 other seeds the largest relative error of the nine was 0.09.
    learned = learn(worth, trials)
    assert learned.effective_sample_size() == pytest.approx(worth, rel=0.15)
    assert learned.weight(0.1, 16) == pytest.approx(min(worth * 0.1 / 16, 1), rel=0.15)


def test_the_weight_rises_again_after_falling():
    learned, rng = LearnedWeight(0.1), np.random.default_rng(0)
    weights = []
    for worth in (20, 0.5, 20):
        for _ in range(150):
            observe(learned, rng, worth)
        weights.append(learned.weight(0.1, 16))
    assert weights[1] < 0.1 * weights[0]
    assert weights[2] > 5 * weights[1]


def test_a_bad_predictor_falls_to_the_floor():
    learned = LearnedWeight(0.5, lowest=0.002)
    learned.observe(np.array([0.9, 0.1]), np.array([0.0, 8.0]), np.array([8.0, 8.0]))
    assert learned.effective_sample_size() == 0
    assert learned.weight(0.1, 8) == 0.002


def test_a_prediction_without_error_counts_in_full():
    learned = LearnedWeight(0.5)
    learned.observe(np.array([0.5, 0.25]), np.array([4.0, 2.0]), np.array([8.0, 8.0]))
    assert learned.effective_sample_size() == np.inf
    assert learned.weight(0.1, 8) == 1


def test_the_initial_weight_holds_while_nothing_can_be_learned():
    learned = LearnedWeight(0.3)
    assert learned.weight(0.1, 8) == 0.3
    learned.observe(np.array([np.nan]), np.array([4.0]), np.array([8.0]))
    learned.observe(np.array([]), np.array([]), np.array([]))
    learned.observe(np.array([0.3, 0.6]), np.array([1.0, 0.0]), np.array([1.0, 1.0]))
    learned.observe(np.array([1.0, 0.0]), np.array([2.0, 0.0]), np.array([2.0, 2.0]))
    assert np.isnan(learned.effective_sample_size())
    assert learned.weight(0.1, 8) == 0.3


def test_without_forgetting_or_a_group_the_initial_weight_holds():
    learned = learn(3, batches=20)
    assert learned.weight(0.0, 16) == learned.weight(0.1, 0) == 0.1


def test_certain_predictions_that_fail_are_worth_nothing():
    learned = LearnedWeight(0.3)
    learned.observe(np.array([1.0]), np.array([2.0]), np.array([4.0]))
    assert learned.metrics() == {"implicit/worth": 0.0}
    assert learned.weight(0.1, 8) == 0.001


def test_the_weight_continues_from_its_state():
    learned, resumed = learn(3, batches=5), LearnedWeight(0.1, momentum=0.995)
    resumed.load_state_dict(learned.state_dict())
    for each in (learned, resumed):
        observe(each, np.random.default_rng(7), 3)
    assert_array_equal(resumed.state_dict()["sums"], learned.state_dict()["sums"])


def test_it_refuses_what_is_not_its_state():
    learned = LearnedWeight(0.1)
    for sums in ([1.0, 2.0], [1.0, -1.0, 0.0], [np.nan, 1.0, 1.0]):
        with pytest.raises(ValueError, match="sums"):
            learned.load_state_dict({"sums": np.array(sums)})
    with pytest.raises(ValueError, match="entry `sums`"):
        learned.load_state_dict({})
    assert learned.state_dict()["sums"].tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="initial is 2"):
        LearnedWeight(2)


@pytest.mark.parametrize("wrong", [{"forgetting": -0.5}, {"group_size": -0.5}])
def test_a_weight_is_asked_for_within_its_ranges(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"{name} is -0.5"):
        LearnedWeight(0.1).weight(**{"forgetting": 0.1, "group_size": 8.0} | wrong)

import numpy as np
import pytest

from bench import stats


@pytest.mark.parametrize(("seeds", "least"), [(10, 0.87), (20, 0.90)])
def test_intervals_of_a_mean_cover_the_truth_about_as_often_as_documented(seeds, least):
    """1,000 samples of normal noise; a true 95 % interval fails these bars with chance < 1e-6."""
    rng, covered = np.random.default_rng(0), 0
    for trial in range(1000):
        estimate = stats.bootstrap(rng.normal(0.3, 1, seeds), stats.mean, seed=trial, resamples=500)
        covered += estimate.low <= 0.3 <= estimate.high
    assert least < covered / 1000 < 0.97


def test_medians_of_partly_infinite_values_stay_honest():
    reached = np.array([0.5, 0.6, 0.7, 0.8, np.inf])
    assert stats.bootstrap(reached, stats.median).value == 0.7
    mostly_not = np.array([0.5, np.inf, np.inf, np.inf, np.inf])
    assert stats.bootstrap(mostly_not, stats.median).value == np.inf


def test_undefined_values_give_an_undefined_estimate():
    assert np.isnan(stats.bootstrap(np.array([1.0, np.nan]), stats.mean).value)
    assert np.isnan(stats.bootstrap(np.array([]), stats.mean).value)


def test_the_same_values_give_the_same_interval():
    values = np.random.default_rng(0).random(12)
    assert stats.bootstrap(values, stats.mean) == stats.bootstrap(values, stats.mean)


def test_fewer_than_three_seeds_give_no_interval():
    estimate = stats.bootstrap(np.array([0.1, 0.2]), stats.mean)
    assert estimate.value == pytest.approx(0.15)
    assert np.isnan(estimate.low)
    assert np.isnan(estimate.high)


def test_strata_count_alike_whatever_their_size():
    few, many = np.full(3, 1.0), np.full(30, 0.5)
    estimate = stats.mean_of_ratios([few, many], [few, np.ones(30)])
    assert (estimate.low, estimate.value, estimate.high) == (0.75, 0.75, 0.75)


def test_a_ratio_to_itself_is_certain_and_to_a_noisy_unit_is_not():
    gains, unit = np.array([0.1, 0.2, 0.3, 0.4]), np.array([1.0, 0.5, 2.0, 1.5])
    itself = stats.mean_of_ratios([unit], [unit])
    assert (itself.low, itself.value, itself.high) == (1, 1, 1)
    other = stats.mean_of_ratios([gains], [unit])
    assert other.value == pytest.approx(0.2)
    assert other.low < 0.2 < other.high


def test_pairing_narrows_the_interval():
    rng = np.random.default_rng(0)
    pool = rng.normal(0, 1, 20)
    ours, theirs = pool + 0.1 + rng.normal(0, 0.05, 20), pool + rng.normal(0, 0.05, 20)
    paired = stats.bootstrap(ours - theirs, stats.mean)
    assert paired.low > 0
    assert stats.bootstrap(ours, stats.mean).low < stats.bootstrap(theirs, stats.mean).high


def test_wins_in_every_seed_are_not_certainty():
    estimate = stats.proportion(np.ones(6))
    assert estimate.value == 1
    assert 0.5 < estimate.low < 0.7
    tied = stats.proportion(np.full(20, 0.5))
    assert tied.low < 0.5 < tied.high


@pytest.mark.integration
@pytest.mark.parametrize(("seeds", "level"), [(3, 0.95), (5, 0.95), (3, 0.99)])
def test_verdicts_on_few_seeds_cover_the_truth_as_often_as_they_say(seeds, level):
    """20,000 replications: 4 standard errors are 0.006 at 95 %."""
    rng = np.random.default_rng(1)
    draws = rng.normal(0.3, 1, (20_000, seeds))
    intervals = [stats.paired(draw, level) for draw in draws]
    covered = np.mean([interval.low <= 0.3 <= interval.high for interval in intervals])
    assert covered == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / 20_000))


def test_a_difference_that_never_varies_is_certain_and_two_seeds_say_nothing():
    certain = stats.paired(np.full(3, 0.25))
    assert (certain.low, certain.value, certain.high) == (0.25, 0.25, 0.25)
    assert np.isnan(stats.paired(np.array([0.1, 0.2])).low)
    assert np.isnan(stats.paired(np.empty(0)).value)


def test_the_quick_median_agrees_with_resampling_every_value():
    values = np.array([0.3, np.inf, 0.1, 0.7, 0.2, 0.9, 0.4])
    quick, slow = stats.bootstrap_median(values), stats.bootstrap(values, stats.median)
    assert quick.value == slow.value == 0.4
    assert (quick.low, quick.high) == (slow.low, slow.high)

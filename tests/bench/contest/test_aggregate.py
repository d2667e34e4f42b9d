import numpy as np
import pytest

from bench.contest import aggregate
from bench.contest.aggregate import Sample, iqm, mean_ranks, pooled_iqm, profile, ranks, sample


def drawn(rng, means, scenarios=4, seeds=12, noise=1.0) -> Sample:
    means = np.asarray(means)
    blocks = [
        means[:, None] + noise * rng.normal(size=(means.size, seeds)) for _ in range(scenarios)
    ]
    return Sample(tuple(f"s{m}" for m in range(scenarios)), tuple(blocks))


def test_iqm_drops_a_quarter_at_each_end():
    rng = np.random.default_rng(0)
    for size in (3, 4, 7, 240):
        values = np.sort(rng.normal(size=size))
        cut = size // 4
        assert iqm(rng.permutation(values)) == pytest.approx(values[cut : size - cut].mean())


def test_iqm_intervals_cover_the_truth_about_as_often_as_they_say(monkeypatch):
    """400 samples of normal noise; at 93 % true coverage, fewer than 88 % have chance < 1e-3."""
    monkeypatch.setattr(aggregate, "RESAMPLES", 250)
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(40):
        band = pooled_iqm(drawn(rng, np.full(10, 0.3), seeds=20), rng)
        covered += ((band.low <= 0.3) & (band.high >= 0.3)).sum()
    assert 0.88 < covered / 400 < 0.98


def test_what_all_strategies_share_by_seed_does_not_widen_the_interval_of_a_rank():
    rng = np.random.default_rng(1)
    quiet = drawn(rng, [0.0, 0.5], noise=0.01)
    shared = tuple(block + rng.normal(size=block.shape[1]) for block in quiet.blocks)
    band = mean_ranks(Sample(quiet.scenarios, shared), rng)
    for part in (band.value, band.low, band.high):
        np.testing.assert_array_equal(part, [2, 1])


def test_variants_of_a_scenario_share_their_resamples_and_other_scenarios_do_not():
    block = np.random.default_rng(0).normal(size=(1, 9))
    names = ("base", "base@steep", "jump")
    first, second, third = next(
        aggregate.resamples(Sample(names, (block, block, block)), np.random.default_rng(0))
    )
    np.testing.assert_array_equal(first, second)
    assert (first != third).any()


def test_the_same_seed_gives_the_same_bands():
    given = drawn(np.random.default_rng(0), [0.0, 0.2])
    first, second = (pooled_iqm(given, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first.low, second.low)
    assert ((first.low <= first.value) & (first.value <= first.high)).all()


def test_bands_do_not_depend_on_the_order_of_strategies():
    given = drawn(np.random.default_rng(0), [0.0, 0.2, 0.4])
    turned = Sample(given.scenarios, tuple(block[::-1] for block in given.blocks))
    for figure in (pooled_iqm, mean_ranks, aggregate.scenario_means):
        one, other = (figure(each, np.random.default_rng(3)) for each in (given, turned))
        np.testing.assert_allclose(one.low, other.low[::-1])


def test_tied_ranks_are_shared_and_all_ranks_add_up():
    found = ranks(np.array([3.0, 1.0, 3.0, 2.0])[None, :, None])[0, :, 0]
    np.testing.assert_array_equal(found, [1.5, 4, 1.5, 3])
    many = ranks(np.random.default_rng(0).integers(3, size=(5, 7, 11)).astype(float))
    np.testing.assert_array_equal(many.sum(axis=1), 28)


def test_profiles_fall_from_one_to_nothing_inside_their_bands():
    rng = np.random.default_rng(0)
    given = drawn(rng, [0.0, 1.0])
    band = profile(given, np.linspace(-6, 8, 29), rng)
    assert (np.diff(band.value, axis=1) <= 0).all()
    np.testing.assert_array_equal(band.value[:, [0, -1]], [[1, 0], [1, 0]])
    assert ((band.low <= band.value) & (band.value <= band.high)).all()
    assert (band.value[1] >= band.value[0] - 0.2).all()


def test_a_sample_leaves_out_seeds_that_no_strategy_has_and_refuses_gaps():
    scores = np.arange(12.0).reshape(2, 2, 3)
    scores[:, 1, 2] = np.nan
    assert [block.shape for block in sample(("a", "b"), scores).blocks] == [(2, 3), (2, 2)]
    scores[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="lacks cells of a"):
        sample(("a", "b"), scores)

"""Pools have the law they are drawn from.

Tolerances are five standard deviations or more, a false-alarm rate below 1e-6 per comparison; seeds
are fixed.
"""

import numpy as np
import pytest

from simulator import SCENARIOS, Domain, Normal, Population, Reference, alike, build
from simulator.drawing import draw, draw_with_references
from simulator.population import STRONG, WEAK


def drawn(population: Population, size: int = 20_000):
    return draw_with_references(population, size, np.random.default_rng(0))


def test_shares_of_domains_and_labels_are_the_population_s():
    """Within five standard deviations of a share."""
    domains = (Domain(0.7, flaky=0.2, mislabelled=0.1), Domain(0.3, unsolvable=0.0))
    tasks = draw(Population(domains), 50_000, np.random.default_rng(0))
    first = tasks.domain_N == 1
    for share, expected in (
        (first.mean(), 0.7),
        ((tasks.ceiling_N[first] == 0).mean(), 0.08),
        ((tasks.ceiling_N[first] == np.float32(0.6)).mean(), 0.2),
        (tasks.wrong_N[first].mean(), 0.1),
    ):
        assert abs(share - expected) < 5 * np.sqrt(expected * (1 - expected) / 30_000)
    assert (tasks.ceiling_N[~first] == 1).all()


def test_a_mixture_of_initial_logits_has_its_components():
    law = Domain(1.0, (Normal(0.25, -6, 1), Normal(0.75, 1, 0.5)))
    logits = draw(Population((law,)), 40_000, np.random.default_rng(0)).logit_N
    assert abs((logits < -2.5).mean() - 0.25) < 0.02
    assert abs(logits[logits > -2.5].mean() - 1) < 0.02


def test_slopes_go_with_logits_as_asked():
    law = Domain(1.0, slope_mean=0.3, slope_sd=0.4, slope_correlation=-0.6)
    tasks = draw(Population((law,)), 40_000, np.random.default_rng(0))
    logs = np.log(tasks.slope_N)
    assert logs.mean() == pytest.approx(0.3, abs=0.02)
    assert logs.std() == pytest.approx(0.4, abs=0.02)
    assert np.corrcoef(logs, tasks.logit_N)[0, 1] == pytest.approx(-0.6, abs=0.02)


def test_transfer_values_have_mean_one_whatever_their_spread():
    for spread in (0.25, 0.8):
        tasks = draw(Population(alike(transfer_sd=spread)), 50_000, np.random.default_rng(0))
        assert tasks.transfer_N.mean() == pytest.approx(1, abs=0.03)


def test_held_out_labels_are_neither_flaky_nor_wrong():
    heldout = build(SCENARIOS["noisy30"], 0)[0]._heldout
    assert not heldout.wrong_N.any()
    assert set(heldout.ceiling_N) == {0, 1}


def test_guessing_and_ceilings_follow_their_beta_laws():
    law = Domain(1.0, guess=0.2, guess_sd=0.1, ceiling=0.8, ceiling_sd=0.05, unsolvable=0.0)
    tasks = draw(Population((law,)), 40_000, np.random.default_rng(0))
    assert tasks.guess_N.mean() == pytest.approx(0.2, abs=0.01)
    assert tasks.guess_N.std() == pytest.approx(0.1, abs=0.01)
    assert tasks.ceiling_N.mean() == pytest.approx(0.8, abs=0.01)
    assert (tasks.guess_N <= tasks.ceiling_N).all()


def test_hard_tasks_take_longer_answers_where_asked():
    tasks = draw(Population(alike(tokens_slope=0.6)), 20_000, np.random.default_rng(0))
    assert np.corrcoef(tasks.log_tokens_N, tasks.logit_N)[0, 1] < -0.999
    assert tasks.log_tokens_N.std() == pytest.approx(0.6, abs=0.02)


def test_references_resemble_the_learner_as_much_as_real_models_do():
    learner, references, *_ = build(SCENARIOS["base"], 0)
    rates = learner.solve_rates()
    weak, strong = references["weak"], references["strong"]
    assert np.corrcoef(weak, strong)[0, 1] == pytest.approx(0.66, abs=0.05)
    assert 0.65 < np.corrcoef(rates, strong)[0, 1] < np.corrcoef(rates, weak)[0, 1] < 0.85
    assert rates.mean() < weak.mean() < strong.mean()


def test_a_shared_residual_makes_references_alike():
    both = {share: drawn(Population(shared_residual=share))[1] for share in (0.0, 0.5, 1.0)}
    alike_by = [np.corrcoef(rates["weak"], rates["strong"])[0, 1] for rates in both.values()]
    assert alike_by == sorted(alike_by)
    assert alike_by[2] > alike_by[0] + 0.1


def test_references_can_be_missing_reversed_and_swapped():
    plain = drawn(Population())[1]
    missing = drawn(Population(references=(Reference("weak", 0.8, missing=0.3), STRONG)))[1]
    assert np.isnan(missing["weak"]).mean() == pytest.approx(0.3, abs=0.02)
    upside_down = drawn(Population(references=(Reference("weak", 0.8, reversed=1.0), STRONG)))[1]
    assert upside_down["weak"].mean() == pytest.approx(1 - plain["weak"].mean(), abs=0.02)
    swapped = drawn(Population(swapped=1.0))[1]
    assert swapped["weak"].mean() == pytest.approx(plain["strong"].mean(), abs=0.02)


def test_any_number_of_references():
    assert drawn(Population(references=()))[1] == {}
    many = Population(references=(WEAK, STRONG, Reference("third", 1.0)))
    assert set(drawn(many)[1]) == {"weak", "strong", "third"}


def test_near_duplicates_differ_by_little_and_keep_a_number():
    tasks, rates = drawn(Population(copies=4, copy_sd=0.1), 1_001)
    assert np.bincount(tasks.cluster_N).tolist() == [4] * 250 + [1]
    spread = [tasks.logit_N[tasks.cluster_N == c].std() for c in range(50)]
    assert 0.02 < np.mean(spread) < 0.2
    assert rates["weak"].size == 1_001


def test_positions_say_nothing_about_near_duplicates():
    clusters = drawn(Population(copies=10), 5_000)[0].cluster_N
    assert (clusters[:-1] == clusters[1:]).mean() < 0.02


def test_a_task_without_a_rate_does_not_pass_a_filter_by_it():
    weak = Reference("weak", 0.8, missing=0.5)
    rates = drawn(Population(references=(weak, STRONG), weak_below=0.5))[1]
    assert not np.isnan(rates["weak"]).any()


def test_a_filter_keeps_clusters_together_by_number():
    population = Population(copies=3, weak_below=0.5, strong_above=0.1)
    tasks, rates = drawn(population, 3_000)
    assert tasks.cluster_N.max() < 3_000
    assert np.bincount(tasks.cluster_N).max() <= 3
    assert rates["weak"].max() < 0.5
    assert rates["strong"].min() > 0.1


def test_the_replica_is_filtered_and_starts_below_its_weak_reference():
    learner, references, *_ = build(SCENARIOS["guru15"], 0)
    assert references["weak"].max() < 15 / 16
    assert references["strong"].min() > 1 / 16
    assert learner.solve_rates().mean() < references["weak"].mean() / 3


def test_a_filter_that_nothing_passes_is_an_error():
    with pytest.raises(ValueError, match="loosen the filter"):
        drawn(Population(alike(unsolvable=0.9999), strong_above=0.99), 500)


@pytest.mark.parametrize(
    "wrong",
    [
        {"share": 0.0},
        {"logit": ()},
        {"logit": (Normal(0.5), Normal(0.4))},
        {"unsolvable": 1.0},
        {"flaky_ceiling": 0.0},
        {"mislabelled": 0.95},
        {"guess_sd": 0.6},
        {"ceiling": 1.2},
        {"slope_correlation": -1.5},
        {"longest_chain": 0},
        {"longest_chain": 2.5},
        {"late": 2.0},
        {"late_to": -1},
        {"leaves": 50, "late": 0.5, "late_to": 50},
        {"speed": "fast"},
        {"transfer_sd": float("nan")},
        {"transfer_sd": float("inf")},
        {"slope_mean": 100.0},
        {"leaves": 3 * 10**9},
    ],
)
def test_impossible_domains_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=rf"{next(iter(wrong))} of Domain"):
        Domain(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"domains": ()},
        {"domains": (Domain(0.5), Domain(0.4))},
        {"domains": (Domain(1.0, late=1.0, late_from=5, late_to=5),)},
        {"domains": (Domain(1.0, leaves=50),)},
        {"weak_below": 0.9, "references": ()},
        {"copy_sd": float("inf")},
        {"references": (WEAK, WEAK)},
        {"shared_residual": 1.5},
        {"swapped": 0.5, "references": (WEAK,)},
        {"strong_above": 0.5, "references": (WEAK,)},
        {"copies": 0},
        {"sub_tests": 0},
        {"sub_test_correlation": 1.0},
        {"heldout_moves": 1},
    ],
)
def test_impossible_populations_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Population(**wrong)


@pytest.mark.parametrize(
    "wrong", [{"trials": 0}, {"residual_sd": -1.0}, {"missing": 1.5}, {"ability": float("inf")}]
)
def test_impossible_references_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Reference(**({"name": "weak", "ability": 0.0} | wrong))


@pytest.mark.parametrize("wrong", [{"sd": -1.0}, {"mean": float("nan")}, {"share": 1.5}])
def test_impossible_components_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Normal(**wrong)

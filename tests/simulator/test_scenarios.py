from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from simulator import SCENARIOS, Population, Scenario, build
from simulator.population import draw_with_references


def effective_task_ratio(scenario: Scenario, steps: int = 30) -> float:
    """Share of informative groups in the first steps under uniform sampling."""
    learner, _, _ = build(scenario, 0)
    rng, shares = np.random.default_rng(0), []
    for _ in range(steps):
        ids = rng.choice(scenario.num_tasks, scenario.batch_size, replace=False)
        successes = learner.sample(ids, scenario.group_size).sum(axis=1)
        shares.append(((successes > 0) & (successes < scenario.group_size)).mean())
        learner.train(ids, successes, np.full(ids.size, float(scenario.group_size)))
    return float(np.mean(shares))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("base", 0.67), ("stationary", 0.67), ("ushape60", 0.39), ("guru15", 0.28)],
)
def test_pools_are_as_informative_as_documented(name, expected):
    assert effective_task_ratio(SCENARIOS[name]) == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=list(SCENARIOS))
def test_seeds_differ_and_repeat(scenario):
    small = replace(scenario, num_tasks=300, num_heldout=50)
    one, again, other = (build(small, seed)[0] for seed in (0, 0, 1))
    assert_array_equal(one.solve_rates(), again.solve_rates())
    assert not np.array_equal(one.solve_rates(), other.solve_rates())


def test_references_resemble_the_learner_as_much_as_real_models_do():
    learner, references, _ = build(SCENARIOS["base"], 0)
    rates = learner.solve_rates()
    weak, strong = references["weak"], references["strong"]
    assert np.corrcoef(weak, strong)[0, 1] == pytest.approx(0.66, abs=0.05)
    assert 0.65 < np.corrcoef(rates, strong)[0, 1] < np.corrcoef(rates, weak)[0, 1] < 0.85
    assert rates.mean() < weak.mean() < strong.mean()


def test_the_replica_is_filtered_and_starts_below_its_weak_reference():
    learner, references, _ = build(SCENARIOS["guru15"], 0)
    assert references["weak"].max() < 15 / 16
    assert references["strong"].min() > 1 / 16
    assert learner.solve_rates().mean() < references["weak"].mean() / 3


def test_a_filter_that_nothing_passes_is_an_error():
    with pytest.raises(ValueError, match="loosen the filter"):
        draw_with_references(
            Population(strong_above=0.99, unsolvable=0.9999), 500, np.random.default_rng(0)
        )


@pytest.mark.parametrize(
    "wrong", [{"logit_sd": -1}, {"unsolvable": 1.0}, {"num_domains": 0}, {"reference_trials": 0}]
)
def test_impossible_populations_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Population(**wrong)


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"group_size": 0}, {"num_tasks": 5}])
def test_impossible_sizes_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Scenario("x", "", **wrong)

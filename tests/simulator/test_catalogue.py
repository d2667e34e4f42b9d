from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from backends import run, simulate
from bots.baselines import ShuffleSelector
from simulator import SCENARIOS, TAGS, VARIANTS, Scenario, build, vary
from simulator.catalogue.page import page

ROOT = Path(__file__).parents[2]

RUN = [name for name in SCENARIOS if name != "huge"]
EXPECTED = {
    *("stationary", "base", "guru15", "ushape60", "noisy30", "jump", "format_unlock", "longchain"),
    *("gap", "forget", "domains", "shift", "good_refs", "bad_refs", "swap_refs", "sparse_n2"),
    *("async8", "cost", "huge", "tiny", "nonbinary", "plateau", "sgd", "drgrpo", "transfer_hetero"),
    *("arrivals", "prerequisites", "duplicates", "no_refs", "one_ref", "extrapolate"),
    *("mixed_domains", "real_items", "deepscaler_1_5b", "many_refs", "missing_refs"),
    *("adversarial_refs", "tiny_transformer"),
}


def small(scenario: Scenario) -> Scenario:
    size = min(scenario.num_tasks, 600)
    return replace(scenario, num_tasks=size, num_heldout=100, batch_size=min(32, size))


def live(backend, steps: range, size: int) -> list:
    """What happens in training on tasks that depend on the step alone."""
    trace = []
    for step in steps:
        rng, gone = np.random.default_rng(step), backend.absent()
        there = np.setdiff1d(np.arange(backend.pool.num_tasks), gone)
        batch = backend.rollout(rng.choice(there, size, replace=False), 8)
        figures = backend.train(batch)
        told = [feedback.successes_B.sum() for feedback in backend.deliver(batch)]
        trace += [batch.rewards_BG.sum(), figures["time/step"], told, backend.evaluate()]
    return trace


def test_the_catalogue_is_whole_and_documented():
    assert set(SCENARIOS) >= EXPECTED
    for scenario in SCENARIOS.values():
        assert len(scenario.summary) > 60
        assert scenario.tags
        assert scenario.etr is not None
        assert 0 < scenario.etr < 1
    assert {"drift", "noise", "references", "scale", "async", "cost", "difficulty"} <= set(TAGS)


@pytest.mark.slow
@pytest.mark.parametrize("name", RUN)
def test_pools_are_as_informative_under_shuffle_as_documented(name):
    """One seed at full size; between seeds the figure varies by less than 0.01."""
    scenario = SCENARIOS[name]
    backend, _ = simulate(scenario, 0)
    selector = ShuffleSelector(backend.pool, np.random.default_rng(0))
    records = run(backend, selector, scenario.batch_size, scenario.group_size)
    shares = [next(records).generated.informative_B.mean() for _ in range(scenario.steps)]
    assert np.mean(shares) == pytest.approx(scenario.etr, abs=0.02)


@pytest.mark.integration
@pytest.mark.parametrize("name", SCENARIOS)
def test_seeds_differ_and_repeat(name):
    one, again, other = (build(small(SCENARIOS[name]), seed)[0] for seed in (0, 0, 1))
    assert_array_equal(one.solve_rates(), again.solve_rates())
    assert not np.array_equal(one.solve_rates(), other.solve_rates())


@pytest.mark.integration
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_resumes_bit_for_bit_with_feedback_on_its_way(name):
    scenario = small(SCENARIOS[name])
    first, second = simulate(scenario, 0)[0], simulate(scenario, 0)[0]
    live(first, range(12), 32)
    second.load_state_dict(first.state_dict())
    assert live(second, range(12, 24), 32) == live(first, range(12, 24), 32)


@pytest.mark.parametrize("name", SCENARIOS)
def test_policies_share_random_numbers_in_every_scenario(name):
    """A task has the same rollouts at a step whatever else was rolled out, or before."""
    scenario = small(SCENARIOS[name])
    one, two = (build(scenario, 0)[0] for _ in range(2))
    there = np.setdiff1d(np.arange(scenario.num_tasks), one.absent())
    alone = one.sample(there[7:8], 16)
    company = two.sample(there[:16], 16)
    assert_array_equal(alone[0][0], company[0][7])
    assert_array_equal(alone[1][0], company[1][7])


@pytest.mark.parametrize("name", SCENARIOS)
def test_solve_rates_do_not_fall_as_abilities_rise(name):
    """Sharpening, and growth off the axis, make unlikely answers unlikelier and are left out."""
    scenario = small(SCENARIOS[name])
    law = replace(scenario.law, sharpening=0.0, off_axis=0.0, drift_sd=0.0)
    learner = build(replace(scenario, law=law), 0)[0]
    state, sound = learner.state_dict(), ~learner.tasks.wrong_N
    rates = []
    for skills in (0.0, 0.3, 1.0):
        state["skills"] = np.full_like(state["skills"], skills)
        learner.load_state_dict(state)
        rates.append(learner.solve_rates()[sound])
    assert (np.diff(rates, axis=0) >= 0).all()
    assert rates[2].mean() > rates[0].mean()


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_strategies_are_handed_does_not_hold_the_truth(name):
    """No public array of the backend, its pool, its rollouts or its figures equals a true rate."""
    backend, truth = simulate(small(SCENARIOS[name]), 0)
    there = np.setdiff1d(np.arange(backend.pool.num_tasks), backend.absent())[:32]
    true_N = truth.solve_rates()
    batch = backend.rollout(there, 8)
    figures = backend.train(batch)
    seen = public(backend.pool) + public(batch) + [np.array(list(figures.values()))]
    seen += [array for feedback in backend.deliver(batch) for array in public(feedback)]
    partly = (true_N > 0.001) & (true_N < 0.999) & (abs(true_N * 16 % 1) > 1e-6)
    hidden = true_N[partly]
    assert hidden.size
    for array in seen:
        if array.dtype.kind == "f":
            assert not np.isin(array, hidden).any()


def public(subject: object) -> list[np.ndarray]:
    """All arrays among the public attributes, and in their mappings."""
    values = [getattr(subject, n) for n in dir(subject) if not n.startswith("_")]
    values += [item for value in values if isinstance(value, dict) for item in value.values()]
    return [value for value in values if isinstance(value, np.ndarray)]


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_keep_pools_and_references(name):
    scenario = small(SCENARIOS["base"])
    plain, varied = build(scenario, 3), build(vary(scenario, name), 3)
    assert_array_equal(plain[0].solve_rates(), varied[0].solve_rates())
    assert_array_equal(plain[1]["weak"], varied[1]["weak"])
    assert vary(scenario, name).name == f"base@{name}"


@pytest.mark.parametrize(
    ("names", "message"), [("maxlr", "maxrl"), ("mild+steep", "one kind"), ("", "no variant")]
)
def test_unknown_and_contradicting_variants_are_refused(names, message):
    with pytest.raises(ValueError, match=message):
        vary(SCENARIOS["base"], names)


@pytest.mark.parametrize(
    "wrong",
    [{"steps": 0}, {"group_size": 0}, {"num_tasks": 5}, {"feedback_delay": -1}, {"steps": 2.5}],
)
def test_impossible_sizes_are_refused_by_name(wrong):
    name = "batch_size" if "num_tasks" in wrong else next(iter(wrong))
    with pytest.raises(ValueError, match=name):
        Scenario("x", "", **wrong)


def test_the_page_of_the_catalogue_is_up_to_date():
    """`python -m simulator list > docs/scenarios.md` writes it."""
    assert (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8") == page()

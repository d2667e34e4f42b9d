"""Inclusion probabilities are exact, and the pool's mean that they give is unbiased.

All statistical tests of this file together raise a false alarm for one seed in 10,000, unless they
say otherwise: fewer than 25 scenes, with Bonferroni over the tasks of each.
"""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import stats

from backends import simulate
from bots import Feedback
from bots.live.belief.classes import TaskClasses
from bots.live.choice.choosing import Scene, choose
from bots.live.config import LiveConfig
from bots.live.selector import LiveSelector
from simulator import LearnerLaw, Scenario
from tests.bots.live.helpers import NOWHERE, believed

ALARM, DRAWS = 1e-4 / 25, 3_000
CLASSES = np.repeat(np.arange(4), 6)
DOMAINS = np.array([0, 1, 1, 0])
VISITED = {0: (3.0, 3.0), 7: (12.0, 4.0), 13: (1.0, 6.0), 20: (4.0, 1.5)}


def scene(config: LiveConfig, cost_C=(1.0,) * 4, streaks=None, visited=VISITED) -> Scene:
    """24 tasks in four classes and two domains."""
    beliefs = believed(CLASSES, (0.2, 0.5, 0.6, 0.8), (2.0, 4.0, 3.0, 3.0), visited)
    beliefs.remove(np.array([1, 14]))
    for k, streak in (streaks or {}).items():
        beliefs.table.streak_N[k], beliefs.table.last_N[k] = streak, 0.0
    classes = TaskClasses(np.empty((4, 0)), (), DOMAINS, ("a", "b"))
    progress_D = np.array([0.7, 0.3])
    cost_C = np.array(cost_C)
    return Scene(beliefs, classes, config, cost_C, 9.0, 8.0, progress_D, np.empty(0))


def assert_unbiased(one: Scene, seed: int, of=None, draws: int = DRAWS) -> None:
    """E[1{k chosen} / pi_k] = 1 by a z-test for every task; `of`: only for these."""
    rng, batch_size = np.random.default_rng(seed), 8
    weights = np.zeros((draws, CLASSES.size))
    for s in range(draws):
        choice = choose(one, batch_size, np.array([5]), rng)
        pi_B = choice.inclusion(one)
        assert choice.task_ids_B.size == np.unique(choice.task_ids_B).size == batch_size
        assert ((pi_B > 0) & (pi_B <= 1)).all()
        weights[s, choice.task_ids_B] = 1 / pi_B
    chosen = np.flatnonzero(weights.any(axis=0))
    usable = np.setdiff1d(np.arange(CLASSES.size), [*one.beliefs.removed, 5])
    assert np.isin(chosen, usable).all()
    if of is not None:
        chosen = np.array(of)
    elif one.config.thompson or one.config.coverage > 0:
        assert_array_equal(chosen, usable)
    means, deviations = weights[:, chosen].mean(axis=0), weights[:, chosen].std(axis=0)
    assert np.abs(means[deviations < 1e-9] - 1).max(initial=0) < 1e-9
    z = (means - 1)[deviations >= 1e-9] / (deviations[deviations >= 1e-9] / math.sqrt(draws))
    assert 2 * stats.norm.sf(np.abs(z).max(initial=0)) * CLASSES.size > ALARM


@pytest.mark.integration
@pytest.mark.parametrize(
    ("allocation", "coverage"),
    [
        ("belief", 0.0),
        ("belief", 0.25),
        ("belief", 1.0),
        ("floor", 0.0),
        ("floor", 0.25),
        ("floor", 1.0),
        ("size", 0.0),
        ("progress", 0.25),
    ],
)
@pytest.mark.parametrize("thompson", [True, False])
def test_every_choice_weighs_the_inverse_of_its_probability(thompson, allocation, coverage):
    floor = 0.3 if thompson else 0.25  # 8 * 0.25 is whole: expectations leave nothing to chance
    rest = {"domain_floor": floor} if allocation == "floor" else {"allocation": allocation}
    config = LiveConfig(thompson=thompson, coverage=coverage, **rest)
    assert_unbiased(scene(config), seed=int(8 * coverage))


@pytest.mark.integration
@pytest.mark.parametrize("coverage", [0.0, 0.25])
@pytest.mark.parametrize("cost_C", [(1.0, 1.5, 1.0, 3.0), (2.0, 1.0, 1.0, 1.2)])
def test_costs_enter_the_probabilities(cost_C, coverage):
    # Without coverage the others' draws may leave a task no chance that costs more.
    cheap = [k for k in (0, 2, 6, 7, 12, 13) if cost_C[CLASSES[k]] == 1]
    assert_unbiased(scene(LiveConfig(coverage=coverage), cost_C), 1, None if coverage else cheap)


@pytest.mark.integration
@pytest.mark.parametrize("thompson", [True, False])
@pytest.mark.parametrize("coverage", [0.0, 0.25])
def test_tasks_due_for_a_test_have_the_probability_of_their_draw(thompson, coverage):
    config = LiveConfig(thompson=thompson, coverage=coverage, retest=2.0)
    distinct = {k: (1.0 + k / 10, 2.0) for k in range(0, CLASSES.size, 2)} | VISITED
    # Without coverage the draws of these two decide whether others have a chance.
    one = scene(config, streaks={7: 1, 13: -1}, visited=distinct)
    assert_unbiased(one, 2, None if coverage or thompson else [7, 13], draws=6_000)


@pytest.mark.integration
def test_a_share_of_a_place_is_given_at_random():
    one, rng = scene(LiveConfig(coverage=0.3)), np.random.default_rng(0)
    by_rank = [int(choose(one, 8, NOWHERE, rng).places_S.sum()) for _ in range(2_000)]
    assert set(by_rank) == {5, 6}
    assert stats.binomtest(by_rank.count(5), 2_000, 0.4).pvalue > ALARM


def test_places_of_domains_keep_their_bounds():
    rng = np.random.default_rng(0)
    for rest, least, most in (
        ({"domain_floor": 0.25}, 2, 6),
        ({"domain_ceiling": 0.5}, 4, 4),
        ({"allocation": "progress"}, 2, 6),
        ({"allocation": "size"}, 3, 5),
    ):
        one = scene(LiveConfig(**rest))
        for _ in range(50):
            choice = choose(one, 8, NOWHERE, rng)
            places_D = np.bincount(DOMAINS[CLASSES[choice.task_ids_B]], minlength=2)
            assert_array_equal(places_D, choice.places_S)
            assert ((places_D >= least) & (places_D <= most)).all()


def test_a_domain_without_tasks_holds_nothing_up():
    one = scene(LiveConfig(domain_floor=0.4))
    one.beliefs.remove(np.arange(6, 17))
    for barred in (NOWHERE, np.array([17])):
        choice = choose(one, 8, barred, np.random.default_rng(0))
        assert DOMAINS[CLASSES[choice.task_ids_B]].sum() == 1 - barred.size


def test_a_choice_leaves_the_beliefs_and_their_flags_as_they_were():
    one = scene(LiveConfig(coverage=0.2, domain_floor=0.2))
    before = {name: np.copy(getattr(one.beliefs.table, name)) for name in one.beliefs.table._fields}
    choose(one, 8, np.array([3, 4]), np.random.default_rng(0))
    for name, values in before.items():
        assert_array_equal(getattr(one.beliefs.table, name), values)


@pytest.mark.integration
def test_the_guess_of_the_density_changes_no_distribution():
    rng = np.random.default_rng(0)
    counts = []
    for density_S in (np.empty(0), np.array([1.0]), np.array([1e5])):
        one = replace(scene(LiveConfig()), density_S=density_S)
        ids = [choose(one, 6, NOWHERE, rng).task_ids_B for _ in range(1_500)]
        counts.append(np.bincount(np.concatenate(ids), minlength=CLASSES.size))
    table = np.array(counts)[:, np.sum(counts, axis=0) > 0]
    # Tasks of a batch exclude one another, so that this test alarms less often than it says.
    assert stats.chi2_contingency(table).pvalue > ALARM


STILL = Scenario(
    "still",
    "",
    law=LearnerLaw(learning_rate=0.0, drift_sd=0.0),
    num_tasks=600,
    num_heldout=10,
    batch_size=48,
    group_size=8,
)


def estimates(seed: int, steps: int, **settings):
    """The true mean of a pool that stands still, and what each step's batch says about it."""
    backend, truth = simulate(STILL, seed)
    config = LiveConfig(**settings)
    selector = LiveSelector(backend.pool, np.random.default_rng(seed), config)
    made = []
    for _ in range(steps):
        selection = selector.draw(STILL.batch_size)
        batch = backend.rollout(selection.task_ids_B, STILL.group_size)
        (feedback,) = backend.deliver(batch)
        made.append(selection.mean_reward(feedback.successes_B / feedback.trials_B))
        selector.update(
            Feedback(
                feedback.task_ids_B,
                feedback.successes_B,
                feedback.trials_B,
                batch_id=selection.batch_id,
            )
        )
    return float(truth.solve_rates().mean()), made


@pytest.mark.integration
@pytest.mark.parametrize(
    "settings",
    [{}, {"thompson": False, "utility": "variance"}, {"forgetting": 0.02, "implicit_weight": 0.0}],
    ids=["paper", "variance", "explicit"],
)
def test_the_pool_s_mean_is_estimated_without_bias_and_with_honest_intervals(settings):
    errors, covered = [], []
    for seed in range(6):
        mean, made = estimates(seed, 120, coverage=0.2, **settings)
        errors += [one.mean - mean for one in made]
        covered += [one.interval()[0] <= mean <= one.interval()[1] for one in made]
    # Given the past, errors have mean 0: they are uncorrelated, and this is a z-test.
    z = np.mean(errors) / (np.std(errors) / math.sqrt(len(errors)))
    assert 2 * stats.norm.sf(abs(z)) > ALARM
    assert 0.9 <= np.mean(covered) <= 0.98

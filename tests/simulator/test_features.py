from dataclasses import replace

import numpy as np
import pytest

from simulator import Population, Scenario, build
from simulator.features import draw_features
from simulator.population import Domain, alike
from simulator.tasks import Tasks

WIDE = Population(embedding_size=64, embedding_noise=0.0)
SCENARIO = Scenario("features", "", population=WIDE, num_tasks=5_000, num_heldout=10)


def drawn(seed: int = 0, **changes: object) -> tuple[Tasks, np.ndarray]:
    scenario = replace(SCENARIO, population=replace(WIDE, **changes))
    world = build(scenario, seed)
    assert world.features_ND is not None
    return world.learner.tasks, world.features_ND


def explained(features_ND: np.ndarray, target_N: np.ndarray) -> float:
    """Share of the target's variance that a linear map of the features explains."""
    design = np.column_stack([features_ND, np.ones(len(features_ND))])
    rest = target_N - design @ np.linalg.lstsq(design, target_N, rcond=None)[0]
    return 1 - rest.var() / target_N.var()


@pytest.mark.parametrize("shown", [0.0, 0.6, -0.9, 1.0])
def test_the_embedding_shows_as_much_of_the_difficulty_as_it_says(shown):
    """An R^2 of correlation squared; its sd over 5,000 tasks is below 0.02, the band 3 of them."""
    tasks, features_ND = drawn(embedding_difficulty=shown)
    assert explained(features_ND, tasks.logit_N) == pytest.approx(shown**2, abs=0.06)


def test_without_noise_tasks_of_one_skill_differ_in_one_direction():
    tasks, features_ND = drawn()
    mine = features_ND[tasks.skill_N == tasks.skill_N[0]]
    singular = np.linalg.svd(mine - mine.mean(axis=0), compute_uv=False)
    assert singular[1] < 1e-4 * singular[0]


def test_noise_has_the_length_that_it_says():
    """Its mean square over 5,000 x 64 draws has a relative sd of 0.3 %."""
    _, plain_ND = drawn()
    _, noisy_ND = drawn(embedding_noise=0.5)
    lengths_N = ((noisy_ND - plain_ND) ** 2).sum(axis=1)
    assert lengths_N.mean() == pytest.approx(0.25, rel=0.02)


def test_near_duplicates_look_alike():
    tasks, features_ND = drawn(copies=10, copy_sd=0.01, embedding_noise=2.0)
    order = np.argsort(tasks.cluster_N, kind="stable")
    apart = np.linalg.norm(np.diff(features_ND[order], axis=0), axis=1)
    same = np.diff(tasks.cluster_N[order]) == 0
    assert np.median(apart[same]) < 0.02 * np.median(apart[~same])


def test_the_embedding_changes_nothing_else():
    plain, with_it = (
        build(replace(SCENARIO, population=replace(WIDE, embedding_size=size)), 0)
        for size in (0, 8)
    )
    assert plain.features_ND is None
    assert all(
        np.array_equal(one, two)
        for one, two in zip(plain.learner.tasks, with_it.learner.tasks, strict=True)
    )
    assert plain.references.keys() == with_it.references.keys()
    for name, rates_N in plain.references.items():
        assert np.array_equal(rates_N, with_it.references[name])


def test_equal_seeds_give_equal_embeddings():
    assert np.array_equal(drawn(3)[1], drawn(3)[1])
    assert not np.array_equal(drawn(3)[1], drawn(4)[1])


def test_tasks_that_are_equally_hard_have_features_too():
    domains = alike(logit=Domain().logit)
    population = replace(WIDE, domains=domains)
    tasks, _ = drawn()
    flat = tasks._replace(logit_N=np.zeros_like(tasks.logit_N))
    features_ND = draw_features(population, flat, np.random.default_rng(0))
    assert features_ND is not None
    assert np.isfinite(features_ND).all()


@pytest.mark.parametrize(
    "wrong", [{"embedding_size": -1}, {"embedding_difficulty": 1.1}, {"embedding_noise": -0.1}]
)
def test_impossible_embeddings_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Population(**wrong)

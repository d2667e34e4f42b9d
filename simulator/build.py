"""From a scenario and a seed to a learner."""

from dataclasses import replace
from typing import NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt

from simulator.drawing import Rates, draw, draw_with_references
from simulator.features import draw_features
from simulator.learner import Learner
from simulator.population import Population
from simulator.scenario import Scenario
from simulator.tasks import NEVER, Tasks


class World(NamedTuple):
    """A learner, and what may be known of its tasks beforehand."""

    learner: Learner
    references: Rates
    domains_N: npt.NDArray[np.uint8]
    features_ND: npt.NDArray[np.float32] | None


def build(scenario: Scenario, seed: int) -> World:
    """The scenario's learner, its tasks' reference rates, domains and embedding, for one seed.

    What is drawn depends on the scenario's name and the seed alone, never on a strategy; variants
    of a scenario (`base@maxrl`) share its draws.
    """
    name, population = scenario.name.split("@")[0], scenario.population
    entropy = np.random.SeedSequence([crc32(name.encode()), seed])
    for_pool, for_heldout, for_learner, for_features = entropy.spawn(4)
    tasks, references = draw_with_references(
        population, scenario.num_tasks, np.random.default_rng(for_pool)
    )
    heldout = _heldout(population, scenario.num_heldout, np.random.default_rng(for_heldout))
    learner = Learner(
        tasks,
        heldout,
        scenario.law,
        int(for_learner.generate_state(1)[0]),
        population.sub_tests,
        population.sub_test_correlation,
    )
    features_ND = draw_features(population, tasks, np.random.default_rng(for_features))
    return World(learner, references, (tasks.domain_N - 1).astype(np.uint8), features_ND)


def _heldout(population: Population, size: int, rng: np.random.Generator) -> Tasks:
    """Tasks of the same law, shifted: unfiltered, with labels that are neither flaky nor wrong, and
    always there unless they are to move.
    """
    clean = tuple(replace(domain, flaky=0.0, mislabelled=0.0) for domain in population.domains)
    tasks = draw(replace(population, domains=clean), size, rng)
    shifted_N = (tasks.logit_N + np.float32(population.heldout_shift)).astype(np.float32)
    if not population.heldout_moves:
        tasks = tasks._replace(
            arrives_N=np.zeros_like(tasks.arrives_N), leaves_N=np.full_like(tasks.leaves_N, NEVER)
        )
    return tasks._replace(logit_N=shifted_N)

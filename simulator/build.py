"""From a scenario and a seed to a learner."""

from dataclasses import replace
from zlib import crc32

import numpy as np
import numpy.typing as npt

from simulator.drawing import Rates, draw, draw_with_references
from simulator.learner import Learner
from simulator.population import Population
from simulator.scenario import Scenario
from simulator.tasks import NEVER, Tasks


def build(scenario: Scenario, seed: int) -> tuple[Learner, Rates, npt.NDArray[np.uint8]]:
    """The scenario's learner, its tasks' reference rates and their domains, for one seed.

    What is drawn depends on the scenario's name and the seed alone, never on a strategy; variants
    of a scenario (`base@maxrl`) share its draws.
    """
    name, population = scenario.name.split("@")[0], scenario.population
    entropy = np.random.SeedSequence([crc32(name.encode()), seed])
    for_pool, for_heldout, for_learner = entropy.spawn(3)
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
    return learner, references, (tasks.domain_N - 1).astype(np.uint8)


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

"""Named learners and pools. `docs/simulator.md` says what their figures rest on."""

from dataclasses import dataclass, field
from zlib import crc32

import numpy as np

from simulator.learner import Learner, LearnerLaw
from simulator.population import Population, draw, draw_with_references
from simulator.tasks import Floats, Ints


@dataclass(frozen=True, slots=True)
class Scenario:
    """A pool, a learner and a run length; one seed of it is one independent replication.

    `batch_size` tasks are trained on per step with `group_size` rollouts each, for `steps` steps.
    """

    name: str
    summary: str
    population: Population = field(default_factory=Population)
    law: LearnerLaw = field(default_factory=LearnerLaw)
    num_tasks: int = 50_000
    num_heldout: int = 2_000
    batch_size: int = 128
    group_size: int = 16
    steps: int = 200

    def __post_init__(self) -> None:
        for name in ("num_tasks", "num_heldout", "batch_size", "group_size", "steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.batch_size > self.num_tasks:
            raise ValueError(
                f"batch_size is {self.batch_size} but the scenario has {self.num_tasks} tasks; "
                "a batch holds distinct tasks: lower batch_size or raise num_tasks"
            )


def build(scenario: Scenario, seed: int) -> tuple[Learner, dict[str, Floats], Ints]:
    """The scenario's learner, its tasks' reference rates and their domains, for one seed.

    What is drawn depends on the scenario's name and the seed alone, never on a strategy.
    """
    entropy = np.random.SeedSequence([crc32(scenario.name.encode()), seed])
    for_pool, for_heldout, for_learner = entropy.spawn(3)
    tasks, references = draw_with_references(
        scenario.population, scenario.num_tasks, np.random.default_rng(for_pool)
    )
    heldout = draw(scenario.population, scenario.num_heldout, np.random.default_rng(for_heldout))
    heldout = heldout._replace(logit_N=heldout.logit_N + scenario.population.heldout_shift)
    learner = Learner(tasks, heldout, scenario.law, int(for_learner.generate_state(1)[0]))
    return learner, references, tasks.domain_N - 1


STATIONARY = Scenario(
    "stationary",
    "Nothing is learnt and nothing drifts: pure estimation, in which forgetting can only hurt.",
    law=LearnerLaw(learning_rate=0.0, drift_sd=0.0),
)

BASE = Scenario(
    "base",
    "The initial difficulties of a real 1.5B run; half to two thirds of groups teach something.",
)

GURU15 = Scenario(
    "guru15",
    "A replica of the paper's 1.5B math run: a filtered hard pool, a learner below its weak "
    "reference that must also learn the answer format.",
    population=Population(
        logit_mean=-4.6,
        logit_sd=3.2,
        unsolvable=0.05,
        weak_ability=2.4,
        strong_ability=4.8,
        reference_sd=1.2,
        weak_below=15 / 16,
        strong_above=1 / 16,
        heldout_shift=2.5,
    ),
    law=LearnerLaw(learning_rate=0.06, gate_logit=-0.5, gate_rate=8.0),
    num_tasks=54_400,
)

USHAPE60 = Scenario(
    "ushape60",
    "A U-shaped pool: six groups in ten are all right or all wrong.",
    population=Population(logit_sd=5.5),
)

SCENARIOS = {scenario.name: scenario for scenario in (STATIONARY, BASE, GURU15, USHAPE60)}

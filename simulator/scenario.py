"""A scenario: a pool, a learner, a run length, and what they are good for."""

from dataclasses import dataclass, field

from simulator import checks
from simulator.checks import require
from simulator.clock import Clock
from simulator.law import LearnerLaw
from simulator.population import Population


@dataclass(frozen=True, slots=True)
class Scenario:
    """A pool, a learner and a run length; one seed of it is one independent replication.

    `batch_size` tasks are trained on per step with `group_size` rollouts each, for `steps` steps.

    Attributes:
        name: a variant of another scenario is called `base@variant`, and has the same pools.
        summary: what it stresses, what is measured and what is guessed.
        population: the law of the tasks.
        law: the law of learning.
        clock: the law of time.
        tags: what it stresses, in single words.
        etr: share of informative groups under epoch shuffle, mean over the run, if known.
        feedback_delay: steps after which a selector learns of a group.
        heldout_rollouts: per held-out task and evaluation; 0: evaluations are exact.
        truth_every: steps between measurements that look at the whole pool.

    Raises:
        ValueError: for impossible sizes.
    """

    name: str
    summary: str
    population: Population = field(default_factory=Population)
    law: LearnerLaw = field(default_factory=LearnerLaw)
    clock: Clock = field(default_factory=Clock)
    tags: tuple[str, ...] = ()
    etr: float | None = None
    num_tasks: int = 50_000
    num_heldout: int = 2_000
    batch_size: int = 128
    group_size: int = 16
    steps: int = 200
    feedback_delay: int = 0
    heldout_rollouts: int = 0
    truth_every: int = 10

    def __post_init__(self) -> None:
        sizes = ("num_tasks", "num_heldout", "batch_size", "group_size", "steps", "truth_every")
        checks.numbers(
            self,
            integers=(*sizes, "feedback_delay", "heldout_rollouts"),
            others=("name", "summary", "population", "law", "clock", "tags", "etr"),
        )
        require(self, **{name: (getattr(self, name) >= 1, "must be at least 1") for name in sizes})
        require(
            self,
            feedback_delay=(self.feedback_delay >= 0, "must not be negative"),
            heldout_rollouts=(self.heldout_rollouts >= 0, "must not be negative; 0: exact"),
            name=(isinstance(self.name, str) and bool(self.name), "must be a name"),
            etr=(self.etr is None or 0 <= self.etr <= 1, "must lie in [0, 1], or be None"),
            batch_size=(
                self.batch_size <= self.num_tasks,
                f"must be at most num_tasks ({self.num_tasks}): a batch holds distinct tasks",
            ),
        )

"""The small simulated pools that a strategy is tried on."""

from dataclasses import dataclass
from functools import cache

from backends import AbstractBackend, AbstractTruth, simulate
from bots import Pool
from simulator import Domain, Population, Scenario

NUM_TASKS, LARGE = 120, 10_000
KINDS = ("references", "domains", "features")
_EMBEDDING = 8
_DELAY = 2  # steps
_STILL = Scenario(
    "check",
    "",
    Population(embedding_size=_EMBEDDING),
    num_tasks=NUM_TASKS,
    num_heldout=40,
    batch_size=10,
    group_size=8,
)
_MOVING = Scenario(
    "check-moving",
    "",
    Population(
        (
            Domain(0.5),
            Domain(0.25, leaves=7),
            Domain(0.25, late=1.0, late_from=3, late_to=6),
        ),
        embedding_size=_EMBEDDING,
    ),
    num_tasks=2 * NUM_TASKS,
    num_heldout=40,
    batch_size=10,
    group_size=8,
    feedback_delay=_DELAY,
)


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """A pool, and the truth behind it, which only the roster's oracles are handed."""

    pool: Pool
    truth: AbstractTruth


@cache
def still() -> World:
    """120 tasks with references, domains and features."""
    backend, truth = simulate(_STILL, 0)
    return World(backend.pool, truth)


@cache
def large() -> World:
    """10,000 tasks with all of these."""
    population = Population(embedding_size=_EMBEDDING)
    backend, truth = simulate(Scenario("check-large", "", population, num_tasks=LARGE), 0)
    return World(backend.pool, truth)


def renamed() -> World:
    """Another pool of the same size: its tasks have other keys."""
    world = still()
    pool = world.pool
    other = Pool(pool.keys_N + 1, pool.references, pool.domains_N, pool.features_ND)
    return World(other, world.truth)


def without(kind: str) -> World:
    """The tasks of `still`, about which one of `KINDS` is not known."""
    world = still()
    pool = world.pool
    lesser = Pool(
        pool.keys_N,
        {} if kind == "references" else pool.references,
        None if kind == "domains" else pool.domains_N,
        None if kind == "features" else pool.features_ND,
    )
    return World(lesser, world.truth)


def learner(moving: bool) -> tuple[AbstractBackend, World]:
    """A learner to run on; on the moving one tasks arrive and leave, and feedback is late."""
    backend, truth = simulate(_MOVING if moving else _STILL, 0)
    return backend, World(backend.pool, truth)

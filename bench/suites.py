"""Named sets of cells."""

from dataclasses import dataclass, replace

from bench.real import RealSource
from simulator import SCENARIOS, Scenario

_CORE_STRATEGIES = (
    "shuffle",
    "uniform",
    "easy-to-hard",
    "mopps",
    "dapo",
    "dapo-refill",
    "bots",
    "bots-explicit",
    "bots-mopps",
    "bots-dots",
    "bots-greedy",
    "oracle-target",
    "oracle-gain",
)


@dataclass(frozen=True, slots=True)
class RealRun:
    """A real model, and the length of a run; see `bench.settings.Setting`."""

    source: RealSource
    batch_size: int = 32
    group_size: int = 8
    steps: int = 300
    horizon: float = 1.25
    evaluate_every: int = 10
    checkpoint_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Suite:
    """Scenarios, or a real run, x strategies x seeds."""

    name: str
    summary: str
    scenarios: tuple[Scenario, ...]
    strategies: tuple[str, ...]
    num_seeds: int
    real: RealRun | None = None


def _small(name: str) -> Scenario:
    return replace(SCENARIOS[name], num_tasks=10_000, num_heldout=1_000, batch_size=64, steps=120)


SMOKE = Suite(
    "smoke",
    "Two small pools, a first look in well under a minute.",
    (_small("base"), _small("guru15")),
    (
        "shuffle",
        "easy-to-hard",
        "mopps",
        "dapo",
        "bots",
        "bots-greedy",
        "oracle-target",
        "oracle-gain",
    ),
    num_seeds=6,
)

CORE = Suite(
    "core",
    "Every scenario at full size, every strategy, 20 paired seeds.",
    tuple(SCENARIOS.values()),
    _CORE_STRATEGIES,
    num_seeds=20,
)

PAPER = Suite(
    "paper",
    "The paper's ablations of lambda and rho on its replica, beside the published figures.",
    (SCENARIOS["guru15"],),
    (
        "shuffle",
        "easy-to-hard",
        "bots-mopps",
        "bots-dots",
        "bots-explicit",
        "bots:implicit_weight=0.05",
        "bots",
        "bots:implicit_weight=0.2",
        "bots:implicit_weight=0.5",
        "bots:implicit_weight=1.0",
        "bots:forgetting=0.0",
        "bots:forgetting=1.0",
        "bots-greedy",
        "oracle-target",
        "oracle-gain",
    ),
    num_seeds=20,
)

_REAL_STRATEGIES = ("shuffle", "easy-to-hard", "mopps", "dapo", "bots", "bots-dots")

REAL_TINY = Suite(
    "real-tiny",
    "A transformer of 333,000 weights, a new one per seed, finetuned for real.",
    (),
    _REAL_STRATEGIES,
    num_seeds=5,
    real=RealRun(RealSource("real-tiny")),
)

REAL = Suite(
    "real",
    "Your model (--model FOLDER) finetuned for real on your tasks (--tasks SOURCE).",
    (),
    _REAL_STRATEGIES,
    num_seeds=3,
    real=RealRun(
        RealSource("real", train={"learning_rate": 1e-6}, rollouts={"max_new_tokens": 512}),
        steps=200,
        checkpoint_seconds=300.0,
    ),
)

SUITES = {suite.name: suite for suite in (SMOKE, CORE, PAPER, REAL_TINY, REAL)}

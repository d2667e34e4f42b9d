"""Named sets of cells."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bench import live_options
from bench.guesses import guesses
from bench.real import RealSource
from bench.roster import STRATEGIES
from bench.scenario_choice import choose, resized
from bench.strategies import tuned
from bench.successor import plan as successor
from simulator import SCENARIOS, TAGS, VARIANTS, Scenario, vary


@dataclass(frozen=True, slots=True)
class RealRun:
    """A real model, and the length of a run; see `bench.settings.Setting`."""

    source: RealSource
    batch_size: int = 32
    group_size: int = 8
    steps: int = 300
    horizon: float = 1.25
    evaluate_every: int = 10
    truth_every: int = 10
    checkpoint_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Suite:
    """Scenarios, or a real run, x strategies x seeds.

    `fewer_seeds` says, by scenario, where `num_seeds` would be too many; for `horizon` see
    `bench.settings.Setting`. A run on a user's pool is as long as one on `of_pool`, without it as
    one on the first scenario.
    """

    name: str
    summary: str
    scenarios: tuple[Scenario, ...]
    strategies: tuple[str, ...]
    num_seeds: int
    real: RealRun | None = None
    fewer_seeds: Mapping[str, int] = field(default_factory=dict)
    horizon: float = 1.5
    of_pool: Scenario | None = None


def reduced(scenario: Scenario, size: float = 1.0) -> Scenario:
    """About 10,000 tasks and 120 steps of 64, both times `size`; events keep their places.

    The learning rate rises so that ability grows as far as in the scenario's own steps. What goes
    by the step, such as drift, forgetting, memory and lag, stays as it is.
    """
    small = resized(
        scenario,
        num_tasks=min(scenario.num_tasks, round(10_000 * size)),
        num_heldout=min(scenario.num_heldout, 1_000),
        batch_size=max(scenario.batch_size // 2, 1),
        steps=max(int(scenario.steps * 3 * size) // 5, 1),
    )
    law, shrunk = scenario.law, scenario.batch_size / small.batch_size
    rate = law.learning_rate * (scenario.steps / small.steps) * shrunk**law.batch_exponent
    return replace(small, law=replace(law, learning_rate=rate, jump_step=small.law.jump_step))


SMOKE = Suite(
    "smoke",
    "Three small pools, one with the price of repetition that a tiny real model measured.",
    tuple(
        reduced(scenario, 0.4)
        for scenario in choose(("base", "guru15", "base@measured"), SCENARIOS)
    ),
    (
        "shuffle",
        "easy-to-hard",
        "mopps",
        "dapo",
        "bots",
        "bots-greedy",
        "residual-memory",
        "oracle-gain",
    ),
    num_seeds=4,
    horizon=1.1,
    of_pool=reduced(SCENARIOS["base"]),
)


def contest_scenarios(*names: str) -> tuple[Scenario, ...]:
    """These scenarios with at most 10,000 tasks, otherwise as they are; `base@steep` is a variant.

    On 10,000 tasks, 200 steps of 128 are two and a half epochs, so that a strategy that goes by the
    past of a task has a past to go by.
    """
    return tuple(
        resized(
            scenario,
            num_tasks=min(scenario.num_tasks, 10_000),
            num_heldout=min(scenario.num_heldout, 1_000),
            truth_every=20,
        )
        for scenario in choose(names, SCENARIOS)
    )


_SWITCHABLE = ("shuffle", "bots", successor.SUBJECT)
_SWITCHED = ("", "+pods", "+pods=0.5", "+replay", "+replay+pods=0.5")

CORE = Suite(
    "core",
    "Every strategy on six scenarios of 10,000 tasks, eight paired seeds.",
    contest_scenarios("base", "guru15", "ushape60", "noisy30", "domains", "base@steep"),
    tuple(STRATEGIES),
    num_seeds=8,
    horizon=1.1,
)

FULL = Suite(
    "full",
    "The contest: every strategy as published and tuned, thirteen scenarios, twenty paired seeds.",
    (
        *CORE.scenarios,
        *contest_scenarios(
            "prerequisites",
            "forget",
            "bad_refs",
            "tiny",
            "deepscaler_1_5b",
            "base@maxrl",
            "base@alpha1",
        ),
    ),
    (
        *STRATEGIES,
        *(f"{name}:tuned" for name in STRATEGIES if tuned().get(name)),
        *(f"{name}{switch}" for name in _SWITCHABLE for switch in ("+pods", "+replay")),
    ),
    num_seeds=20,
    horizon=1.1,
)

LIVE = Suite(
    "live",
    "Every option of the live selector beside the selector without it, nine paired seeds.",
    contest_scenarios(*live_options.SCENARIOS),
    tuple(
        dict.fromkeys(
            (
                "shuffle",
                "oracle-gain",
                *(spec for c in live_options.CAPABILITIES for spec in (c.against, c.spec)),
            )
        )
    ),
    num_seeds=9,
    horizon=1.1,
)

SUCCESSOR = Suite(
    "successor",
    "What residual-memory is worth under other laws and on other pools.",
    contest_scenarios(*(name for group in successor.GROUPS.values() for name in group)),
    (
        "shuffle",
        "oracle-gain",
        *successor.RIVALS,
        successor.SUBJECT,
    ),
    num_seeds=20,
    horizon=1.1,
)

ABLATION = Suite(
    "ablation",
    "residual-memory without each of its ingredients, on the contest's scenarios.",
    FULL.scenarios,
    (
        "shuffle",
        "oracle-gain",
        successor.SUBJECT,
        *(successor.spec(option) for option in successor.ABLATIONS.values()),
    ),
    num_seeds=20,
    horizon=1.1,
)

SWITCHES = Suite(
    "switches",
    "Down-sampled and replayed rollouts, which go with any selector, on the scenarios of core.",
    CORE.scenarios,
    (
        "oracle-gain",
        *(f"{name}{switch}" for name in ("shuffle", "mopps", "bots") for switch in _SWITCHED),
        "dots",
        "dots-replay",
    ),
    num_seeds=8,
    horizon=1.1,
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

_LEARNER_STRATEGIES = (
    "shuffle",
    "easy-to-hard",
    "mopps",
    "bots",
    "bots-greedy",
    "bots-explicit",
    "oracle-target",
    "oracle-gain",
)
_LARGE = 100_000  # tasks, from which a scenario is run without variants and on few seeds
_FEW_SEEDS = 2


def _under_every_law(scenario: Scenario) -> tuple[Scenario, ...]:
    """The scenario as it is, and under each variant; tiny and huge ones at their own size."""
    if scenario.num_tasks > _LARGE:
        return (scenario,)
    own_size = "scale" in scenario.tags
    varied = (scenario, *(vary(scenario, name) for name in VARIANTS))
    return varied if own_size else tuple(reduced(scenario) for scenario in varied)


def _fewer_seeds(scenarios: tuple[Scenario, ...]) -> dict[str, int]:
    return {s.name: _FEW_SEEDS for s in scenarios if s.num_tasks > _LARGE}


LEARNER = Suite(
    "learner",
    "Every scenario, reduced, under every law of learning and price of repetition.",
    tuple(varied for scenario in SCENARIOS.values() for varied in _under_every_law(scenario)),
    _LEARNER_STRATEGIES,
    num_seeds=3,
    fewer_seeds=_fewer_seeds(tuple(SCENARIOS.values())),
    horizon=1.25,
)


SENSITIVITY = Suite(
    "sensitivity",
    "The base scenario, reduced, with each guessed constant changed, one at a time.",
    tuple(reduced(scenario) for scenario in guesses(SCENARIOS["base"])),
    _LEARNER_STRATEGIES,
    num_seeds=4,
    horizon=1.25,
)


def _tagged(tag: str) -> Suite:
    scenarios = tuple(scenario for scenario in SCENARIOS.values() if tag in scenario.tags)
    names = ", ".join(scenario.name for scenario in scenarios)
    return Suite(
        tag,
        f"The scenarios with the tag {tag}, none of them reduced: {names}.",
        scenarios,
        _LEARNER_STRATEGIES,
        num_seeds=10,
        fewer_seeds=_fewer_seeds(scenarios),
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

VALIDATED = (
    "shuffle",
    "easy-to-hard",
    "mopps",
    "dps",
    "bots",
    "bots-dots",
    "bots-informative",
    "residual-memory",
)
_LEAN: dict[str, Any] = {"steps": 240, "horizon": 1.1, "evaluate_every": 20, "truth_every": 100}
_USHAPE = {"weak_step": 400, "start_step": 1480, "steps": 1500}
_SMALL = {
    "families": "OURSAG",
    "pool_per_cell": 40,
    "heldout_per_cell": 20,
    "hidden": 64,
    "steps": 700,
    "weak_step": 120,
    "start_step": 200,
    "learning_rate": 4e-3,
}

_LATE = {**_SMALL, "families": "GMPRTU", "pool_per_cell": 60, "steps": 1200, "start_step": 1180}

REAL_USHAPE = Suite(
    "real-ushape",
    "The same transformer, finetuned after it has learnt its families: most tasks are all right "
    "or all wrong.",
    (),
    VALIDATED,
    num_seeds=3,
    real=RealRun(RealSource("real-ushape", recipe=_USHAPE), **{**_LEAN, "steps": 200}),
)

REAL_NOISY = Suite(
    "real-noisy",
    "real-tiny with three labels in ten wrong.",
    (),
    VALIDATED,
    num_seeds=3,
    real=RealRun(
        RealSource("real-noisy", models_of="real-tiny", wrong_labels=0.3),
        **_LEAN,
    ),
)

REAL_SMALL = Suite(
    "real-small",
    "A transformer of 85,000 weights on 1,432 tasks of six families.",
    (),
    VALIDATED,
    num_seeds=3,
    real=RealRun(
        RealSource("real-small", recipe=_SMALL, train={"learning_rate": 3e-4}),
        **{**_LEAN, "steps": 160},
    ),
)

REAL_LATE = Suite(
    "real-late",
    "A transformer of 85,000 weights, finetuned after it has learnt six other families.",
    (),
    VALIDATED,
    num_seeds=3,
    real=RealRun(
        RealSource("real-late", recipe=_LATE, train={"learning_rate": 3e-4}),
        **{**_LEAN, "steps": 160},
    ),
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

_NAMED = {
    suite.name: suite
    for suite in (
        SMOKE,
        CORE,
        FULL,
        LIVE,
        SUCCESSOR,
        ABLATION,
        SWITCHES,
        LEARNER,
        SENSITIVITY,
        PAPER,
        REAL_TINY,
        REAL_USHAPE,
        REAL_NOISY,
        REAL_SMALL,
        REAL_LATE,
        REAL,
    )
}
BY_TAG = {tag: _tagged(tag) for tag in TAGS if tag not in _NAMED}
SUITES = _NAMED | BY_TAG

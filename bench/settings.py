"""What a strategy is run on: a scenario of the simulator, or a user's pool."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

from backends import AbstractBackend, AbstractTruth, simulate
from simulator import Scenario


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """A backend to be built per seed, and the length of a run on it.

    Attributes:
        name: as it appears in results.
        summary: one sentence.
        batch_size: tasks per training step.
        group_size: rollouts per task.
        steps: training steps.
        build: from a seed to the backend and the truth behind it; it must pickle.
        description: everything that the outcome depends on besides strategy and seed, as JSON.
    """

    name: str
    summary: str
    batch_size: int
    group_size: int
    steps: int
    build: Callable[[int], tuple[AbstractBackend, AbstractTruth]]
    description: dict[str, Any]


def scenario_setting(scenario: Scenario) -> Setting:
    """The setting that runs on a scenario of the simulator."""
    return Setting(
        scenario.name,
        scenario.summary,
        scenario.batch_size,
        scenario.group_size,
        scenario.steps,
        partial(simulate, scenario),
        {"scenario": dataclasses.asdict(scenario)},
    )

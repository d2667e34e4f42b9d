"""Traces of scenarios, as a log would hold them."""

import numpy as np

from simulator import Scenario
from simulator.calibration.replay import visited
from simulator.calibration.trace import Trace, from_columns


def logged(scenario: Scenario, seed: int, visits: int, tasks: int) -> Trace:
    """The first `tasks` tasks of a run under epoch shuffle."""
    rates_KV = visited(scenario, seed, visits)[:tasks]
    successes_R = np.rint(rates_KV.ravel() * scenario.group_size).astype(np.int64)
    return from_columns(
        np.repeat(np.arange(tasks).astype(str), visits),
        np.tile(np.arange(visits), tasks),
        successes_R,
        np.full(successes_R.size, scenario.group_size),
        by_step=False,
    )

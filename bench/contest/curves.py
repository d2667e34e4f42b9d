"""Curves for the page: gains over shuffle along a run, and intervals of performance profiles."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.conclusions import in_catalogue_order
from bench.contest.document import rounded
from bench.contest.runs import ROLLOUTS, Run
from bench.contest.scores import grouped
from bench.contest.views import Details
from bench.metrics import Floats
from bench.strategies import REFERENCE

POINTS = 40
_DIGITS = 4


def curves(runs: Sequence[Run]) -> dict[str, dict[str, Any]]:
    """By scenario, every strategy's gain over shuffle in held-out solve rate, mean over seeds.

    Each has `POINTS` points, from no rollouts to what shuffle generates in its nominal steps.
    """
    found = {}
    cells = grouped(runs)
    for name in in_catalogue_order(sorted(cells)):
        references = cells[name].get(REFERENCE, {})
        if references:
            budget = next(iter(references.values())).budgets[ROLLOUTS]
            gains = {
                strategy: _mean_gain(by_seed, references, np.linspace(0, budget, POINTS))
                for strategy, by_seed in cells[name].items()
                if strategy != REFERENCE and by_seed.keys() & references.keys()
            }
            found[name] = {"budget": budget, "gains": gains}
    return found


def bands(details: dict[str, Details]) -> dict[str, dict[str, Any]]:
    """By axis, the intervals of the performance profiles."""
    return {
        axis: {"low": rounded(d.profile.low), "high": rounded(d.profile.high)}
        for axis, d in details.items()
    }


def _mean_gain(by_seed: dict[int, Run], references: dict[int, Run], x: Floats) -> list[Any]:
    seeds = sorted(by_seed.keys() & references.keys())
    gains_SX = [_rates(by_seed[seed], x) - _rates(references[seed], x) for seed in seeds]
    return rounded(np.mean(gains_SX, axis=0), _DIGITS)


def _rates(run: Run, x: Floats) -> Floats:
    return np.interp(x, run.costs[ROLLOUTS], run.heldout_E)

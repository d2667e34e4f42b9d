"""The number that tuning makes as large as it can."""

from collections.abc import Iterable, Sequence

import numpy as np

from bench.run_figures import gain
from bench.settings import Setting
from bench.store import CellId, CellResult
from bench.strategies import REFERENCE
from bench.summary import BEST

FAILED = float("-inf")


class Runs:
    """Finished cells, and how strategies score on them."""

    def __init__(self, results: Iterable[CellResult]) -> None:
        self._runs = {result.cell: result for result in results}

    def score(self, spec: str, settings: Sequence[Setting], seeds: Sequence[int]) -> float:
        """Mean over settings of the gain over shuffle / the gain oracle's, at equal rollouts.

        Both gains are means over the seeds, on which the runs are paired.

        Returns:
            1 for the gain oracle and 0 for shuffle; -inf where a cell is missing or its gain is not
            a number.

        Raises:
            ValueError: where shuffle or the gain oracle is missing, or the oracle gains nothing.
        """
        units = [self._unit(setting.name, seeds) for setting in settings]
        if any(
            CellId(setting.name, spec, seed) not in self._runs
            for setting in settings
            for seed in seeds
        ):
            return FAILED
        gains = [self._mean_gain(setting.name, spec, seeds) for setting in settings]
        score = float(np.mean(np.array(gains) / units))
        return score if np.isfinite(score) else FAILED

    def _unit(self, setting: str, seeds: Sequence[int]) -> float:
        for cell in (CellId(setting, spec, seed) for spec in (REFERENCE, BEST) for seed in seeds):
            if cell not in self._runs:
                raise ValueError(
                    f"{cell} has no result, and every score needs it: its error is beside the "
                    "cells, in a file that ends in .failed.json; mend it and try again"
                )
        unit = self._mean_gain(setting, BEST, seeds)
        if not unit > 0:
            raise ValueError(
                f"on {setting} the gain oracle gains {unit:.3g} over {REFERENCE}, which is no unit "
                "for scores: tune where there is something to gain"
            )
        return unit

    def _mean_gain(self, setting: str, spec: str, seeds: Sequence[int]) -> float:
        pairs = [(CellId(setting, spec, seed), CellId(setting, REFERENCE, seed)) for seed in seeds]
        return float(np.mean([gain(self._runs[cell], self._runs[other]) for cell, other in pairs]))

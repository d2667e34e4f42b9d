"""How strategies fared on real models, beside shuffle and beside the subject."""

from collections.abc import Mapping, Sequence

import numpy as np

from bench import stats
from bench.contest.runs import ROLLOUTS, Run
from bench.metrics import Floats
from bench.strategies import REFERENCE
from bench.successor.plan import SUBJECT
from bench.tables import Table, interval

_POINTS = 100


def gains(runs_by_setting: Mapping[str, Sequence[Run]]) -> Table:
    """Held-out gain over shuffle at equal rollouts in points, and what the subject has over others.

    Intervals are Student's over paired seeds.
    """
    rates = {name: _rates(runs) for name, runs in runs_by_setting.items()}
    strategies = sorted({s for by in rates.values() for s in by}, key=_order)
    heads = ["strategy"]
    for name, by_strategy in rates.items():
        start = np.mean([run.heldout_E[0] for run in runs_by_setting[name]])
        end = np.mean(list(by_strategy[REFERENCE].values()))
        heads.append(f"{name} (shuffle: {start:.3f} to {end:.3f})")
    rows = [
        (f"`{s}` minus `{REFERENCE}`", *(_cell(by, s, REFERENCE) for by in rates.values()))
        for s in strategies
        if s != REFERENCE
    ]
    rows += [
        (f"`{SUBJECT}` minus `{s}`", *(_cell(by, SUBJECT, s) for by in rates.values()))
        for s in strategies
        if s not in (REFERENCE, SUBJECT)
    ]
    return Table("", tuple(heads), tuple(rows))


def _rates(runs: Sequence[Run]) -> dict[str, dict[int, float]]:
    """Held-out solve rate by strategy and seed, at shuffle's budget."""
    budgets = {
        run.cell.seed: run.budgets[ROLLOUTS] for run in runs if run.cell.strategy == REFERENCE
    }
    found: dict[str, dict[int, float]] = {}
    for run in runs:
        if run.cell.seed in budgets:
            rate = run.rate(ROLLOUTS, budgets[run.cell.seed])
            found.setdefault(run.cell.strategy, {})[run.cell.seed] = rate
    return found


def _cell(by: Mapping[str, Mapping[int, float]], one: str, other: str) -> str:
    """The paired difference in points; seeds in brackets where they are too few for an interval."""
    seeds = sorted(by.get(one, {}).keys() & by.get(other, {}).keys())
    if not seeds:
        return ""
    differences_S: Floats = _POINTS * np.array([by[one][s] - by[other][s] for s in seeds])
    if len(seeds) < stats.LEAST_SEEDS:
        return f"{differences_S.mean():+.1f} ({len(seeds)} of the seeds)"
    return interval(stats.paired(differences_S), 1, signed=True)


def _order(strategy: str) -> tuple[bool, str]:
    return not strategy.startswith(SUBJECT), strategy

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

    Intervals are Student's over paired seeds. With several settings the last column has the mean
    over them by seed, where all of them were run.
    """
    rates = {name: _rates(runs) for name, runs in runs_by_setting.items()}
    strategies = sorted({s for by in rates.values() for s in by}, key=_order)
    heads = ["strategy"]
    for name, by_strategy in rates.items():
        start = np.mean([run.heldout_E[0] for run in runs_by_setting[name]])
        end = np.mean(list(by_strategy[REFERENCE].values()))
        heads.append(f"{name} (shuffle: {start:.3f} to {end:.3f})")
    pairs = [(s, REFERENCE) for s in strategies if s != REFERENCE]
    pairs += [(SUBJECT, s) for s in strategies if s not in (REFERENCE, SUBJECT)]
    rows = []
    for one, other in pairs:
        found = [_differences(by, one, other) for by in rates.values()]
        if len(found) > 1:
            found.append(_mean(found))
        rows.append((f"`{one}` minus `{other}`", *(_shown(each) for each in found)))
    if len(rates) > 1:
        heads.append("mean over settings")
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


def _differences(by: Mapping[str, Mapping[int, float]], one: str, other: str) -> dict[int, float]:
    """Paired differences in points, by seed."""
    seeds = sorted(by.get(one, {}).keys() & by.get(other, {}).keys())
    return {seed: _POINTS * (by[one][seed] - by[other][seed]) for seed in seeds}


def _mean(found: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """Means over settings, of the seeds that all of them have."""
    seeds = set.intersection(*({*each} for each in found))
    return {seed: float(np.mean([each[seed] for each in found])) for seed in sorted(seeds)}


def _shown(differences: Mapping[int, float]) -> str:
    """With an interval, or with the number of seeds where they are too few for one."""
    if not differences:
        return ""
    values_S: Floats = np.array([*differences.values()])
    if values_S.size < stats.LEAST_SEEDS:
        return f"{values_S.mean():+.1f} ({values_S.size} of the seeds)"
    return interval(stats.paired(values_S), 1, signed=True)


def _order(strategy: str) -> tuple[bool, str]:
    return not strategy.startswith(SUBJECT), strategy

"""What a folder of results says, in a few sentences."""

from collections.abc import Sequence

import numpy as np

from bench import metrics, pool_verdict
from bench.metrics import evaluated
from bench.pool_verdict import promise, rivals
from bench.run_figures import is_real
from bench.stats import LEAST_SEEDS
from bench.store import CellId, CellResult
from bench.strategies import REFERENCE
from bench.summary import Row
from bench.words import INFORMATIVE, counted, listed, name, percent, points, span

_SUBJECTS = ("bots", "residual-memory")
_FEW = 4  # settings that are told one by one
_BEST = "ttb100_rollouts"


def sentences(
    results: Sequence[CellResult], rows: Sequence[Row], failures: Sequence[tuple[CellId, str]] = ()
) -> list[str]:
    """What the runs say, the finding first, intervals and hedges in sentences of their own.

    It speaks of BOTS and residual-memory where they were run, otherwise of the two strategies that
    gain most. Where all cells are of one pool of a user's own, it says which strategy to take.

    Args:
        results: all cells, one at least.
        rows: of `bench.summary.summarize`.
        failures: cells that failed.
    """
    own = _own_pool(results)
    if not rows:
        said = _unpaired(results)
    elif own is not None:
        said = pool_verdict.sentences(rows, own)
    else:
        said = _compared(results, rows)
    if failures:
        said.append(f"Missing here, because they failed: {counted(len(failures), 'cell')}.")
    return said


def _own_pool(results: Sequence[CellResult]) -> CellResult | None:
    """A cell of the only setting, where that is a user's file."""
    alone = len({result.cell.setting for result in results}) == 1
    return results[0] if alone and "pool" in results[0].config else None


def _unpaired(results: Sequence[CellResult]) -> list[str]:
    """Without the reference: the strategies by their held-out solve rates."""
    ends: dict[tuple[str, str], list[float]] = {}
    for result in results:
        config = result.config
        budget = config["steps"] * config["batch_size"] * config["group_size"]
        rate = metrics.value_at(*evaluated(result.columns, "rollouts"), budget)
        ends.setdefault((result.cell.setting, result.cell.strategy), []).append(rate)
    best = sorted(ends, key=lambda key: -np.mean(ends[key]))[:_FEW]
    shown = [
        f"{name(who)} {percent(float(np.mean(ends[where, who])))} on {where}" for where, who in best
    ]
    return [
        f"Nothing was run on the same seeds as {REFERENCE}, so nothing is compared.",
        f"Held-out tasks solved at the end: {listed(shown)}.",
        f"Run {REFERENCE} on the same seeds to see what a strategy gains.",
    ]


def _compared(results: Sequence[CellResult], rows: Sequence[Row]) -> list[str]:
    settings = list(dict.fromkeys(row.setting for row in rows))
    flat = [s for s in settings if all(np.isnan(r.figures[_BEST].value) for r in _on(rows, s))]
    learning = [setting for setting in settings if setting not in flat]
    subjects = _subjects(rows)
    said: list[str] = []
    if learning and subjects:
        tell = _one_by_one if len(learning) <= _FEW else _counted
        said += tell(rows, learning, subjects, _where(results, learning))
    if not subjects:
        said.append(f"Only {REFERENCE} and oracles were run, so there is no strategy to judge.")
    said += _groups(rows, settings, subjects)
    if flat:
        said.append(f"Nothing can be learnt on {listed(flat[:_FEW])}.")
    seeds = min(len(row.seeds) for row in rows)
    if seeds < LEAST_SEEDS:
        said.append(
            f"There is no interval over {counted(seeds, 'seed')}: run {LEAST_SEEDS} or more with "
            "--seeds."
        )
    if not any(is_real(result) for result in results):
        said.append("The learners are simulated: a real model may gain more or less.")
    return said


def _subjects(rows: Sequence[Row]) -> list[str]:
    """The strategies to speak of."""
    gains: dict[str, list[float]] = {}
    for row in rivals(rows):
        gains.setdefault(row.strategy, []).append(row.figures["difference"].value)
    known = [name for name in _SUBJECTS if name in gains]
    return known or sorted(gains, key=lambda name: -float(np.mean(gains[name])))[:2]


def _where(results: Sequence[CellResult], settings: Sequence[str]) -> str:
    """On 3 simulated pools, on the real model real-tiny."""
    of = {result.cell.setting: result for result in results}
    real = [is_real(of[setting]) for setting in settings]
    kind = "real model" if all(real) else "setting" if any(real) else "simulated pool"
    if len(settings) == 1:
        return f"On the {kind} {settings[0]}"
    return f"On {len(settings)} {kind}s"


def _on(rows: Sequence[Row], setting: str) -> list[Row]:
    return [row for row in rows if row.setting == setting]


def _of(rows: Sequence[Row], strategy: str, settings: Sequence[str]) -> list[Row]:
    """The rows of a strategy, in the order of the settings."""
    mine = {row.setting: row for row in rows if row.strategy == strategy}
    return [mine[setting] for setting in settings if setting in mine]


def _one_by_one(
    rows: Sequence[Row], settings: Sequence[str], subjects: Sequence[str], where: str
) -> list[str]:
    of = {strategy: _judged(_of(rows, strategy, settings)) for strategy in subjects}
    of = {strategy: mine for strategy, mine in of.items() if mine}
    if not of:
        return []
    named = len(settings) > 1
    needs = [_needed(strategy, mine, named) for strategy, mine in of.items()]
    needs[0] = f"{where} {needs[0]}"
    worse = _not_better(of, named)
    return [*needs, *_intervals(of), *worse, *_best(rows, settings), *_price(rows, settings)]


def _judged(rows: Sequence[Row]) -> list[Row]:
    """Those on whose seeds the reference learnt something."""
    return [row for row in rows if not np.isnan(row.figures[_BEST].value)]


def _needed(strategy: str, mine: Sequence[Row], named: bool) -> str:
    """What a strategy needs to reach the reference's best; `named`: say on which setting."""
    reached = [row for row in mine if np.isfinite(row.figures[_BEST].value)]
    never = [row for row in mine if np.isinf(row.figures[_BEST].value)]
    stop = f"within {percent(mine[0].horizon)} of the rollouts"
    best = f"{REFERENCE}'s best"
    if not reached:
        return f"{name(strategy)} never reached {best} {stop}."
    if not named:
        share = percent(reached[0].figures[_BEST].value)
        return f"{name(strategy)} reached {best} with {share} of the rollouts."
    shares = [f"{percent(row.figures[_BEST].value)} on {row.setting}" for row in reached]
    shares[0] = shares[0].replace(" on ", " of the rollouts on ", 1)
    missed = f", never on {listed([row.setting for row in never])} ({stop})" if never else ""
    return f"{name(strategy)} reached {best} with {listed(shares)}{missed}."


def _intervals(of: dict[str, list[Row]]) -> list[str]:
    """The intervals of the needs that were told, in their order."""
    spans, seeds = [], []
    for strategy, mine in of.items():
        needs = [row.figures[_BEST] for row in mine if np.isfinite(row.figures[_BEST].value)]
        known = [span(need) for need in needs if not np.isnan(need.low)]
        if known:
            spans.append(f"{name(strategy)} {listed(known)}")
            seeds += [len(row.seeds) for row in mine]
    return [f"95 % intervals over {min(seeds)} seeds: {'; '.join(spans)}."] if spans else []


def _not_better(of: dict[str, list[Row]], named: bool) -> list[str]:
    """Which strategies do not end clearly above the reference for the same rollouts, and where."""
    said: dict[str, list[str]] = {}
    for strategy, mine in of.items():
        below = [row.setting for row in mine if row.below]
        alike = [r.setting for r in mine if not r.differs and len(r.seeds) >= LEAST_SEEDS]
        for where, verdict in ((below, "below"), (alike, "not clearly above")):
            if where:
                there = f" on {listed(where)}" if named else ""
                said.setdefault(f"ended {verdict} {REFERENCE}{there}", []).append(name(strategy))
    return [f"For the same rollouts {listed(who)} {what}." for what, who in said.items()]


def _price(rows: Sequence[Row], settings: Sequence[str]) -> list[str]:
    """On which of the settings repeating a task has a price, where not all are alike."""
    visits = {setting: _on(rows, setting)[0].repetition_visits for setting in settings}
    priced = {setting: v for setting, v in visits.items() if v is not None and np.isfinite(v)}
    if not priced or len(priced) == len(settings):
        return []
    shown = [f"on {setting} after {v:g} lessons" for setting, v in priced.items()]
    return [f"A task comes to teach half as much {listed(shown)}; elsewhere repetition is free."]


def _best(rows: Sequence[Row], settings: Sequence[str]) -> list[str]:
    """Which strategy gains most on each setting, where there is a choice."""
    of = {setting: rivals(_on(rows, setting)) for setting in settings}
    if max(len(found) for found in of.values()) < 2:
        return []
    leaders: dict[str, list[str]] = {}
    nobody = []
    for setting, found in of.items():
        best = max(found, key=promise, default=None)
        if best is not None and best.above:
            leaders.setdefault(best.strategy, []).append(setting)
        elif best is not None and len(best.seeds) >= LEAST_SEEDS:
            nobody.append(setting)
    many = max(len(found) for found in of.values())
    said = []
    if leaders:
        first, *others = [f"{name(who)} on {listed(where)}" for who, where in leaders.items()]
        shown = ", ".join([first.replace(" on ", " gained most on ", 1), *others])
        said.append(f"Of {many} strategies {shown}.")
    if nobody:
        said.append(f"Of {many} strategies none is clearly above {REFERENCE} on {listed(nobody)}.")
    return said


def _counted(
    rows: Sequence[Row], settings: Sequence[str], subjects: Sequence[str], where: str
) -> list[str]:
    """How often a strategy ends above the reference, and its worst."""
    said = []
    for strategy in subjects:
        mine = _judged(_of(rows, strategy, settings))
        if not mine:
            continue
        above = sum(row.above for row in mine)
        below = sum(row.below for row in mine)
        said.append(
            f"{where} {name(strategy)} ended clearly above {REFERENCE} for the same rollouts on "
            f"{above}, clearly below on {below}, and was not told apart on "
            f"{len(mine) - above - below}."
        )
        needs = np.array([row.figures[_BEST].value for row in mine])
        never = int(np.isinf(needs).sum())
        if np.isfinite(needs).any():
            middle = percent(float(np.median(needs[np.isfinite(needs)])))
            said.append(
                f"Its median need for {REFERENCE}'s best is {middle} of the rollouts where it was "
                f"reached; on {never} it never was."
            )
        worst = min(mine, key=lambda row: row.figures["difference"].value)
        said.append(
            f"Its worst is {worst.setting}: {points(worst.figures['difference'].value)} of "
            f"held-out solve rate from {REFERENCE}."
        )
    return said


def _groups(rows: Sequence[Row], settings: Sequence[str], subjects: Sequence[str]) -> list[str]:
    """The shares of groups that taught nothing."""

    def shares(strategy: str) -> str:
        values = [1 - row.figures["etr"].value for row in _of(rows, strategy, settings)]
        if len(settings) > _FEW:
            return f"{name(strategy)} {percent(float(np.median(values)))} (median)"
        return f"{name(strategy)} {listed([percent(value) for value in values])}"

    told = [who for who in (*subjects, REFERENCE) if _of(rows, who, settings)]
    return [f"{INFORMATIVE}: {'; '.join(map(shares, told))}."]

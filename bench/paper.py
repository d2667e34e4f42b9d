"""The published figures of BOTS (1.5B model, math), beside the replica's."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.metrics import Floats
from bench.settings import scenario_setting
from bench.store import CellResult
from bench.summary import Row
from bench.tables import Table, interval, ratio
from simulator import SCENARIOS

REPLICA = "guru15"
NOTE = (
    "Published figures: arXiv 2510.26374, Qwen2.5-1.5B-Instruct on GURU math, one run each, no "
    "error bars, as reported by secondary notes on the paper (its TTB axis is training steps). "
    "Replica: median TTB and mean BSF over seeds with 95 % intervals; a star marks a published "
    "figure outside the range of the replica's single seeds."
)
_LEAST_ROWS = 8
_PERMUTATIONS = 20_000


@dataclass(frozen=True, slots=True)
class Published:
    """One row of the published tables; None: not known to us, infinity: not reached."""

    label: str
    ttb50: float
    ttb100: float
    bsf25: float
    bsf100: float | None


PUBLISHED = {
    "easy-to-hard": Published("offline easy to hard", 0.77, 0.85, 1.09, None),
    "bots-mopps": Published("BOTS-MoPPS (λ = ρ = 0)", 1.02, 0.89, 0.98, None),
    "bots-dots": Published("BOTS-DOTS (λ = ρ = 1, no draw)", 0.70, 0.73, 1.08, None),
    "bots-explicit": Published("ρ = 0", 0.98, np.inf, 0.99, 0.98),
    "bots:implicit_weight=0.05": Published("ρ = 0.05", 0.78, 0.64, 1.06, 1.06),
    "bots": Published("ρ = 0.1, λ = 0.1 (default)", 0.85, 0.72, 1.06, 1.05),
    "bots:implicit_weight=0.2": Published("ρ = 0.2", 0.78, 0.69, 1.07, 1.05),
    "bots:implicit_weight=0.5": Published("ρ = 0.5", 0.79, 0.89, 1.09, 1.00),
    "bots:implicit_weight=1.0": Published("ρ = 1", 0.78, 0.99, 1.05, 1.01),
}
PUBLISHED_ETR = {"shuffle": "< 0.4", "bots": "> 0.8"}

_FIGURES = {
    "TTB 50 %": ("ttb50", "ttb50_steps"),
    "TTB 100 %": ("ttb100", "ttb100_steps"),
    "BSF 25 %": ("bsf25", "bsf25_steps"),
    "BSF 100 %": ("bsf100", "bsf100_steps"),
}


def is_replica(result: CellResult) -> bool:
    """Whether a cell ran the replica's scenario as it is, at full size."""
    setting = scenario_setting(SCENARIOS[REPLICA])
    size = (setting.steps, setting.batch_size, setting.group_size)
    config = result.config
    mine = (config["steps"], config["batch_size"], config["group_size"])
    return config.get("scenario") == setting.description["scenario"] and mine == size


def comparison(rows: Sequence[Row]) -> Table | None:
    """The replica's rows beside the published ones; None with too few of them."""
    mine = {row.strategy: row for row in rows}
    names = [name for name in PUBLISHED if name in mine]
    if len(names) < _LEAST_ROWS:
        return None
    names += [name for name in mine if name not in PUBLISHED]
    return Table(
        "The replica beside the published figures",
        ("strategy", *(f"{heading}: paper · here" for heading in (*_FIGURES, "ETR"))),
        tuple(_line(name, mine[name]) for name in names),
    )


def agreement(rows: Sequence[Row]) -> str:
    """Rank correlations with the published TTB, and how easily chance would give them."""
    return "; ".join(
        f"{heading}: Spearman {value:+.2f} over {count} rows, one-sided permutation p {chance:.2f}"
        for heading in ("TTB 50 %", "TTB 100 %")
        for value, count, chance in [rank_correlation(rows, heading)]
    )


def rank_correlation(rows: Sequence[Row], heading: str) -> tuple[float, int, float]:
    """Spearman's correlation of published and replicated figures, its rows, and a p-value.

    The p-value is the share of random orders of the rows that agree at least as well.
    """
    field, name = _FIGURES[heading]
    pairs = [
        (getattr(PUBLISHED[row.strategy], field), row.figures[name].value)
        for row in rows
        if row.strategy in PUBLISHED
    ]
    published, here = (_ranks(np.array(values, dtype=float)) for values in zip(*pairs, strict=True))
    rng = np.random.default_rng(0)
    observed = np.corrcoef(published, here)[0, 1]
    orders = rng.permuted(np.tile(here, (_PERMUTATIONS, 1)), axis=1)
    centred, moved = published - published.mean(), orders - here.mean()
    scale = np.sqrt((centred**2).sum() * ((here - here.mean()) ** 2).sum())
    chance = np.mean(moved @ centred / scale >= observed - 1e-12)
    return float(observed), len(pairs), float(chance)


def _line(name: str, row: Row) -> tuple[str, ...]:
    published = PUBLISHED.get(name)
    cells = []
    for field, key in _FIGURES.values():
        value = None if published is None else getattr(published, field)
        here = ratio(row, key) if key.startswith("ttb") else interval(row.figures[key], 2)
        cells.append(f"{_published(value, row.values[key])} · {here}")
    parts = (row.figures[f"etr_{part}"].value for part in ("early", "mid", "late"))
    etr = " / ".join(f"{value:.2f}" for value in parts)
    label = f"{name} ({published.label})" if published else name
    return (label, *cells, f"{PUBLISHED_ETR.get(name, '-')} · {etr}")


def _published(value: float | None, seeds_S: Floats) -> str:
    if value is None:
        return "-"
    star = "" if seeds_S.min() <= value <= seeds_S.max() else "*"
    return ("not reached" if np.isinf(value) else f"{value:.2f}") + star


def _ranks(values: Floats) -> Floats:
    """Ranks from 0, ties sharing their mean."""
    below = (values[:, None] > values).sum(axis=1)
    same = (values[:, None] == values).sum(axis=1)
    return below + (same - 1) / 2

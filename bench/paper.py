"""The published figures of BOTS (1.5B model, math), beside the replica's."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.metrics import Floats
from bench.summary import Row
from bench.tables import Table, ratio

REPLICA = "guru15"
NOTE = (
    "Published figures: arXiv 2510.26374, Qwen2.5-1.5B-Instruct on GURU math, one run each, no "
    "error bars, as reported by secondary notes on the paper (its TTB axis is training steps). "
    "Replica: median TTB and mean BSF over seeds with 95 % intervals; a star marks a published "
    "figure outside the range of the replica's single seeds."
)


@dataclass(frozen=True, slots=True)
class Published:
    """One row of the published tables; None: not known to us, infinity: not reached."""

    label: str
    ttb50: float | None
    ttb100: float | None
    bsf25: float | None
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


def comparison(rows: Sequence[Row]) -> Table | None:
    """The replica's figures beside the published ones; None without the replica's results."""
    mine = {row.strategy: row for row in rows if row.setting == REPLICA}
    names = [name for name in PUBLISHED if name in mine] + [n for n in mine if n not in PUBLISHED]
    if len(mine) < 2:
        return None
    return Table(
        "The replica beside the published figures",
        ("strategy", *(f"{heading}: paper · here" for heading in (*_FIGURES, "ETR"))),
        tuple(_line(name, mine[name]) for name in names),
    )


def rank_correlation(rows: Sequence[Row], figure: str) -> tuple[float, int]:
    """Spearman's correlation between published and replicated figures, and over how many rows."""
    field, name = _FIGURES[figure]
    pairs = [
        (getattr(PUBLISHED[row.strategy], field), row.figures[name].value)
        for row in rows
        if row.setting == REPLICA and row.strategy in PUBLISHED
    ]
    pairs = [pair for pair in pairs if pair[0] is not None]
    if len(pairs) < 3:
        return float("nan"), len(pairs)
    published, here = np.array(pairs, dtype=float).T
    return float(np.corrcoef(_ranks(published), _ranks(here))[0, 1]), len(pairs)


def _line(name: str, row: Row) -> tuple[str, ...]:
    published = PUBLISHED.get(name)
    cells = []
    for field, key in _FIGURES.values():
        value = None if published is None else getattr(published, field)
        if key.startswith("ttb"):
            here = ratio(row, key)
        else:
            estimate = row.figures[key]
            here = f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"
        cells.append(f"{_published(value, row.values[key])} · {here}")
    etr = " / ".join(f"{row.figures[f'etr_{part}'].value:.2f}" for part in ("early", "mid", "late"))
    label = published.label if published else name
    return (
        f"{name} ({label})" if published else name,
        *cells,
        f"{PUBLISHED_ETR.get(name, '-')} · {etr}",
    )


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

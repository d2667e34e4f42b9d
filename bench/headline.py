"""One picture whose title is its finding: held-out solve rate against rollouts, in three lines."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench import drawing
from bench.figures import Runs, budget, on_grid
from bench.pool_verdict import rivals
from bench.strategies import REFERENCE
from bench.summary import Row
from bench.words import name, percent

SUBJECT = "bots"
_TTB = "ttb100_rollouts"


def headline(runs: Runs, rows: Sequence[Row], path: Path) -> None:
    """Draws `shuffle`, BOTS and the best other strategy, a panel for each setting.

    Lines are means over seeds, bands 95 % bootstrap intervals. A panel's title says with what
    share of its rollouts BOTS reaches the best of `shuffle`. Oracles see the truth and are left
    out.
    """
    size = {"font_size": 12.0} if len(runs) == 1 else {}
    figure, panels = drawing.panels(1, len(runs), height=3.8, width=4.0, **size)
    for panel, (setting, by_strategy) in zip(panels[0], runs.items(), strict=True):
        of = [row for row in rows if row.setting == setting]
        names = [who for who in shown(of) if who in by_strategy]
        grid = np.linspace(0, budget(by_strategy), drawing.GRID_POINTS)
        curves = {who: np.array([on_grid(run, grid) for run in by_strategy[who]]) for who in names}
        drawing.draw_curves(panel, grid, curves, drawing.palette(curves))
        panel.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:,.0f}")
        place = "" if len(runs) == 1 else f"{setting}\n"
        panel.set_title(place + finding(of, short=len(runs) > 1), loc="left")
    panels[0][0].set_ylabel("held-out solve rate")
    drawing.save(figure, path, "rollouts generated (thousands)")


def finding(rows: Sequence[Row], short: bool = False) -> str:
    """What the rows of one setting say of BOTS and, unless short, of the best of the others."""
    _, *names = shown(rows)
    share = {row.strategy: row.figures[_TTB].value for row in rows}
    if not names:
        return f"{REFERENCE} alone"
    first, *rest = names
    if not np.isfinite(share[first]):
        return f"{name(first)} does not reach shuffle's best"
    if short:
        return f"{name(first)} needs {percent(share[first])} of shuffle's rollouts"
    text = f"{name(first)} reaches shuffle's best with {percent(share[first])} of the rollouts"
    others = [who for who in rest if np.isfinite(share[who])]
    return "".join([text, *(f",\n{who} with {percent(share[who])}" for who in others)])


def shown(rows: Sequence[Row]) -> list[str]:
    """The reference, BOTS, and whoever of the others ends highest."""
    mine = [row.strategy for row in rows if row.strategy == SUBJECT]
    others = [row for row in rivals(rows) if row.strategy != SUBJECT]
    best = max(others, key=lambda row: row.figures["final"].value, default=None)
    return [REFERENCE, *mine, *([best.strategy] if best else [])]

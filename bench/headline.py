"""One picture whose title is its finding: held-out solve rate against rollouts, in three lines."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench import drawing
from bench.figures import Runs, budget, on_grid
from bench.strategies import REFERENCE, is_oracle
from bench.summary import Row

SUBJECT = "bots"
_NAMES = {REFERENCE: "shuffle", SUBJECT: "BOTS"}
_WIDTH = 62  # characters of a title's line
_STYLE = {"font.size": 12, "axes.labelsize": 12}


def headline(runs: Runs, rows: Sequence[Row], path: Path) -> None:
    """Draws `shuffle`, BOTS and the best other strategy, a panel for each setting.

    Lines are means over seeds, bands 95 % bootstrap intervals. The title says with what share of
    its rollouts BOTS reaches the best of `shuffle`. Oracles see the truth and are left out.
    """
    import matplotlib

    figure, panels = drawing.panels(1, len(runs), height=3.9, width=7.0 / min(len(runs), 2))
    with matplotlib.rc_context(_STYLE):
        for panel, (setting, by_strategy) in zip(panels[0], runs.items(), strict=True):
            of = [row for row in rows if row.setting == setting]
            shown = {name: by_strategy[name] for name in _shown(of) if name in by_strategy}
            grid = np.linspace(0, budget(by_strategy), drawing.GRID_POINTS)
            curves = {
                _NAMES.get(name, name): np.array([on_grid(run, grid) for run in seeds])
                for name, seeds in shown.items()
            }
            drawing.draw_curves(panel, grid, curves, drawing.palette(curves))
            panel.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
            panel.set_title(textwrap.fill(finding(of), _WIDTH), loc="left")
        panels[0][0].set_ylabel("held-out solve rate")
        drawing.save(figure, path, "rollouts generated")


def finding(rows: Sequence[Row]) -> str:
    """What the rows of one setting say of BOTS, or of the best strategy where it was not run."""
    names = _shown(rows)
    subject = SUBJECT if SUBJECT in names else names[-1]
    share = next(row.figures["ttb100_rollouts"].value for row in rows if row.strategy == subject)
    who = _NAMES.get(subject, subject)
    if not np.isfinite(share):
        return f"{who} does not reach shuffle's best"
    return f"{who} reaches shuffle's best with {share:.0%} of the rollouts".replace("%", " %")


def _shown(rows: Sequence[Row]) -> list[str]:
    """The reference, BOTS, and whoever of the others ends highest."""
    ends = {
        row.strategy: row.figures["final"].value
        for row in rows
        if not is_oracle(row.strategy) and row.strategy not in (REFERENCE, SUBJECT)
    }
    best = [max(ends, key=lambda name: ends[name])] if ends else []
    return [REFERENCE, *(row.strategy for row in rows if row.strategy == SUBJECT), *best]

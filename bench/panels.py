"""One small panel per setting: the gain over the reference, for all strategies."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench import drawing, figures
from bench.metrics import Floats
from bench.store import CellResult
from bench.strategies import REFERENCE, STRATEGIES, is_oracle

_COLUMNS = 6
_WIDTH, _HEIGHT = 2.05, 1.6  # inches
_LEGEND_COLUMNS = 5
_ROOM = 0.35  # above and below the curves that a panel is made for, of their span
_LEAST_SPAN = 0.002  # of solve rate: smaller differences are not blown up to fill a panel


def gain_grid(runs: figures.Runs, path: Path, titles: Mapping[str, str]) -> None:
    """Gain in held-out solve rate over the reference against rollouts, a panel per setting.

    Every panel has a vertical scale of its own, made for the strategies that do not see the truth;
    oracles may leave it. Strategies have the same colour in all panels.

    Args:
        runs: settings with runs of the reference.
        path: where the picture goes.
        titles: of panels, by setting; default its name.
    """
    columns = min(_COLUMNS, len(runs))
    rows = -(-len(runs) // columns)
    figure, panels = drawing.panels(rows, columns, height=_HEIGHT, width=_WIDTH)
    present = dict.fromkeys(name for by_strategy in runs.values() for name in by_strategy)
    names = sorted(present, key=_place_in_roster)
    palette = drawing.palette(names)
    places = [panel for row in panels for panel in row]
    for panel, (setting, by_strategy) in zip(places, runs.items(), strict=False):
        _draw(panel, by_strategy, palette)
        panel.set_title(titles.get(setting, setting), fontsize=7.5, loc="left", pad=3)
    for panel in places[len(runs) :]:
        panel.set_axis_off()
    _legend(figure, names, palette)
    drawing.save(
        figure,
        path,
        f"rollouts generated, from 0 to the budget;  upwards: gain over {REFERENCE} in held-out "
        "solve rate on the same seed, mean over seeds; oracles may run off the scale",
    )


def _draw(panel: Any, by_strategy: dict[str, list[CellResult]], palette: Mapping[str, str]) -> None:
    grid = np.linspace(0, figures.budget(by_strategy), drawing.GRID_POINTS)
    drawing.baseline(panel, 0)
    means = {name: curves.mean(axis=0) for name, curves in figures.gains(by_strategy, grid).items()}
    for name, mean_X in means.items():
        line = panel.plot(grid, mean_X, color=palette[name], lw=_weight(name))[0]
        drawing.dash(line, name)
    panel.set_ylim(_limits([mean_X for name, mean_X in means.items() if not is_oracle(name)]))
    panel.set_xticks([])
    panel.locator_params(axis="y", nbins=4)
    panel.tick_params(labelsize=6, length=0, pad=1)


def _limits(curves: list[Floats]) -> tuple[float, float]:
    """The vertical scale that shows these curves and 0, with room for more."""
    heights = np.concatenate([np.zeros(1), *curves])
    low, high = float(heights.min()), float(heights.max())
    room = max(_ROOM * (high - low), (_LEAST_SPAN - (high - low)) / 2)
    return low - room, high + room


def _place_in_roster(name: str) -> int:
    return list(STRATEGIES).index(name) if name in STRATEGIES else len(STRATEGIES)


def _weight(name: str) -> float:
    return 1.8 if name == "bots" else 1.0


def _legend(figure: Any, names: list[str], palette: Mapping[str, str]) -> None:
    """Above all panels, in rows of equal length."""
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], color=palette[name], lw=_weight(name) + 0.4) for name in names]
    for line, name in zip(lines, names, strict=True):
        drawing.dash(line, name)
    figure.legend(
        lines,
        [drawing.short(name) for name in names],
        loc="outside upper left",
        ncols=min(len(names), _LEGEND_COLUMNS),
        fontsize=8,
        frameon=False,
    )

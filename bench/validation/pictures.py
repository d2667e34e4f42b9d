"""Predicted against real, in two pictures. Matplotlib is imported where it is used."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench import drawing
from bench.metrics import Floats
from bench.stats import Estimate
from bench.strategies import REFERENCE
from bench.validation.outcomes import WINDOWS, Outcomes
from bench.validation.result import Validation

_ROOM = 0.12  # beside the outermost points, of their span
_LINE = 0.05  # height of a name, of the panel's
_FAR_RIGHT = 0.85  # of a panel's width, from where names stand left of their points
_HEIGHT, _WIDTH, _COLUMNS = 3.5, 3.7, 4
_TITLE = 40  # letters in a line of a title


def gain_scatter(validations: Sequence[Validation], path: Path) -> None:
    """Predicted against real gain over shuffle: the first and the last mechanism, by setting."""
    shown = sorted({0, len(validations[0].fits) - 1})
    figure, panels = drawing.panels(len(shown), len(validations), height=_HEIGHT, width=_WIDTH)
    colours = _colours(validations)
    for column, one in enumerate(validations):
        for row, place in enumerate(shown):
            panel = panels[row][column]
            _scatter(panel, one.real, one.predicted[place], colours)
            panel.set_title(_title(one.setting, one.mechanisms[place]), fontsize=8.5)
        panels[0][column].set_ylabel("predicted" if column == 0 else "")
    drawing.save(
        figure,
        path,
        f"real gain over {REFERENCE}, upwards the predicted one, both in units of what {REFERENCE} "
        "learns; 95 % bootstrap intervals over seeds; on the line, prediction is right",
    )


def etr_paths(validations: Sequence[Validation], path: Path) -> None:
    """Share of informative groups, real (solid) and predicted by the last mechanism (dashed)."""
    places = [place for one in validations for place in _places(one)]
    figure, panels = drawing.panels(len(places) // _COLUMNS, _COLUMNS, height=1.9, width=2.5)
    colours, x = _colours(validations), (np.arange(WINDOWS) + 0.5) / WINDOWS
    for panel, place in zip(panels.flat, places, strict=True):
        if place is None:
            panel.set_axis_off()
        else:
            _paths(panel, *place, x, colours[place[1]])
    drawing.save(
        figure,
        path,
        "share of the budget spent; upwards: share of informative groups, real (solid) and "
        f"predicted by {validations[0].mechanisms[-1]} (dashed), means over seeds",
    )


def _title(setting: str, mechanism: str) -> str:
    """In lines of at most 40 letters, broken at the plus signs."""
    lines = [f"{setting}: "]
    for part in mechanism.replace("+", "+ ").split():
        if len(lines[-1] + part) > _TITLE:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def _places(one: Validation) -> list[tuple[Validation, str] | None]:
    """A setting's panels, row by row, and None for what is left of its last row."""
    names = one.real.strategies
    return [*((one, name) for name in names), *[None] * (-len(names) % _COLUMNS)]


def _colours(validations: Sequence[Validation]) -> dict[str, str]:
    return drawing.palette(name for one in validations for name in one.real.strategies)


def _scatter(panel: Any, real: Outcomes, predicted: Outcomes, colours: Mapping[str, str]) -> None:
    pairs = {
        name: (real.relative(p), predicted.relative(p))
        for p, name in enumerate(real.strategies)
        if name != REFERENCE
    }
    low, high = _limits([one for pair in pairs.values() for one in pair])
    panel.set(xlim=(low, high), ylim=(low, high))
    panel.plot([low, high], [low, high], color=drawing.MUTED, lw=1)
    for line in (panel.axhline, panel.axvline):
        line(0, color=drawing.COLOURS[REFERENCE], lw=0.8, dashes=drawing.DASHES[REFERENCE])
    for name, pair in pairs.items():
        _point(panel, *pair, colours[name])
    _names(panel, {name: (x.value, y.value) for name, (x, y) in pairs.items()}, colours)


def _limits(estimates: Sequence[Estimate]) -> tuple[float, float]:
    """What holds all intervals and 0, with room beside them."""
    ends = np.array([0.0, *(end for e in estimates for end in (e.value, e.low, e.high))])
    room = max(_ROOM * (np.nanmax(ends) - np.nanmin(ends)), 1e-3)
    return float(np.nanmin(ends) - room), float(np.nanmax(ends) + room)


def _names(
    panel: Any, points: Mapping[str, tuple[float, float]], colours: Mapping[str, str]
) -> None:
    """Beside the points, moved up or down where they would overlap."""
    low, high = panel.get_ylim()
    ordered = sorted(points, key=lambda name: points[name][1])
    heights = drawing.spread([points[name][1] for name in ordered], _LINE * (high - low))
    for name, height in zip(ordered, heights, strict=True):
        right = points[name][0] < low + _FAR_RIGHT * (high - low)
        panel.annotate(
            drawing.short(name),
            (points[name][0], height),
            xytext=(7 if right else -7, 5),
            textcoords="offset points",
            ha="left" if right else "right",
            va="center",
            color=colours[name],
            fontsize=7.5,
            weight="bold" if name == "bots" else "normal",
            bbox={"boxstyle": "square,pad=0.05", "fc": "white", "ec": "none", "alpha": 0.7},
        )


def _point(panel: Any, x: Estimate, y: Estimate, colour: str) -> None:
    panel.plot(x.value, y.value, "o", ms=4.5, color=colour, zorder=4)
    if not np.isnan(x.low):
        panel.plot([x.low, x.high], [y.value] * 2, color=colour, lw=1.2)
    if not np.isnan(y.low):
        panel.plot([x.value] * 2, [y.low, y.high], color=colour, lw=1.2)


def _paths(panel: Any, one: Validation, name: str, x: Floats, colour: str) -> None:
    p = one.real.strategies.index(name)
    panel.plot(x, one.real.etr_PW()[p], color=colour, lw=1.8)
    panel.plot(x, one.predicted[-1].etr_PW()[p], color=colour, lw=1.8, dashes=(3, 1.5))
    panel.set(xlim=(0, 1), ylim=(0, 1))
    panel.set_title(f"{one.setting}: {drawing.short(name)}", fontsize=8)
    panel.tick_params(labelsize=7)

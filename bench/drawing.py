"""Colours, panels, lines and labels that all pictures share. Matplotlib is imported where used."""

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.metrics import Floats
from bench.strategies import REFERENCE

INK, MUTED, _GRID = "#1f2430", "#6b7280", "#e5e7eb"
COLOURS = {
    "shuffle": "#374151",
    "uniform": "#8a8f98",
    "easy-to-hard": "#a16207",
    "mopps": "#1d4ed8",
    "dapo": "#047857",
    "dapo-refill": "#10b981",
    "bots": "#dc2626",
    "bots-explicit": "#64748b",
    "bots-mopps": "#38bdf8",
    "bots-dots": "#a855f7",
    "bots-greedy": "#ea7317",
    "oracle-target": "#6b6b47",
    "oracle-gain": "#111827",
}
_SPARE = ("#0e7490", "#be185d", "#4d7c0f", "#7c2d12", "#6d28d9", "#0f766e", "#b45309", "#9f1239")
DASHES = {"shuffle": (4, 2), "uniform": (1, 1.5), "oracle-target": (2, 1), "oracle-gain": (2, 1)}
_SPARE_DASHES = (5, 1, 1, 1)
BANDED = (REFERENCE, "bots")
_RESAMPLES = 2_000
GRID_POINTS = 60
_LEAST_WIDTH = 7.4
_STYLE: Any = {
    "axes.titleweight": "bold",
    "axes.edgecolor": _GRID,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "grid.color": _GRID,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "text.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def panels(
    rows: int, columns: int, height: float = 3.2, width: float = 4.4, font_size: float = 9.0
) -> Any:
    """A figure and its rows x columns of panels, each of that height and width in inches."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    sizes = {"font.size": font_size, "axes.titlesize": font_size * 11 / 9}
    matplotlib.rcParams.update(_STYLE | sizes)
    size = (max(width * columns, _LEAST_WIDTH), height * rows)
    return plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")


def save(figure: Any, path: Path, xlabel: str) -> None:
    """Writes the figure, with a label below all panels, and forgets it."""
    import matplotlib.pyplot as plt

    characters = int(figure.get_figwidth() * 13)
    figure.supxlabel(textwrap.fill(xlabel, characters), fontsize="medium", color=INK)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def short(name: str, longest: int = 24) -> str:
    """A name as a label: without the module of an imported strategy, and not too long."""
    _, colon, rest = name.partition(":")
    label = rest if colon and "=" not in rest.split(":")[0] else name
    return label if len(label) <= longest else label[: longest - 1] + "…"


def palette(strategies: Iterable[str]) -> dict[str, str]:
    """A colour per strategy; known ones have the same in every picture."""
    names = list(dict.fromkeys(strategies))
    spare = iter(_SPARE * (len(names) // len(_SPARE) + 1))
    return {name: COLOURS.get(name) or next(spare) for name in names}


def draw_curves(
    panel: Any,
    x: Floats,
    curves: dict[str, Floats],
    palette: dict[str, str],
    banded: Sequence[str] | None = None,
) -> None:
    """The mean of each strategy's curves (shape (S, X)), with 95 % bootstrap bands."""
    ends = {}
    for name, curves_SX in curves.items():
        seeds, mean_X, colour = len(curves_SX), curves_SX.mean(axis=0), palette[name]
        if banded is None or name in banded:
            rng = np.random.default_rng(0)
            weights = rng.multinomial(seeds, np.full(seeds, 1 / seeds), _RESAMPLES) / seeds
            low_X, high_X = np.quantile(weights @ curves_SX, [0.025, 0.975], axis=0)
            panel.fill_between(x, low_X, high_X, color=colour, alpha=0.13, lw=0)
        main = name == "bots"
        line = panel.plot(x, mean_X, color=colour, lw=2.4 if main else 1.3, zorder=3 + main)[0]
        dash(line, name)
        ends[name] = float(x[-1]), float(mean_X[-1])
    label_ends(panel, ends, palette)


def baseline(panel: Any, height: float) -> None:
    """A thin line at the reference's place."""
    panel.axhline(height, color=COLOURS[REFERENCE], lw=1, dashes=DASHES[REFERENCE])


def dash(line: Any, name: str) -> None:
    """Dashes the line of a strategy that does not have a colour to itself."""
    if name not in COLOURS or name in DASHES:
        line.set_dashes(DASHES.get(name, _SPARE_DASHES))


def label_ends(panel: Any, ends: dict[str, tuple[float, float]], palette: dict[str, str]) -> None:
    """Writes each name beside the end of its line, as near as the others allow, with a leader."""
    (left, right), (low, high) = panel.get_xlim(), panel.get_ylim()
    ordered = sorted(ends, key=lambda name: ends[name][1])
    places = spread([ends[name][1] for name in ordered], 0.052 * (high - low))
    for place, name in zip(places, ordered, strict=True):
        end, height = ends[name]
        panel.plot(
            [end, right + 0.03 * (right - left)],
            [height, place],
            color=palette[name],
            lw=0.5,
            clip_on=False,
            scalex=False,
            scaley=False,
        )
        panel.text(
            right + 0.035 * (right - left),
            place,
            short(name),
            color=palette[name],
            fontsize="small",
            va="center",
            weight="bold" if name == "bots" else "normal",
        )


def spread(ends: Sequence[float], gap: float) -> list[float]:
    """The nearest places, in the least-squares sense, that keep order and `gap`.

    Pool adjacent violators: labels that would overlap form a block centred on its line ends.
    """
    blocks: list[tuple[float, int]] = []
    for i, end in enumerate(ends):
        centre, size = end - i * gap, 1
        while blocks and blocks[-1][0] > centre:
            other, count = blocks.pop()
            centre = (centre * size + other * count) / (size + count)
            size += count
        blocks.append((centre, size))
    levels = [centre for centre, size in blocks for _ in range(size)]
    return [level + i * gap for i, level in enumerate(levels)]

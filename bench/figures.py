"""Pictures of results. Matplotlib is imported where it is used."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.cell import DIFFICULTY_BINS
from bench.metrics import Floats
from bench.store import CellResult
from bench.strategies import REFERENCE, is_oracle
from bench.summary import FRACTIONS_TTB, Row

_INK, _MUTED, _GRID = "#1f2430", "#6b7280", "#e5e7eb"
_COLOURS = {
    "shuffle": "#4b5563",
    "uniform": "#9ca3af",
    "easy-to-hard": "#b8860b",
    "mopps": "#0072b2",
    "dapo": "#009e73",
    "bots": "#d1495b",
    "bots-explicit": "#7b9acc",
    "bots-mopps": "#56b4e9",
    "bots-dots": "#c77cff",
    "bots-greedy": "#e07b39",
    "oracle-target": "#a3a38c",
    "oracle-gain": "#111827",
}
_SPARE = ("#8c564b", "#17becf", "#bcbd22", "#e377c2", "#2ca02c", "#1f77b4", "#9467bd", "#ff7f0e")
_DASHES = {"shuffle": (4, 2), "uniform": (1, 1.5), "oracle-target": (2, 1), "oracle-gain": (2, 1)}
_RESAMPLES = 2_000
_GRID_POINTS = 60
_FOREST = (0.2, 2.6)
_STYLE: Any = {
    "font.size": 9,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.edgecolor": _GRID,
    "axes.labelcolor": _INK,
    "axes.grid": True,
    "grid.color": _GRID,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "text.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}

Runs = dict[str, dict[str, list[CellResult]]]


def group(results: Sequence[CellResult], order: Sequence[str]) -> Runs:
    """Results by setting and strategy, strategies in the given order, seeds ascending."""
    runs: Runs = {}
    for result in results:
        by_strategy = runs.setdefault(result.cell.setting, {name: [] for name in order})
        by_strategy[result.cell.strategy].append(result)
    return {s: {k: v for k, v in by.items() if v} for s, by in runs.items()}


def learning_curves(runs: Runs, path: Path) -> None:
    """Held-out solve rate against rollouts: as it is, and relative to the reference's, paired."""
    shown = {setting: by_strategy for setting, by_strategy in runs.items() if learns(by_strategy)}
    figure, axes = _panels(2, max(len(shown), 1))
    for column, (setting, by_strategy) in enumerate(shown.items()):
        grid = np.linspace(0, _budget(by_strategy), _GRID_POINTS)
        reference = {run.cell.seed: _on_grid(run, grid) for run in by_strategy.get(REFERENCE, [])}
        absolute, relative = {}, {}
        for name, seeds in by_strategy.items():
            absolute[name] = np.array([_on_grid(run, grid) for run in seeds])
            paired = [
                _on_grid(run, grid) - reference[run.cell.seed]
                for run in seeds
                if run.cell.seed in reference and name != REFERENCE
            ]
            if paired:
                relative[name] = np.array(paired)
        _curves(axes[0][column], grid, absolute)
        _curves(axes[1][column], grid, relative)
        axes[0][column].set_title(setting)
        axes[1][column].axhline(0, color=_COLOURS[REFERENCE], lw=1, dashes=_DASHES[REFERENCE])
        for panel in (axes[0][column], axes[1][column]):
            panel.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:,.0f}")
    axes[0][0].set_ylabel("held-out solve rate")
    axes[1][0].set_ylabel(f"gain over {REFERENCE}, same seed")
    _save(figure, path, "rollouts generated (thousands)")


def informative_share(runs: Runs, path: Path) -> None:
    """Share of generated groups that hold both successes and failures (ETR), over the run."""
    figure, axes = _panels(1, len(runs))
    for panel, (setting, by_strategy) in zip(axes[0], runs.items(), strict=True):
        length = _length(by_strategy)
        shares = {
            name: np.array([_smooth(run.columns["informative"][1:length]) for run in seeds])
            for name, seeds in by_strategy.items()
        }
        panel.set(title=setting, ylim=(0, 1.03))
        _curves(panel, np.arange(1.0, length), shares)
    axes[0][0].set_ylabel("informative groups (ETR)")
    _save(figure, path, "training step")


def time_to_best(rows: Sequence[Row], path: Path, axis: str = "rollouts") -> None:
    """Forest plot of TTB: cost to reach shares of the reference's best gain, against its own."""
    shown = [row for row in rows if not np.isnan(row.figures[f"ttb50_{axis}"].value)]
    settings = list(dict.fromkeys(row.setting for row in shown))
    names = [name for name in dict.fromkeys(row.strategy for row in rows) if name != REFERENCE]
    figure, axes = _panels(1, max(len(settings), 1), height=0.42 * len(names) + 1.1)
    palette = _palette([row.strategy for row in rows])
    for panel, setting in zip(axes[0], settings, strict=False):
        panel.axvline(1, color=_COLOURS[REFERENCE], lw=1, dashes=_DASHES[REFERENCE])
        panel.set(title=setting, xlim=_FOREST, ylim=(0.4, len(names) + 0.6), xscale="log")
        for row in shown:
            if row.setting == setting and row.strategy != REFERENCE:
                place = len(names) - names.index(row.strategy)
                _forest_row(panel, row, place, palette[row.strategy], axis)
        panel.set_xticks([0.25, 0.5, 0.75, 1, 1.5, 2], ["¼", "½", "¾", "1", "1½", "2"])
        panel.minorticks_off()
        panel.set_yticks(range(1, len(names) + 1), reversed(names) if panel is axes[0][0] else [])
    _save(
        figure,
        path,
        f"{axis} to reach 50 % (light), 75 % and 100 % (dark) of {REFERENCE}'s best gain, "
        f"as a multiple of its own;  ▷ not reached",
    )


def difficulty(runs: Runs, path: Path) -> None:
    """Heat strips: the true solve rates of the tasks trained on, over the run."""
    names = list(dict.fromkeys(name for by_strategy in runs.values() for name in by_strategy))
    figure, axes = _panels(len(names), len(runs), height=0.72, width=3.6)
    for column, (setting, by_strategy) in enumerate(runs.items()):
        for row, name in enumerate(names):
            panel = axes[row][column]
            panel.grid(visible=False)
            if name in by_strategy:
                _strip(panel, by_strategy[name], _length(by_strategy))
            panel.set_yticks([0, DIFFICULTY_BINS], ["0", "1"] if column == 0 else [])
            panel.tick_params(length=0, labelbottom=row == len(names) - 1)
            if column == 0:
                panel.set_ylabel(name, rotation=0, ha="right", va="center")
        axes[0][column].set_title(setting)
    _save(
        figure,
        path,
        "training step;  upwards: true solve rate of the tasks trained on;  "
        "darker: more of the batch",
    )


def calibration(runs: Runs, path: Path) -> None:
    """Reliability at the end of the run: what the strategy believes against what is true."""
    figure, axes = _panels(1, len(runs), height=3.6, width=3.6)
    for panel, (setting, by_strategy) in zip(axes[0], runs.items(), strict=True):
        panel.set(title=setting, xlim=(0, 1), ylim=(0, 1), aspect="equal")
        panel.plot([0, 1], [0, 1], color=_MUTED, lw=1)
        palette, ends = _palette(by_strategy), {}
        for name, seeds in by_strategy.items():
            tables = [run.extra["reliability"] for run in seeds if "reliability" in run.extra]
            if tables and not is_oracle(name):
                ends[name] = _reliability(panel, tables, name, palette[name])
        _label_ends(panel, 1.0, ends, palette)
    axes[0][0].set_ylabel("mean true solve rate")
    _save(
        figure,
        path,
        "predicted solve rate of all pool tasks at the end;  area of a dot: share of the pool",
    )


def learns(by_strategy: dict[str, list[CellResult]]) -> bool:
    """Whether the held-out solve rate moves at all."""
    return any(np.ptp(run.columns["heldout"]) > 0 for runs in by_strategy.values() for run in runs)


def _panels(rows: int, columns: int, height: float = 3.2, width: float = 4.4) -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams.update(_STYLE)
    size = (width * columns, height * rows)
    return plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")


def _save(figure: Any, path: Path, xlabel: str) -> None:
    import matplotlib.pyplot as plt

    figure.supxlabel(xlabel, fontsize=9, color=_INK)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _palette(strategies: Iterable[str]) -> dict[str, str]:
    """A colour per strategy; known ones have the same in every picture."""
    names = list(dict.fromkeys(strategies))
    spare = iter(_SPARE * (len(names) // len(_SPARE) + 1))
    return {name: _COLOURS.get(name) or next(spare) for name in names}


def _budget(by_strategy: dict[str, list[CellResult]]) -> float:
    """Rollouts of the reference's run, or of the cheapest strategy without one."""
    runs = by_strategy.get(REFERENCE) or [run for seeds in by_strategy.values() for run in seeds]
    return min(float(run.columns["rollouts_generated"][-1]) for run in runs)


def _length(by_strategy: dict[str, list[CellResult]]) -> int:
    """Rows that all runs have."""
    return min(run.columns["step"].size for seeds in by_strategy.values() for run in seeds)


def _on_grid(run: CellResult, grid: Floats) -> Floats:
    return np.interp(grid, run.columns["rollouts_generated"], run.columns["heldout"])


def _curves(panel: Any, x: Floats, curves: dict[str, Floats]) -> None:
    """Draws the mean of each strategy's curves (shape (S, X)) with its 95 % bootstrap band."""
    palette, ends = _palette(curves), {}
    for name, curves_SX in curves.items():
        seeds, mean_X = len(curves_SX), curves_SX.mean(axis=0)
        weights = np.random.default_rng(0).multinomial(seeds, np.full(seeds, 1 / seeds), _RESAMPLES)
        low_X, high_X = np.quantile(weights @ curves_SX / seeds, [0.025, 0.975], axis=0)
        panel.fill_between(x, low_X, high_X, color=palette[name], alpha=0.12, lw=0)
        main = name == "bots"
        line = panel.plot(x, mean_X, color=palette[name], lw=2.4 if main else 1.3, zorder=3 + main)
        if name in _DASHES:
            line[0].set_dashes(_DASHES[name])
        ends[name] = float(mean_X[-1])
    _label_ends(panel, float(x[-1]), ends, palette)


def _label_ends(panel: Any, x: float, ends: dict[str, float], palette: dict[str, str]) -> None:
    """Writes each name beside the end of its line, pushed apart where lines end together."""
    low, high = panel.get_ylim()
    gap = (high - low) * 0.052
    ordered = sorted(ends, key=ends.__getitem__)
    places: list[float] = []
    for name in ordered:
        places.append(max(ends[name], places[-1] + gap) if places else ends[name])
    ceiling = high
    for i in reversed(range(len(places))):
        places[i] = min(places[i], ceiling)
        ceiling = places[i] - gap
    for place, name in zip(places, ordered, strict=True):
        panel.annotate(
            name,
            (x, place),
            xytext=(4, 0),
            textcoords="offset points",
            color=palette[name],
            fontsize=7.5,
            va="center",
            weight="bold" if name == "bots" else "normal",
            annotation_clip=False,
        )


def _smooth(shares: Floats, width: int = 9) -> Floats:
    """Centred moving average; the ends average what there is."""
    kernel = np.ones(min(width, shares.size))
    return np.convolve(shares, kernel, "same") / np.convolve(np.ones(shares.size), kernel, "same")


def _forest_row(panel: Any, row: Row, place: float, colour: str, axis: str) -> None:
    edge = _FOREST[1] * 0.97
    for i, percent in enumerate(FRACTIONS_TTB):
        estimate = row.figures[f"ttb{percent}_{axis}"]
        height, alpha = place + 0.22 * (1 - i), (0.4, 0.7, 1.0)[i]
        if np.isfinite(estimate.low):
            ends = [estimate.low, min(estimate.high, edge)]
            panel.plot(ends, [height, height], lw=1.6, color=colour, alpha=alpha)
        reached = estimate.value < edge
        panel.plot(
            min(estimate.value, edge),
            height,
            "o" if reached else ">",
            ms=4.5,
            color=colour,
            mfc=colour if reached else "white",
            alpha=alpha,
        )


def _strip(panel: Any, seeds: list[CellResult], length: int) -> None:
    counts = np.sum([run.columns["difficulty"][1:length] for run in seeds], axis=0).T
    shares = counts / np.maximum(counts.sum(axis=0), 1)
    panel.imshow(
        [_smooth(row) for row in shares],
        origin="lower",
        aspect="auto",
        cmap="BuPu",
        vmin=0,
        vmax=0.5,
        extent=(1, length, 0, DIFFICULTY_BINS),
        interpolation="nearest",
    )


def _reliability(panel: Any, tables: list[dict[str, Any]], name: str, colour: str) -> float:
    tasks = np.sum([table["tasks"] for table in tables], axis=0)
    seen = tasks > 0
    sums = {
        side: np.sum([np.multiply(t[side], t["tasks"]) for t in tables], axis=0)[seen]
        for side in ("predicted", "true")
    }
    x, y = sums["predicted"] / tasks[seen], sums["true"] / tasks[seen]
    panel.plot(x, y, color=colour, lw=2.2 if name == "bots" else 1.2)
    panel.scatter(x, y, s=160 * tasks[seen] / tasks.sum() + 3, color=colour, alpha=0.8, lw=0)
    return float(y[-1])

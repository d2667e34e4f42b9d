"""Pictures of results. Matplotlib is imported where it is used."""

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.metrics import Floats, costs, evaluated
from bench.recorder import DIFFICULTY_BINS
from bench.store import CellResult
from bench.strategies import REFERENCE, is_oracle
from bench.summary import FRACTIONS_TTB, Row

_INK, _MUTED, _GRID = "#1f2430", "#6b7280", "#e5e7eb"
_COLOURS = {
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
_DASHES = {"shuffle": (4, 2), "uniform": (1, 1.5), "oracle-target": (2, 1), "oracle-gain": (2, 1)}
_SPARE_DASHES = (5, 1, 1, 1)
_BANDED = (REFERENCE, "bots")
_RESAMPLES = 2_000
_GRID_POINTS = 60
_FOREST = (0.2, 2.6)
_LEAST_WIDTH = 7.4
_RARE = 0.005
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
    figure, axes = _panels(2, len(runs))
    for column, (setting, by_strategy) in enumerate(runs.items()):
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
        palette = _palette(by_strategy)
        _curves(axes[0][column], grid, absolute, palette, banded=_BANDED)
        axes[1][column].axhline(0, color=_COLOURS[REFERENCE], lw=1, dashes=_DASHES[REFERENCE])
        _curves(axes[1][column], grid, relative, palette)
        axes[0][column].set_title(setting)
        for panel in (axes[0][column], axes[1][column]):
            panel.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:,.0f}")
    axes[0][0].set_ylabel("held-out solve rate")
    axes[1][0].set_ylabel(f"gain over {REFERENCE}, same seed")
    _save(figure, path, "rollouts generated (thousands)")


def learning_by_axis(runs: Runs, path: Path) -> None:
    """Held-out solve rate, and below it that of the pool, against steps, rollouts and seconds."""
    axes_shown = ("steps", "rollouts", "seconds")
    figure, axes = _panels(2 * len(runs), len(axes_shown))
    for row, (setting, by_strategy) in enumerate(runs.items()):
        palette = _palette(by_strategy)
        for column, axis in enumerate(axes_shown):
            longest = _longest(by_strategy, axis)
            grid = np.linspace(0, longest, _GRID_POINTS)
            heldout = {
                name: np.array([_on_grid(run, grid, axis) for run in seeds])
                for name, seeds in by_strategy.items()
            }
            pool = {
                name: np.array([_pool_on_grid(run, grid, axis) for run in seeds])
                for name, seeds in by_strategy.items()
            }
            upper, lower = axes[2 * row][column], axes[2 * row + 1][column]
            _curves(upper, grid, heldout, palette, banded=_BANDED)
            _curves(lower, grid, pool, palette, banded=_BANDED)
            upper.set_title(setting)
            lower.set_xlabel(axis)
        axes[2 * row][0].set_ylabel("held-out solve rate")
        axes[2 * row + 1][0].set_ylabel("solve rate of the pool")
    _save(figure, path, "mean over seeds, with 95 % bootstrap bands of shuffle and BOTS")


def timed(by_strategy: dict[str, list[CellResult]]) -> bool:
    """Whether the seconds of these runs mean anything, and their pool's solve rate is known."""
    runs = [run for seeds in by_strategy.values() for run in seeds]
    return all(
        "seconds" in run.config.get("axes", ()) and np.isfinite(run.columns["pool"]).any()
        for run in runs
    )


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
        _curves(panel, np.arange(1.0, length), shares, _palette(by_strategy))
    axes[0][0].set_ylabel("informative groups (ETR)")
    _save(figure, path, "training step")


def time_to_best(rows: Sequence[Row], path: Path, axis: str = "rollouts") -> None:
    """Forest plot of TTB: cost to reach shares of the reference's best gain, against its own."""
    settings = list(dict.fromkeys(row.setting for row in rows))
    names = [name for name in dict.fromkeys(row.strategy for row in rows) if name != REFERENCE]
    figure, axes = _panels(1, len(settings), height=0.42 * len(names) + 1.3)
    palette = _palette(row.strategy for row in rows)
    for panel, setting in zip(axes[0], settings, strict=True):
        panel.axvline(1, color=_COLOURS[REFERENCE], lw=1, dashes=_DASHES[REFERENCE])
        panel.set(title=setting, xlim=_FOREST, ylim=(0.4, len(names) + 0.6), xscale="log")
        for row in rows:
            if row.setting == setting and row.strategy != REFERENCE:
                place = len(names) - names.index(row.strategy)
                _forest_row(panel, row, place, palette[row.strategy], axis)
        panel.set_xticks([0.25, 0.5, 0.75, 1, 1.5, 2], ["¼", "½", "¾", "1", "1½", "2"])
        panel.minorticks_off()
        labels = [_short(name) for name in reversed(names)]
        panel.set_yticks(range(1, len(names) + 1), labels if panel is axes[0][0] else [])
    _save(
        figure,
        path,
        f"{axis} to reach 50 % (pale), 75 % and 100 % (full colour) of {REFERENCE}'s best gain, as "
        f"a multiple of its own, logarithmic.  ◁ ▷ off scale;  hollow ▷ not reached",
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
                strip = _strip(panel, by_strategy[name], _length(by_strategy))
                if row == column == 0:
                    figure.colorbar(
                        strip, ax=axes, label="share of the batch", extend="max", shrink=0.5
                    )
            panel.set_yticks([0, DIFFICULTY_BINS], ["0", "1"] if column == 0 else [])
            panel.tick_params(length=0, labelbottom=row == len(names) - 1)
            if column == 0:
                panel.set_ylabel(_short(name), rotation=0, ha="right", va="center")
        axes[0][column].set_title(setting)
    _save(figure, path, "training step;  upwards: true solve rate of the tasks trained on")


def calibration(runs: Runs, path: Path) -> None:
    """Reliability at the end of the run: what the strategy believes against what is true."""
    figure, axes = _panels(1, len(runs), height=3.6, width=3.6)
    for panel, (setting, by_strategy) in zip(axes[0], runs.items(), strict=True):
        panel.set(title=setting, xlim=(0, 1), ylim=(0, 1), aspect="equal")
        panel.plot([0, 1], [0, 1], color=_MUTED, lw=1)
        palette, ends = _palette(by_strategy), {}
        for name in believers(by_strategy):
            tables = [run.extra["reliability"] for run in by_strategy[name]]
            ends[name] = _reliability(panel, tables, name, palette[name])
        _label_ends(panel, ends, palette)
    axes[0][0].set_ylabel("mean true solve rate")
    _save(
        figure,
        path,
        "predicted solve rate of all pool tasks at the end;  area of a dot: share of the pool, "
        "bins below half a percent left out",
    )


def learns(by_strategy: dict[str, list[CellResult]]) -> bool:
    """Whether the held-out solve rate moves at all."""
    return any(
        np.ptp(evaluated(run.columns, "steps")[1]) > 0
        for runs in by_strategy.values()
        for run in runs
    )


def believers(by_strategy: dict[str, list[CellResult]]) -> list[str]:
    """The strategies whose beliefs can be drawn, oracles left out."""
    return [
        name
        for name, runs in by_strategy.items()
        if not is_oracle(name) and all("reliability" in run.extra for run in runs)
    ]


def _panels(rows: int, columns: int, height: float = 3.2, width: float = 4.4) -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams.update(_STYLE)
    size = (max(width * columns, _LEAST_WIDTH), height * rows)
    return plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")


def _save(figure: Any, path: Path, xlabel: str) -> None:
    import matplotlib.pyplot as plt

    characters = int(figure.get_figwidth() * 13)
    figure.supxlabel(textwrap.fill(xlabel, characters), fontsize=9, color=_INK)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _short(name: str, longest: int = 24) -> str:
    """A name as a label: without the module of an imported strategy, and not too long."""
    _, colon, rest = name.partition(":")
    label = rest if colon and "=" not in rest.split(":")[0] else name
    return label if len(label) <= longest else label[: longest - 1] + "…"


def _palette(strategies: Iterable[str]) -> dict[str, str]:
    """A colour per strategy; known ones have the same in every picture."""
    names = list(dict.fromkeys(strategies))
    spare = iter(_SPARE * (len(names) // len(_SPARE) + 1))
    return {name: _COLOURS.get(name) or next(spare) for name in names}


def _longest(by_strategy: dict[str, list[CellResult]], axis: str) -> float:
    """The cost that the reference, or else the first strategy, pays for the setting's steps."""
    runs = by_strategy.get(REFERENCE) or next(iter(by_strategy.values()))
    return float(np.mean([costs(run.columns, axis)[run.config["steps"]] for run in runs]))


def _pool_on_grid(run: CellResult, grid: Floats, axis: str) -> Floats:
    seen = np.isfinite(run.columns["pool"])
    return np.interp(grid, costs(run.columns, axis)[seen], run.columns["pool"][seen])


def _budget(by_strategy: dict[str, list[CellResult]]) -> float:
    """Rollouts at which strategies are compared."""
    config = next(iter(by_strategy.values()))[0].config
    return float(config["steps"] * config["batch_size"] * config["group_size"])


def _length(by_strategy: dict[str, list[CellResult]]) -> int:
    """Rows up to the last step of the budget."""
    runs = [run for seeds in by_strategy.values() for run in seeds]
    return 1 + min(runs[0].config["steps"], *(run.columns["step"].size - 1 for run in runs))


def _on_grid(run: CellResult, grid: Floats, axis: str = "rollouts") -> Floats:
    return np.interp(grid, *evaluated(run.columns, axis))


def _curves(
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
        if name not in _COLOURS or name in _DASHES:
            line.set_dashes(_DASHES.get(name, _SPARE_DASHES))
        ends[name] = float(x[-1]), float(mean_X[-1])
    _label_ends(panel, ends, palette)


def _label_ends(panel: Any, ends: dict[str, tuple[float, float]], palette: dict[str, str]) -> None:
    """Writes each name beside the end of its line, as near as the others allow, with a leader."""
    (left, right), (low, high) = panel.get_xlim(), panel.get_ylim()
    ordered = sorted(ends, key=lambda name: ends[name][1])
    places = _spread([ends[name][1] for name in ordered], 0.052 * (high - low))
    for place, name in zip(places, ordered, strict=True):
        panel.annotate(
            _short(name),
            ends[name],
            xytext=(right + 0.03 * (right - left), place),
            color=palette[name],
            fontsize=7.5,
            va="center",
            weight="bold" if name == "bots" else "normal",
            annotation_clip=False,
            bbox={"boxstyle": "square,pad=0.05", "fc": "white", "ec": "none", "alpha": 0.85},
            arrowprops={"arrowstyle": "-", "color": palette[name], "lw": 0.5, "shrinkB": 0},
        )


def _spread(ends: Sequence[float], gap: float) -> list[float]:
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


def _smooth(shares: Floats, width: int = 9) -> Floats:
    """Centred moving average; the ends average what there is."""
    kernel = np.ones(min(width, shares.size))
    return np.convolve(shares, kernel, "same") / np.convolve(np.ones(shares.size), kernel, "same")


def _forest_row(panel: Any, row: Row, place: float, colour: str, axis: str) -> None:
    low, high = _FOREST[0] * 1.03, _FOREST[1] * 0.97
    for i, percent in enumerate(FRACTIONS_TTB):
        estimate = row.figures[f"ttb{percent}_{axis}"]
        height, alpha = place + 0.22 * (1 - i), (0.4, 0.7, 1.0)[i]
        if np.isfinite(estimate.high):
            ends = np.clip([estimate.low, estimate.high], low, high)
            panel.plot(ends, [height, height], lw=1.8, color=colour, alpha=alpha)
        x = float(np.clip(estimate.value, low, high))
        marker = "o" if x == estimate.value else "<" if x == low else ">"
        face = colour if np.isfinite(estimate.value) else "white"
        panel.plot(x, height, marker, ms=3.6, color=colour, mfc=face, alpha=alpha)


def _strip(panel: Any, seeds: list[CellResult], length: int) -> Any:
    counts = np.sum([run.columns["difficulty"][1:length] for run in seeds], axis=0).T
    shares = counts / np.maximum(counts.sum(axis=0), 1)
    return panel.imshow(
        [_smooth(row) for row in shares],
        origin="lower",
        aspect="auto",
        cmap="BuPu",
        vmin=0,
        vmax=0.5,
        extent=(1, length, 0, DIFFICULTY_BINS),
        interpolation="nearest",
    )


def _reliability(
    panel: Any, tables: list[dict[str, Any]], name: str, colour: str
) -> tuple[float, float]:
    tasks = np.sum([table["tasks"] for table in tables], axis=0)
    seen = tasks > _RARE * tasks.sum()
    sums = {
        side: np.sum([np.multiply(t[side], t["tasks"]) for t in tables], axis=0)[seen]
        for side in ("predicted", "true")
    }
    x, y = sums["predicted"] / tasks[seen], sums["true"] / tasks[seen]
    panel.plot(x, y, color=colour, lw=2.2 if name == "bots" else 1.2)
    panel.scatter(x, y, s=160 * tasks[seen] / tasks.sum() + 3, color=colour, alpha=0.8, lw=0)
    return float(x[-1]), float(y[-1])

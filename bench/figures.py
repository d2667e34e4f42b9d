"""Pictures of results. Matplotlib is imported where it is used."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench import drawing
from bench.metrics import ALL_AXES, Floats, costs, evaluated
from bench.recorder import DIFFICULTY_BINS
from bench.run_figures import FRACTIONS_TTB, axes
from bench.store import CellResult
from bench.strategies import REFERENCE, is_oracle
from bench.summary import Row

_FOREST = (0.2, 2.6)
_RARE = 0.005

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
    figure, panels = drawing.panels(2, len(runs))
    for column, (setting, by_strategy) in enumerate(runs.items()):
        grid = np.linspace(0, budget(by_strategy), drawing.GRID_POINTS)
        absolute = {
            name: np.array([on_grid(run, grid) for run in seeds])
            for name, seeds in by_strategy.items()
        }
        palette = drawing.palette(by_strategy)
        drawing.draw_curves(panels[0][column], grid, absolute, palette, banded=drawing.BANDED)
        drawing.baseline(panels[1][column], 0)
        drawing.draw_curves(panels[1][column], grid, gains(by_strategy, grid), palette)
        panels[0][column].set_title(setting)
        for panel in (panels[0][column], panels[1][column]):
            panel.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:,.0f}")
    panels[0][0].set_ylabel("held-out solve rate")
    panels[1][0].set_ylabel(f"gain over {REFERENCE}, same seed")
    drawing.save(figure, path, "rollouts generated (thousands)")


def gains(by_strategy: dict[str, list[CellResult]], grid: Floats) -> dict[str, Floats]:
    """By strategy, its paired gains over the reference at these rollouts, shape (S, X)."""
    reference = {run.cell.seed: on_grid(run, grid) for run in by_strategy.get(REFERENCE, [])}
    paired = {
        name: [
            on_grid(run, grid) - reference[run.cell.seed]
            for run in seeds
            if run.cell.seed in reference
        ]
        for name, seeds in by_strategy.items()
        if name != REFERENCE
    }
    return {name: np.array(curves) for name, curves in paired.items() if curves}


def learning_by_axis(runs: Runs, path: Path) -> None:
    """Held-out solve rate, and below it that of the pool, against tokens and seconds."""
    shown = other_axes(runs)
    figure, panels = drawing.panels(2 * len(runs), len(shown))
    for row, (setting, by_strategy) in enumerate(runs.items()):
        palette = drawing.palette(by_strategy)
        for column, axis in enumerate(shown):
            grid = np.linspace(0, _longest(by_strategy, axis), drawing.GRID_POINTS)
            upper, lower = panels[2 * row][column], panels[2 * row + 1][column]
            for panel, curve in ((upper, on_grid), (lower, _pool_on_grid)):
                curves = {
                    name: np.array([curve(run, grid, axis) for run in seeds])
                    for name, seeds in by_strategy.items()
                }
                drawing.draw_curves(panel, grid, curves, palette, banded=drawing.BANDED)
            upper.set_title(setting)
            lower.set_xlabel(axis)
        panels[2 * row][0].set_ylabel("held-out solve rate")
        panels[2 * row + 1][0].set_ylabel("solve rate of the pool")
    drawing.save(figure, path, "mean over seeds, with 95 % bootstrap bands of shuffle and BOTS")


def other_axes(runs: Runs) -> list[str]:
    """The costs that all runs have, besides the rollouts and steps that other pictures show."""
    found = [set(axes(r)) for by in runs.values() for seeds in by.values() for r in seeds]
    shared = [axis for axis in ALL_AXES if all(axis in of_run for of_run in found)]
    return [axis for axis in shared if axis not in ("rollouts", "steps")]


def timed(by_strategy: dict[str, list[CellResult]]) -> bool:
    """Whether the seconds of these runs mean anything, and their pool's solve rate is known."""
    runs = [run for seeds in by_strategy.values() for run in seeds]
    return all("seconds" in axes(run) and np.isfinite(run.columns["pool"]).any() for run in runs)


def informative_share(runs: Runs, path: Path) -> None:
    """Share of generated groups that hold both successes and failures (ETR), over the run."""
    figure, panels = drawing.panels(1, len(runs))
    for panel, (setting, by_strategy) in zip(panels[0], runs.items(), strict=True):
        length = _length(by_strategy)
        shares = {
            name: np.array([_smooth(run.columns["informative"][1:length]) for run in seeds])
            for name, seeds in by_strategy.items()
        }
        panel.set(title=setting, ylim=(0, 1.03))
        drawing.draw_curves(panel, np.arange(1.0, length), shares, drawing.palette(by_strategy))
    panels[0][0].set_ylabel("informative groups (ETR)")
    drawing.save(figure, path, "training step")


def time_to_best(rows: Sequence[Row], path: Path, axis: str = "rollouts") -> None:
    """Forest plot of TTB: cost to reach shares of the reference's best gain, against its own."""
    settings = list(dict.fromkeys(row.setting for row in rows))
    names = [name for name in dict.fromkeys(row.strategy for row in rows) if name != REFERENCE]
    figure, panels = drawing.panels(1, len(settings), height=0.42 * len(names) + 1.3)
    palette = drawing.palette(row.strategy for row in rows)
    for panel, setting in zip(panels[0], settings, strict=True):
        panel.axvline(1, color=drawing.COLOURS[REFERENCE], lw=1, dashes=drawing.DASHES[REFERENCE])
        panel.set(title=setting, xlim=_FOREST, ylim=(0.4, len(names) + 0.6), xscale="log")
        for row in rows:
            if row.setting == setting and row.strategy != REFERENCE:
                place = len(names) - names.index(row.strategy)
                _forest_row(panel, row, place, palette[row.strategy], axis)
        panel.set_xticks([0.25, 0.5, 0.75, 1, 1.5, 2], ["¼", "½", "¾", "1", "1½", "2"])
        panel.minorticks_off()
        labels = [drawing.short(name) for name in reversed(names)]
        panel.set_yticks(range(1, len(names) + 1), labels if panel is panels[0][0] else [])
    drawing.save(
        figure,
        path,
        f"{axis} to reach 50 % (pale), 75 % and 100 % (full colour) of {REFERENCE}'s best gain, as "
        f"a multiple of its own, logarithmic.  ◁ ▷ off scale;  hollow ▷ not reached",
    )


def difficulty(runs: Runs, path: Path) -> None:
    """Heat strips: the true solve rates of the tasks trained on, over the run."""
    names = list(dict.fromkeys(name for by_strategy in runs.values() for name in by_strategy))
    figure, panels = drawing.panels(len(names), len(runs), height=0.72, width=3.6)
    for column, (setting, by_strategy) in enumerate(runs.items()):
        for row, name in enumerate(names):
            panel = panels[row][column]
            panel.grid(visible=False)
            if name in by_strategy:
                strip = _strip(panel, by_strategy[name], _length(by_strategy))
                if row == column == 0:
                    figure.colorbar(
                        strip, ax=panels, label="share of the batch", extend="max", shrink=0.5
                    )
            panel.set_yticks([0, DIFFICULTY_BINS], ["0", "1"] if column == 0 else [])
            panel.tick_params(length=0, labelbottom=row == len(names) - 1)
            if column == 0:
                panel.set_ylabel(drawing.short(name), rotation=0, ha="right", va="center")
        panels[0][column].set_title(setting)
    drawing.save(figure, path, "training step;  upwards: true solve rate of the tasks trained on")


def calibration(runs: Runs, path: Path) -> None:
    """Reliability at the end of the run: what the strategy believes against what is true."""
    figure, panels = drawing.panels(1, len(runs), height=3.6, width=3.6)
    for panel, (setting, by_strategy) in zip(panels[0], runs.items(), strict=True):
        panel.set(title=setting, xlim=(0, 1), ylim=(0, 1), aspect="equal")
        panel.plot([0, 1], [0, 1], color=drawing.MUTED, lw=1)
        palette, ends = drawing.palette(by_strategy), {}
        for name in believers(by_strategy):
            tables = [run.extra["reliability"] for run in by_strategy[name]]
            ends[name] = _reliability(panel, tables, name, palette[name])
        drawing.label_ends(panel, ends, palette)
    panels[0][0].set_ylabel("mean true solve rate")
    drawing.save(
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


def _longest(by_strategy: dict[str, list[CellResult]], axis: str) -> float:
    """The cost that the reference, or else the first strategy, pays for the setting's steps."""
    runs = by_strategy.get(REFERENCE) or next(iter(by_strategy.values()))
    return float(np.mean([costs(run.columns, axis)[run.config["steps"]] for run in runs]))


def _pool_on_grid(run: CellResult, grid: Floats, axis: str) -> Floats:
    seen = np.isfinite(run.columns["pool"])
    return np.interp(grid, costs(run.columns, axis)[seen], run.columns["pool"][seen])


def budget(by_strategy: dict[str, list[CellResult]]) -> float:
    """Rollouts at which strategies are compared."""
    config = next(iter(by_strategy.values()))[0].config
    return float(config["steps"] * config["batch_size"] * config["group_size"])


def _length(by_strategy: dict[str, list[CellResult]]) -> int:
    """Rows up to the last step of the budget."""
    runs = [run for seeds in by_strategy.values() for run in seeds]
    return 1 + min(runs[0].config["steps"], *(run.columns["step"].size - 1 for run in runs))


def on_grid(run: CellResult, grid: Floats, axis: str = "rollouts") -> Floats:
    """Held-out solve rate at these costs, interpolated."""
    return np.interp(grid, *evaluated(run.columns, axis))


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

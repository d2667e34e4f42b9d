"""A saved selector as a picture of four panels. Matplotlib is imported where it is used."""

import os
from typing import Any

import numpy as np

from bots._types import Floats
from bots.inspection.layout import clean
from bots.inspection.summary import BINS, HOPELESS, MASTERED, Summary, chances
from bots.inspection.view import AbstractView

_INK, _MUTED, _GRID = "#1f2430", "#6b7280", "#e5e7eb"
_ALL, _NEXT = "#1d4ed8", "#dc2626"
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
    "legend.frameon": False,
    "figure.constrained_layout.h_pad": 0.09,
    "figure.constrained_layout.w_pad": 0.09,
}
_CELLS = (40, 30)  # of the 2-D histogram
_GROUPS = (2, 4, 8, 16, 32)
_MOST_DOMAINS = 10
_DPI = 110


def draw(view: AbstractView, summary: Summary, path: str | os.PathLike[str]) -> None:
    """Writes a picture of beliefs, their certainty, visits and domains.

    Where the selector does not remember visits, the third panel is a histogram of the chance of an
    informative group; where there is one domain, the fourth shows that chance by group size.

    Raises:
        ValueError: without matplotlib, or for a kind of picture that it does not know.
        OSError: when the file cannot be written.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise ValueError(
            "a picture needs matplotlib, which is not installed: pip install '.[bench]', or leave "
            "the picture out"
        ) from None
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(9.6, 7.2), layout="constrained")
        (rates, certainty), (third, fourth) = figure.subplots(2, 2)
        _rates(rates, summary)
        _certainty(certainty, view, summary, figure)
        if summary.never is None:
            _chances(third, view, summary)
        else:
            _visits(third, summary)
        if len(view.domains_D) > 1:
            _domains(fourth, view, summary)
        else:
            _group_sizes(fourth, view, summary)
        figure.savefig(os.fspath(path), dpi=_DPI)


def _rates(panel: Any, summary: Summary) -> None:
    edges = np.linspace(0, 1, BINS + 1)
    batch_H = np.histogram(summary.batch.rates, edges)[0] / summary.batch.rates.size
    _shares(panel, summary.histogram_H, batch_H, edges, summary)
    panel.axvspan(0, HOPELESS, color=_MUTED, alpha=0.1, lw=0)
    panel.axvspan(MASTERED, 1, color=_MUTED, alpha=0.1, lw=0)
    panel.set(title="Believed solve rates", xlabel="posterior mean")
    whole = summary.whole
    grey = f"grey: hopeless {whole.hopeless:.1%}, mastered {whole.mastered:.1%}"
    _note(panel, f"{grey};  next batch: predicted ETR {summary.expected_ratio:.2f}")


def _shares(panel: Any, all_H: Floats, batch_H: Floats, edges: Floats, summary: Summary) -> None:
    """All tasks as an area, those of the next batch as an outline."""
    tasks, batch = summary.whole.tasks, summary.batch.rates.size
    panel.stairs(all_H, edges, fill=True, color=_ALL, alpha=0.35, label=f"all {tasks:,} tasks")
    panel.stairs(batch_H, edges, color=_NEXT, lw=1.6, label=f"next batch of {batch:,}")
    top = max(all_H.max(), batch_H.max())
    panel.set(xlim=(edges[0], edges[-1]), ylim=(0, 1.28 * top), ylabel="share of tasks")
    panel.yaxis.set_major_formatter(_percent)
    panel.legend(loc="upper right", fontsize=8)


def _percent(value: float, _: object = None) -> str:
    return f"{100 * value:g} %" if value <= 1 else ""


def _note(panel: Any, text: str) -> None:
    """Small print below the title."""
    panel.set_title(panel.get_title(), pad=18)
    panel.text(0.5, 1.02, text, transform=panel.transAxes, ha="center", fontsize=8, color=_MUTED)


def _certainty(panel: Any, view: AbstractView, summary: Summary, figure: Any) -> None:
    from matplotlib.colors import LogNorm

    points = view.points
    some = points.count_X > 0
    sizes_X = np.log10(points.sizes_X[some])
    low, high = sizes_X.min(), max(sizes_X.max(), sizes_X.min() + 0.1)
    count_HH, x, y = np.histogram2d(
        points.rates_X[some],
        sizes_X,
        _CELLS,
        ((0, 1), (low, high)),
        weights=points.count_X[some],
    )
    filled_HH = np.ma.masked_equal(count_HH.T, 0)
    norm = LogNorm(1, max(count_HH.max(), 10))
    mesh = panel.pcolormesh(x, 10**y, filled_HH, cmap="BuPu", norm=norm, rasterized=True)
    panel.set(xlim=(0, 1), title="Certainty", xlabel="posterior mean")
    panel.set_ylabel("effective sample size (rollouts)")
    if high - low > 1:
        panel.set_yscale("log")
        panel.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    figure.colorbar(mesh, ax=panel, label="tasks")
    _note(panel, f"mean effective sample size {summary.size:.1f}, the prior's included")


def _visits(panel: Any, summary: Summary) -> None:
    since_L = np.maximum(summary.since_L, 0)
    panel.set(title="Time since the last visit", xlabel="policy versions ago", ylabel="tasks")
    if since_L.size:
        longest = max(since_L.max(), 1.0)
        bins = min(max(int(longest), 1), 50)
        panel.hist(since_L, bins, range=(0, longest), color=_ALL, alpha=0.35)
        panel.set_xlim(0, longest)
        panel.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    else:
        panel.text(0.5, 0.5, "no task was visited", transform=panel.transAxes, ha="center")
        panel.set(xticks=[], yticks=[])
    _note(panel, f"{since_L.size:,} tasks visited, {summary.never:,} never")


def _chances(panel: Any, view: AbstractView, summary: Summary) -> None:
    points, tasks = view.points, summary.whole.tasks
    edges = np.linspace(0, 1, BINS + 1)
    informative_X = chances(points.alpha_X, points.beta_X, summary.group_size)
    all_H = np.histogram(informative_X, edges, weights=points.count_X)[0] / tasks
    batch_H = np.histogram(summary.batch.informative, edges)[0] / summary.batch.rates.size
    _shares(panel, all_H, batch_H, edges, summary)
    panel.legend(loc="upper left", fontsize=8)
    panel.set(title="Informative groups", xlabel=f"chance, in a group of {summary.group_size:g}")
    _note(panel, f"all tasks {summary.whole.informative:.1%}")


def _domains(panel: Any, view: AbstractView, summary: Summary) -> None:
    parts = summary.domains
    largest = sorted(range(len(parts)), key=lambda d: -parts[d].tasks)[:_MOST_DOMAINS]
    shown = [d for d in largest if parts[d].tasks][::-1]
    share_D = np.bincount(summary.batch.domains, minlength=len(parts)) / summary.batch.rates.size
    at = np.arange(len(shown))
    panel.barh(at + 0.2, [parts[d].informative for d in shown], 0.36, color=_ALL, alpha=0.35)
    panel.barh(at - 0.2, share_D[shown], 0.36, fill=False, edgecolor=_NEXT, lw=1.4)
    pool = [parts[d].tasks / summary.whole.tasks for d in shown]
    panel.plot(pool, at - 0.2, "|", color=_INK, ms=11, mew=1.6)
    labels = [f"{clean(view.domains_D[d] or '(none)', 18)}\n{parts[d].tasks:,}" for d in shown]
    panel.set_yticks(at, labels, fontsize=8)
    panel.set(xlim=(0, 1), title="Domains", xlabel="share")
    panel.xaxis.set_major_formatter(_percent)
    panel.grid(visible=False, axis="y")
    left = f"; the {len(shown)} largest of {len(parts)}" if len(shown) < len(parts) else ""
    _note(panel, f"blue: informative groups;  red: of the next batch;  |: of all tasks{left}")


def _group_sizes(panel: Any, view: AbstractView, summary: Summary) -> None:
    points, tasks = view.points, summary.whole.tasks
    alpha_B, beta_B = view.pseudo_counts(summary.batch.task_ids)
    pool, batch = [], []
    for size in _GROUPS:
        informative_X = chances(points.alpha_X, points.beta_X, size)
        pool.append(informative_X @ points.count_X / tasks)
        batch.append(chances(alpha_B, beta_B, size).mean())
    panel.plot(_GROUPS, pool, "o-", color=_ALL, alpha=0.6, label="all tasks")
    panel.plot(_GROUPS, batch, "o-", color=_NEXT, label="next batch")
    panel.axvline(summary.group_size or np.nan, color=_MUTED, lw=1, dashes=(4, 2))
    panel.set(xscale="log", ylim=(0, 1.03), title="Informative groups by size")
    panel.set(xlabel="rollouts in a group", ylabel="expected share (ETR)")
    panel.set_xticks(_GROUPS, [f"{size}" for size in _GROUPS])
    panel.minorticks_off()
    panel.yaxis.set_major_formatter(_percent)
    panel.legend(loc="lower right", fontsize=8)
    _note(panel, f"dashed: groups of {summary.group_size:g}")

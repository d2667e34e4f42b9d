"""A saved selector as text."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from bots.inspection.layout import WIDTH, clean, header, line, number, share, table
from bots.inspection.stored import Stored
from bots.inspection.summary import BINS, HOPELESS, MASTERED, QUANTILES, Summary, Tasks
from bots.inspection.view import AbstractView

_BAR = 40
_MOST_DOMAINS = 20
_LONGEST = 24
_UNNAMED = "(none)"
_PER_DOMAIN = "predictor/ability/"


def report(stored: Stored, view: AbstractView, summary: Summary) -> str:
    """What the selector believes."""
    changed = {clean(k): clean(v) for k, v in view.changed().items()}
    settings = ", ".join(f"{k}={v}" for k, v in changed.items()) or "the defaults"
    sections = [
        [*header(stored), line("settings", settings), *_figures(view.standing()), *_assumed(view)],
        _beliefs(summary),
        _histogram(summary),
        _domains(view, summary),
        ["learned", *_figures(_without_domains(view.learned()))],
        *_lists(view, summary),
        _next(view, summary),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if len(lines) > 1)


def _assumed(view: AbstractView) -> list[str]:
    """Says which sizes are guesses."""
    guesses = {"group size": view.group_size, "batch size": view.batch_size}
    return [
        line(name, f"{number(guesses[name])}, assumed: the state does not say")
        for name in view.assumed
    ]


def _figures(figures: Mapping[str, float]) -> list[str]:
    return [line(clean(name), number(value)) for name, value in figures.items()]


def _without_domains(figures: Mapping[str, float]) -> dict[str, float]:
    return {k: v for k, v in figures.items() if not k.startswith(_PER_DOMAIN)}


def _beliefs(summary: Summary) -> list[str]:
    whole, group = summary.whole, number(summary.group_size)
    heads = "".join(f"{100 * quantile:>8.0f} %" for quantile in QUANTILES)
    return [
        f"{'beliefs':<{WIDTH + 2}}     mean{heads}",
        _row("solve rate", whole.rate, summary.rate_quantiles),
        _row("effective sample size", summary.size, summary.size_quantiles),
        line(f"hopeless (below {HOPELESS:g})", share(whole.hopeless)),
        line(f"mastered (above {MASTERED:g})", share(whole.mastered)),
        line(f"informative (group of {group})", share(whole.informative)),
    ]


def _row(label: str, mean: float, quantiles: Iterable[float]) -> str:
    values = "".join(f"{value:10.3f}" for value in quantiles)
    return line(label, f"{mean:8.3f}{values}")


def _histogram(summary: Summary) -> list[str]:
    shares_H = summary.histogram_H
    lines = [
        line(
            f"{h / BINS:.2f} to {(h + 1) / BINS:.2f}",
            f"{share(part)}  {'#' * round(_BAR * part / shares_H.max())}".rstrip(),
        )
        for h, part in enumerate(shares_H)
    ]
    return ["tasks by believed solve rate", *lines]


def _domains(view: AbstractView, summary: Summary) -> list[str]:
    if len(view.domains_D) == 1:
        return []
    learned = view.learned()
    abilities = [learned.get(_PER_DOMAIN + label, np.nan) for label in view.domains_D]
    parts = summary.domains
    largest = sorted(range(len(parts)), key=lambda d: -parts[d].tasks)[:_MOST_DOMAINS]
    rows = [
        [
            _label(view, d),
            f"{parts[d].tasks:,}",
            *_shares(parts[d].rate, parts[d].informative, parts[d].hopeless, parts[d].mastered),
            f"{abilities[d]:+.2f}",
        ]
        for d in largest
    ]
    heads = ["domain", "tasks", "mean", "informative", "hopeless", "mastered", "ability"]
    without = len(heads) if np.isfinite(abilities).any() else -1
    lines = table(heads[:without], [row[:without] for row in rows])
    more = len(parts) - len(rows)
    return [*lines, *([f"  ... and {more:,} more"] if more else [])]


def _shares(rate: float, *shares: float) -> list[str]:
    return [f"{rate:.3f}", *map(share, shares)]


def _lists(view: AbstractView, summary: Summary) -> Iterator[list[str]]:
    never = "" if summary.never is None else f", {summary.never:,} were never visited"
    for title, tasks in (
        (f"stalest: last visit longest ago{never}", summary.stalest),
        ("most certain: largest effective sample sizes", summary.certain),
        ("most promising: largest chances of an informative group", summary.promising),
    ):
        if tasks.task_ids.size:
            yield [title, *_tasks(view, tasks)]
        elif never:
            yield [title, "  none listed"]
            never = ""


def _tasks(view: AbstractView, tasks: Tasks) -> list[str]:
    columns = {
        "position": [f"{k}" for k in tasks.task_ids],
        "rate": [f"{rate:.3f}" for rate in tasks.rates],
        "size": [f"{size:.2f}" for size in tasks.sizes],
        "informative": [share(chance) for chance in tasks.informative],
    }
    if not np.isnan(tasks.since).any():
        columns["visit"] = [_ago(since) for since in tasks.since]
    if len(view.domains_D) > 1:
        columns["domain"] = [_label(view, d) for d in tasks.domains]
    return table(list(columns), list(zip(*columns.values(), strict=True)))


def _label(view: AbstractView, domain: int) -> str:
    return clean(view.domains_D[domain] or _UNNAMED, _LONGEST)


def _ago(versions: float) -> str:
    return f"{number(versions)} ago" if np.isfinite(versions) else "never"


def _next(view: AbstractView, summary: Summary) -> list[str]:
    batch, inclusion = summary.batch, summary.inclusion
    lines = [
        f"next batch: {batch.task_ids.size:,} tasks, drawn with a copy of the random numbers",
        line("predicted ETR", f"{summary.expected_ratio:.3f}"),
        line("expected mean reward", f"{batch.rates.mean():.3f}"),
    ]
    if inclusion is not None:
        lines.append(line("mean inclusion probability", f"{inclusion:.4g}"))
    if len(view.domains_D) > 1:
        lines.append(line("distinct domains", f"{np.unique(batch.domains).size:,}"))
    return lines

"""Verdicts about a log as a picture."""

from pathlib import Path
from typing import Any

from bench import drawing
from bench.replay.judge import Judged
from bench.stats import Estimate
from bench.strategies import REFERENCE

_LINE_INCHES = 0.24
_REPLAYED, _LOGGED = "#1d4ed8", "#ea7317"


def draw(judged: Judged, path: Path) -> None:
    """Log-losses, and shares of informative groups, with 95 % intervals; one line a strategy."""
    losses = {v.strategy: v.scores["log_loss"] for v in judged.verdicts if v.scores is not None}
    losses |= {name: scores["log_loss"] for name, scores in judged.trivial.items()}
    lines = max(len(losses), len(judged.verdicts) + 1)
    figure, axes = drawing.panels(1, 2, height=_LINE_INCHES * lines + 1.2, width=5.6)
    believed, chosen = axes[0]
    for y, loss in enumerate(losses.values()):
        own = list(losses)[y] not in judged.trivial
        _mark(believed, loss, y, drawing.INK if own else drawing.MUTED)
    _name(believed, list(losses), "log-loss per rollout, foretold")
    _choices(chosen, judged)
    drawing.save(figure, path, "95 % intervals: over tasks, over paired seeds, over steps")


def _choices(panel: Any, judged: Judged) -> None:
    for y, verdict in enumerate(judged.verdicts):
        _mark(panel, verdict.informative, y - 0.12, _REPLAYED)
        if verdict.off_policy is not None:
            _mark(panel, verdict.off_policy.share, y + 0.12, _LOGGED, "D")
    names = [verdict.strategy for verdict in judged.verdicts]
    if judged.anyone is not None:
        _mark(panel, judged.anyone.share, len(names) + 0.12, _LOGGED, "D")
        names.append("any task")
    _name(panel, names, "share of informative groups")
    panel.axvline(judged.verdicts[0].informative.value, color=drawing.COLOURS[REFERENCE], lw=1)
    panel.plot([], [], "o", ms=4, color=_REPLAYED, label="on the replay")
    panel.plot([], [], "D", ms=4, color=_LOGGED, label="off-policy, from the log alone")
    panel.legend(
        fontsize=7.5, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.08), ncol=2
    )


def _mark(panel: Any, estimate: Estimate, y: float, colour: str, marker: str = "o") -> None:
    panel.plot([estimate.low, estimate.high], [y, y], color=colour, lw=1.4)
    panel.plot(estimate.value, y, marker, ms=4, color=colour)


def _name(panel: Any, names: list[str], title: str) -> None:
    panel.set_yticks(range(len(names)), [drawing.short(name, 40) for name in names], fontsize=8)
    panel.set_ylim(len(names) - 0.4, -0.6)
    panel.set_title(title, fontsize=9)

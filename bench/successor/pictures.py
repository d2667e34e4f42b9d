"""Differences by scenario with intervals, and what is lost without each ingredient."""

from pathlib import Path

from bench import drawing, stats
from bench.contest.scores import Scores
from bench.successor.compare import differences, known, overall
from bench.successor.plan import ABLATIONS, GROUPS, SUBJECT, TUNING, spec

_SHOWN = {"bots": "#dc2626", "bots-informative": "#1d4ed8"}
_SHOWN_LIMITS = (-0.35, 1.0)
_LINE_INCHES = 0.2
_BAR_INCHES = 0.36


def draw_forest(scores: Scores, path: Path) -> None:
    """The subject's score minus each of two rivals', by scenario, with 95 % intervals."""
    names = [name for group in GROUPS.values() for name in group if name in scores.scenarios]
    figure, axes = drawing.panels(1, 1, height=_LINE_INCHES * (len(names) + 6))
    panel, (left, right) = axes[0, 0], _SHOWN_LIMITS
    rivals = [name for name in _SHOWN if name in scores.strategies]
    for rival, shift in zip(rivals, (-0.15, 0.15), strict=False):
        found, colour = differences(scores, SUBJECT, rival), _SHOWN[rival]
        for y, name in enumerate(names):
            if name not in found:
                continue
            estimate = stats.paired(known(found[name]))
            place = min(max(estimate.value, left), right)
            panel.plot([estimate.low, estimate.high], [y + shift] * 2, color=colour, lw=1.2)
            outside = place != estimate.value
            mark = "<" if estimate.value < left else ">" if outside else "o"
            panel.plot(place, y + shift, mark, ms=3.5, color=colour)
            if outside:
                panel.text(
                    right,
                    y + shift,
                    f"{estimate.value:+.2f}  ",
                    ha="right",
                    va="center",
                    fontsize=7,
                )
        panel.plot([], [], "o", ms=4, color=colour, label=f"minus {rival}")
    seen = GROUPS[TUNING]
    labels = [f"{name} (tuning)" if name in seen else name for name in names]
    panel.set_yticks(range(len(names)), labels, fontsize=7.5)
    panel.set_ylim(len(names) - 0.3, -0.7)
    panel.set_xlim(left, right + 0.03)
    panel.axvline(0, color=drawing.INK, lw=1)
    panel.legend(fontsize=7.5, frameon=False, loc="lower right")
    drawing.save(
        figure,
        path,
        f"score of {SUBJECT} minus the other's at equal rollouts, with 95 % intervals over paired "
        "seeds; 1 is what the gain oracle gains over shuffle; arrows lie outside",
    )


def draw_ablation(scores: Scores, path: Path) -> None:
    """What taking each ingredient away does to the IQM of the score, with 95 % intervals."""
    bars = {
        title: overall(differences(scores, spec(option), SUBJECT))
        for title, option in ABLATIONS.items()
        if spec(option) in scores.strategies
    }
    figure, axes = drawing.panels(1, 1, height=_BAR_INCHES * (len(bars) + 2))
    panel = axes[0, 0]
    for y, estimate in enumerate(bars.values()):
        panel.barh(y, estimate.value, color="#93c5fd", height=0.6)
        panel.plot([estimate.low, estimate.high], [y, y], color=drawing.INK, lw=1.4)
    panel.set_yticks(range(len(bars)), list(bars), fontsize=8)
    panel.set_ylim(len(bars) - 0.4, -0.6)
    panel.axvline(0, color=drawing.INK, lw=1)
    drawing.save(figure, path, "change of the score when it is taken away (IQM over scenarios)")

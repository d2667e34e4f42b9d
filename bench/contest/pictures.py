"""The contest in two pictures: a forest plot of scores, and performance profiles."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import drawing
from bench.contest.scores import base_name
from bench.contest.views import LEVELS_T, Details, Standing, is_oracle
from bench.strategies import REFERENCE, STRATEGIES

_MARKS = {False: ("o", "#1d4ed8"), True: ("D", "#dc2626")}  # published, tuned
_LINE_INCHES = 0.19
_SHOWN_PROFILES = 8


def draw_forest(standing: Standing, path: Path) -> None:
    """IQM scores with 95 % intervals, by family; published and tuned options on one line."""
    families = _families(standing.strategies)
    lines = sum(len(names) + 1 for names in families.values())
    figure, axes = drawing.panels(1, 1, height=_LINE_INCHES * lines + 1.0)
    panel, y, labels = axes[0, 0], 0, {}
    for family, names in families.items():
        labels[y] = family
        y += 1
        for name in names:
            labels[y] = _line(name)
            _draw_line(panel, standing, name, y)
            y += 1
    _label(panel, labels, lines)
    _legend(panel)
    drawing.save(
        figure,
        path,
        "IQM score at equal rollouts with 95 % interval: gain over shuffle, oracle-gain's is 1",
    )


def draw_profile(standing: Standing, detail: Details, path: Path) -> None:
    """Share of scenario x seed scores above a level, of the best of each family, with bands."""
    chosen = leaders(standing)
    colours = drawing.palette(chosen)
    figure, axes = drawing.panels(1, 1, height=4.2)
    panel, band = axes[0, 0], detail.profile
    for name in chosen:
        k = standing.strategies.index(name)
        panel.fill_between(
            LEVELS_T, band.low[k], band.high[k], color=colours[name], alpha=0.13, lw=0
        )
        line = panel.plot(LEVELS_T, band.value[k], color=colours[name], lw=1.6, label=name)[0]
        drawing.dash(line, name)
    panel.set_xlim(LEVELS_T[0], LEVELS_T[-1])
    panel.set_ylabel("share of scenarios and seeds above")
    panel.legend(fontsize=7.5, frameon=False)
    drawing.save(figure, path, "score at equal rollouts (shuffle 0, oracle-gain 1)")


def leaders(standing: Standing) -> list[str]:
    """The best strategy of each family, the best overall first, and shuffle."""
    best: dict[str, str] = {}
    for k in standing.by_score:
        name = standing.strategies[k]
        best.setdefault(_family(name), name)
    return list(dict.fromkeys([*list(best.values())[:_SHOWN_PROFILES], REFERENCE]))


def _line(name: str) -> str:
    """The strategy, or its options under it."""
    _, _, options = name.partition(":")
    return f"      {drawing.short(options)}" if "=" in options else f"   {drawing.short(name)}"


def _families(strategies: Sequence[str]) -> dict[str, list[str]]:
    """Strategies by family, tuned ones under the name of the published, switches after options."""
    families: dict[str, list[str]] = {}
    places: dict[str, int] = {}
    for k, name in enumerate(strategies):
        places.setdefault(base_name(name), k)
        line = name.removesuffix(":tuned")
        names = families.setdefault(_family(name), [])
        if line not in names:
            names.append(line)
    for names in families.values():
        names.sort(key=lambda line: (places[base_name(line)], "+" in line))
    return families


def _family(name: str) -> str:
    entry = STRATEGIES.get(base_name(name))
    return entry.family if entry else "Imported"


def _draw_line(panel: Any, standing: Standing, name: str, y: int) -> None:
    for tuned, shift in ((False, 0.0), (True, 0.3)):
        spec = f"{name}:tuned" if tuned else name
        if spec not in standing.strategies:
            continue
        k = standing.strategies.index(spec)
        mark, colour = _MARKS[tuned]
        colour = drawing.MUTED if is_oracle(spec) else colour
        panel.plot([standing.iqm.low[k], standing.iqm.high[k]], [y + shift] * 2, color=colour)
        face = colour if standing.distinct_K[k] else "white"
        panel.plot(standing.iqm.value[k], y + shift, mark, ms=4, color=colour, mfc=face)


def _label(panel: Any, labels: dict[int, str], lines: int) -> None:
    panel.set_yticks(list(labels), list(labels.values()), ha="left", fontsize=8)
    for tick in panel.get_yticklabels():
        if not tick.get_text().startswith(" "):
            tick.set_weight("bold")
    panel.tick_params(axis="y", pad=120, length=0)
    panel.set_ylim(lines - 0.3, -0.7)
    panel.axvline(0, color=drawing.COLOURS[REFERENCE], lw=1)


def _legend(panel: Any) -> None:
    for tuned, label in ((False, "published options"), (True, "tuned")):
        mark, colour = _MARKS[tuned]
        panel.plot([], [], mark, ms=4, color=colour, label=label)
    panel.plot([], [], "o", ms=4, color=drawing.INK, mfc="white", label="interval covers shuffle")
    panel.legend(fontsize=7.5, frameon=False, loc="lower right")

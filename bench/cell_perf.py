"""How fast cells are: per strategy, and where the time goes."""

import cProfile
import pstats
import time
from collections.abc import Sequence
from pathlib import Path

from bench.cell import run_cell
from bench.settings import Setting
from bench.tables import Table

_SLOWEST = 3
_ROOT = Path(__file__).parents[1]


def measure_cells(setting: Setting, strategies: Sequence[str]) -> str:
    """Cells per second and core of every strategy on a setting, and the slowest of the profile.

    One cell each, after one to load everything; seconds of the process itself, so that what else
    the machine does hardly matters. The profile is of all of them together, by own time, in a
    second run, because it slows Python down more than compiled code.
    """
    run_cell(setting, strategies[0], 0)
    seconds = {name: _seconds(setting, name) for name in strategies}
    profile = cProfile.Profile()
    profile.enable()
    for name in strategies:
        run_cell(setting, name, 0)
    profile.disable()
    slow = sorted(seconds, key=lambda name: seconds[name])
    cells = Table(
        "",
        ("strategy", "cells/s", "seconds"),
        tuple((name, f"{1 / seconds[name]:.2f}", f"{seconds[name]:.2f}") for name in slow),
    )
    total = sum(seconds.values())
    rate = f"{len(seconds) / total:.2f} cells/s on average"
    return f"{setting.name}, {rate}\n\n{cells.markdown()}\n\n{_slowest(profile).markdown()}"


def _seconds(setting: Setting, strategy: str) -> float:
    began = time.process_time()
    run_cell(setting, strategy, 0)
    return time.process_time() - began


def _slowest(profile: cProfile.Profile) -> Table:
    """The functions with most own time."""
    stats = pstats.Stats(profile)
    total: float = stats.total_tt  # type: ignore[attr-defined]
    entries = sorted(stats.stats.items(), key=lambda item: -item[1][2])  # type: ignore[attr-defined]
    return Table(
        "",
        ("slowest of the profile", "share of own time", "calls"),
        tuple(
            (_place(place), f"{100 * own / total:.1f} %", f"{calls:,}")
            for place, (_, calls, own, _, _) in entries[:_SLOWEST]
        ),
    )


def _place(place: tuple[str, int, str]) -> str:
    """File, line and function; the file as seen from the checkout."""
    file, line, function = place
    if not line:
        return function
    path = Path(file)
    ours = path.is_relative_to(_ROOT) and "site-packages" not in path.parts
    shown = path.relative_to(_ROOT) if ours else Path(*path.parts[-2:])
    return f"{shown}:{line} {function}"

"""Compact tables over many settings."""

from collections.abc import Callable, Sequence

import numpy as np

from bench import stats
from bench.comparable import counted, scored, shared, side_by_side, under
from bench.conclusions import in_catalogue_order, place
from bench.metrics import ALL_AXES
from bench.strategies import REFERENCE
from bench.summary import BEST, Row, standings
from bench.tables import INDISTINCT, Table, number
from simulator import SCENARIOS

_POINTS = 100  # solve rates as percentages


def gains_table(rows: Sequence[Row]) -> Table:
    """Settings x strategies: gain over the reference in points, with what the setting stresses.

    Rows are of one variant. A gain whose 95 % interval (Student's, paired) covers 0 is marked.
    """
    names = [name for name in dict.fromkeys(row.strategy for row in rows) if name != REFERENCE]
    by_setting: dict[str, dict[str, Row]] = {s: {} for s in in_catalogue_order(_settings(rows))}
    for row in rows:
        by_setting[row.setting][row.strategy] = row
    return Table(
        f"Gain over {REFERENCE} at equal rollouts, in points of held-out solve rate",
        ("scenario", "stresses", "ETR", f"{REFERENCE} ends at", *names),
        tuple(
            (
                setting,
                ", ".join(_tags(setting)),
                *_of_reference(of.get(REFERENCE)),
                *(_points(of.get(name)) for name in names),
            )
            for setting, of in by_setting.items()
        ),
    )


def scores_table(rows: Sequence[Row]) -> Table:
    """Strategies x variants: the score, over the same scenarios everywhere."""

    def cell(group: Sequence[Row]) -> str:
        return number(standings(group)[0].score.value, 2)

    return _by_variant(
        f"Score by law and price of repetition ({REFERENCE} 0, {BEST} 1)",
        side_by_side(rows, scored),
        cell,
    )


def mean_gains_table(rows: Sequence[Row]) -> Table:
    """Strategies x variants: the gain over the reference, over the same scenarios everywhere."""

    def cell(group: Sequence[Row]) -> str:
        gains = [row.values["difference"].mean() for row in group]
        return number(_POINTS * float(np.mean(gains)), 2, signed=True)

    return _by_variant(
        f"Gain over {REFERENCE} by law and price of repetition, in points", side_by_side(rows), cell
    )


def axes_table(rows: Sequence[Row]) -> Table:
    """Strategies x costs: TTB 50 and 100 % and BSF 100 %, medians over settings that all share."""
    rows = shared(rows)
    shown = [axis for axis in ALL_AXES if all(f"ttb50_{axis}" in row.figures for row in rows)]
    columns = {
        f"{heading} in {axis}": f"{name}_{axis}"
        for axis in shown
        for heading, name in (("TTB 50 %", "ttb50"), ("TTB 100 %", "ttb100"), ("BSF", "bsf100"))
    }
    undefined = {
        name: {row.setting for row in rows if np.isnan(row.figures[name].value)}
        for name in columns.values()
    }

    def cell(group: Sequence[Row], heading: str) -> str:
        name = columns[heading]
        defined = [row for row in group if row.setting not in undefined[name]]
        if not defined:
            return "-"
        values = np.array([row.figures[name].value for row in defined])
        value = float(stats.median(values))
        return f"> {group[0].horizon:g}" if np.isinf(value) else f"{value:.2f}"

    return _by_strategy(
        f"Cost to reach, and best so far: median over {counted(rows)}, "
        f"TTB where {REFERENCE} learns",
        rows,
        list(columns),
        cell,
    )


def _by_variant(
    title: str, groups: dict[str, list[Row]], cell: Callable[[Sequence[Row]], str]
) -> Table:
    """A column per variant and a line per strategy, without lines where nothing can be compared."""
    return _by_strategy(
        f"{title}, mean over {counted(next(iter(groups.values()), []), 'scenario')}",
        [row for group in groups.values() for row in group],
        list(groups),
        lambda rows, variant: cell(of) if (of := under(rows, variant)) else "-",
    )


def _by_strategy(
    title: str,
    rows: Sequence[Row],
    columns: Sequence[str],
    cell: Callable[[Sequence[Row], str], str],
) -> Table:
    """A line per strategy but the reference."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if row.strategy != REFERENCE:
            groups.setdefault(row.strategy, []).append(row)
    return Table(
        title,
        ("strategy", *columns),
        tuple(
            (name, *(cell(group, column) for column in columns)) for name, group in groups.items()
        ),
    )


def _settings(rows: Sequence[Row]) -> list[str]:
    return [row.setting for row in rows]


def _tags(setting: str) -> tuple[str, ...]:
    scenario = SCENARIOS.get(place(setting)[0])
    return () if scenario is None else scenario.tags


def _of_reference(row: Row | None) -> tuple[str, str]:
    if row is None:
        return "-", "-"
    return f"{row.figures['etr'].value:.2f}", f"{row.figures['final'].value:.3f}"


def _points(row: Row | None) -> str:
    if row is None:
        return "-"
    text = number(_POINTS * row.figures["difference"].value, 2, signed=True)
    return text if row.differs else f"{INDISTINCT} {text}"

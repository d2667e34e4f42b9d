"""Compact tables over many settings."""

from collections.abc import Callable, Sequence

import numpy as np

from bench import stats
from bench.conclusions import DEFAULT, in_catalogue_order, in_order, place
from bench.metrics import ALL_AXES
from bench.strategies import REFERENCE
from bench.summary import Row, standings
from bench.tables import INDISTINCT, Table, number
from simulator import SCENARIOS

_POINTS = 100  # solve rates as percentages


def main_variant(rows: Sequence[Row]) -> str:
    """The law that headline figures are under: the default, or the first that was run."""
    return in_order(place(row.setting)[1] for row in rows)[0] if rows else DEFAULT


def under(rows: Sequence[Row], variant: str) -> list[Row]:
    """The rows of settings under one variant."""
    return [row for row in rows if place(row.setting)[1] == variant]


def shared(rows: Sequence[Row]) -> list[Row]:
    """The rows of settings on which every strategy was run, so that means are over the same."""
    strategies = {row.strategy for row in rows}
    of: dict[str, set[str]] = {}
    for row in rows:
        of.setdefault(row.setting, set()).add(row.strategy)
    return [row for row in rows if of[row.setting] == strategies]


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
    """Strategies x variants: the score, and on how many settings there is one."""
    by_variant = {
        variant: standings(shared(under(rows, variant)))
        for variant in in_order(place(row.setting)[1] for row in rows)
    }
    settings = {v: max((s.settings for s in table), default=0) for v, table in by_variant.items()}

    def cell(strategy: str, variant: str) -> str:
        found = [s for s in by_variant[variant] if s.strategy == strategy]
        return number(found[0].score.value, 2) if found else "-"

    return Table(
        f"Score by law and price of repetition ({REFERENCE} 0, oracle-gain 1)",
        ("strategy", *by_variant),
        (
            *(
                (name, *(cell(name, variant) for variant in by_variant))
                for name in dict.fromkeys(row.strategy for row in rows)
                if name != REFERENCE
            ),
            ("settings with a score", *(str(settings[variant]) for variant in by_variant)),
        ),
    )


def mean_gains_table(rows: Sequence[Row]) -> Table:
    """Strategies x variants: the gain over the reference in points, mean over settings."""
    variants = in_order(place(row.setting)[1] for row in rows)

    def cell(group: Sequence[Row]) -> str:
        if not group:
            return "-"
        gains = [row.values["difference"].mean() for row in group]
        return number(_POINTS * float(np.mean(gains)), 2, signed=True)

    return _by_strategy(
        f"Gain over {REFERENCE} by law and price of repetition, in points, mean over settings",
        rows,
        variants,
        lambda group, variant: cell(under(group, variant)),
    )


def axes_table(rows: Sequence[Row]) -> Table:
    """Strategies x costs: TTB 50 and 100 % and BSF 100 %, medians over settings."""
    shown = [axis for axis in ALL_AXES if all(f"ttb50_{axis}" in row.figures for row in rows)]
    columns = {
        f"{heading} in {axis}": f"{name}_{axis}"
        for axis in shown
        for heading, name in (("TTB 50 %", "ttb50"), ("TTB 100 %", "ttb100"), ("BSF", "bsf100"))
    }

    def cell(group: Sequence[Row], heading: str) -> str:
        values = np.array([row.figures[columns[heading]].value for row in group])
        values = values[~np.isnan(values)]
        if not values.size:
            return "-"
        value = float(stats.median(values))
        return f"> {group[0].horizon:g}" if np.isinf(value) else f"{value:.2f}"

    return _by_strategy(
        "Cost to reach, and best so far: median over settings", rows, list(columns), cell
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
    gain = stats.paired(row.values["difference"])
    text = number(_POINTS * gain.value, 2, signed=True)
    return text if gain.low > 0 or gain.high < 0 else f"{INDISTINCT} {text}"

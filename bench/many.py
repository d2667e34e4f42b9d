"""The sections of a report about many settings, or several laws."""

from collections.abc import Sequence
from pathlib import Path

from bench import comparable, figures, overview, panels
from bench.conclusions import (
    DEFAULT,
    DEFAULT_LAW,
    SURE,
    Conclusion,
    across_laws,
    conclusions,
    counts_table,
    in_catalogue_order,
    law_dependent_table,
    place,
    rows_by_chance,
)
from bench.page import Section
from bench.strategies import REFERENCE
from bench.summary import Row
from bench.tables import INDISTINCT, Table

_MOST_COLUMNS = 12  # laws beside each other; more are put below each other


def of_many(runs: figures.Runs, rows: Sequence[Row], folder: Path) -> list[Section]:
    """A small panel and a line per setting, and what holds where."""
    main = comparable.main_variant(rows)
    shown_rows = comparable.under(rows, main)
    return [
        *_grid(runs, shown_rows, folder),
        *([_gains(shown_rows, main)] if shown_rows else []),
        *law_by_law(rows),
    ]


def _grid(runs: figures.Runs, rows: Sequence[Row], folder: Path) -> list[Section]:
    """Learning curves of all settings that `rows` are about."""
    of_reference = {row.setting: row for row in rows if row.strategy == REFERENCE}
    learning = {
        setting: runs[setting]
        for setting in in_catalogue_order(of_reference)
        if figures.learns(runs[setting])
    }
    if not learning:
        return []
    flat = [setting for setting in of_reference if setting not in learning]
    path = folder / "gains.png"
    titles = {s: f"{s}  ETR {of_reference[s].figures['etr'].value:.2f}" for s in learning}
    panels.gain_grid(learning, path, titles)
    text = (
        f"Above the dashed line is better than {REFERENCE}. Pools and random numbers are shared "
        "by the strategies of a seed, so their noise cancels. ETR is the share of groups that are "
        f"informative under {REFERENCE}."
    )
    without = f" Nothing can be learnt on {', '.join(flat)}." if flat else ""
    return [Section("Learning, setting by setting", text + without, picture=path)]


def _gains(rows: Sequence[Row], variant: str) -> Section:
    text = (
        f"Variant: {variant}. 100 points are all held-out tasks. {INDISTINCT}: the 95 % interval "
        "of the paired difference (Student's) covers 0, or there are too few seeds for one. Costs "
        f"are relative to {REFERENCE}'s; tokens and seconds are simulated where the learner is. "
        "Medians are over the settings that have all strategies shown, those that were run on at "
        "least half of the settings."
    )
    tables = _filled(overview.gains_table(rows), overview.axes_table(rows))
    return Section("Setting by setting", text, tables=tables)


def law_by_law(rows: Sequence[Row]) -> list[Section]:
    """In how many settings one strategy beats another, and where that depends on the law."""
    found = conclusions(rows)
    if not found:
        return []
    text = (
        f"{DEFAULT}: {DEFAULT_LAW}, unless the scenario says otherwise. A conclusion holds or is "
        "reversed where the 95 % interval of the difference in held-out solve rate at equal "
        "rollouts, paired over seeds (Student's), excludes 0. Of every 40 that are truly "
        "undecided, about one is said to hold and one to be reversed. Numbers in brackets are "
        "points of solve rate. Scores and mean gains are over the scenarios that were run under "
        "every law shown with every strategy shown, scores over those of them on which the gain "
        "oracle gains enough under each to be a unit. Laws and strategies that were run on fewer "
        "than half of the scenarios are not shown there, nor is a table that has no scenario left."
    )
    laws = {place(row.setting)[1] for row in rows}
    tables = [counts_table(found)]
    if len(laws) > 1:
        tables += _filled(overview.scores_table(rows), overview.mean_gains_table(rows))
    if len(laws) > _MOST_COLUMNS:
        tables = [table.transposed() for table in tables]
    return [
        Section("Conclusions, law by law", text, tables=tuple(tables)),
        *_dependent(across_laws(found)),
    ]


def _dependent(groups: Sequence[Sequence[Conclusion]]) -> list[Section]:
    """What depends on the law, and how much of it chance would produce."""
    if not groups:
        return []
    table = law_dependent_table(groups)
    sure, plain = (rows_by_chance(groups, level) for level in (SURE, 0.95))
    text = (
        "Listed is what holds under one law and is reversed under another, both clear at "
        f"{100 * SURE:g} %; laws are named where the verdict is clear at 95 %, with points of "
        f"solve rate. Of {len(groups)} rows looked at, {len(table.rows)} are listed. If nothing "
        "differed and verdicts under different laws were independent, "
        f"{sure:.2g} would be listed ({plain:.2g} if 95 % were enough)."
    )
    return [Section("Conclusions that depend on the law", text, tables=_filled(table))]


def _filled(*tables: Table) -> tuple[Table, ...]:
    return tuple(table for table in tables if table.rows)

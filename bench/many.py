"""The sections of a report about many settings, or several laws."""

from collections.abc import Sequence
from pathlib import Path

from bench import figures, overview, panels
from bench.conclusions import (
    DEFAULT,
    DEFAULT_LAW,
    conclusions,
    counts_table,
    in_catalogue_order,
    in_order,
    law_dependent_table,
    place,
)
from bench.page import Section
from bench.strategies import REFERENCE
from bench.summary import Row
from bench.tables import INDISTINCT

_MOST_COLUMNS = 12  # laws beside each other; more are put below each other


def of_many(runs: figures.Runs, rows: Sequence[Row], folder: Path) -> list[Section]:
    """A small panel and a line per setting, and what holds where."""
    main = overview.main_variant(rows)
    shown_rows = overview.under(rows, main)
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
        f"are relative to {REFERENCE}'s; tokens and seconds are simulated where the learner is."
    )
    tables = (overview.gains_table(rows), overview.axes_table(rows))
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
        "points of solve rate. Scores average over the settings on which the gain oracle gains "
        "enough to be a unit, mean gains over all."
    )
    dependent = law_dependent_table(found)
    several = len({place(row.setting)[1] for row in rows}) > 1
    tables = [counts_table(found)]
    if several:
        tables += [overview.scores_table(rows), overview.mean_gains_table(rows)]
    if len(in_order(place(row.setting)[1] for row in rows)) > _MOST_COLUMNS:
        tables = [table.transposed() for table in tables]
    if dependent.rows:
        tables.append(dependent)
    return [Section("Conclusions, law by law", text, tables=tuple(tables))]

"""The sections of a report about a few settings."""

from collections.abc import Callable, Sequence
from pathlib import Path

from bench import figures
from bench.conclusions import place
from bench.headline import headline
from bench.many import law_by_law
from bench.page import Section
from bench.stats import LEAST_SEEDS
from bench.strategies import REFERENCE
from bench.summary import Row
from bench.tables import INDISTINCT, setting_tables


def of_few(runs: figures.Runs, rows: Sequence[Row], folder: Path) -> list[Section]:
    """Every picture and every table of each setting, with conclusions if laws were varied."""
    several = len({place(setting)[1] for setting in runs}) > 1
    return [
        *_pictures(runs, rows, folder),
        *(law_by_law(rows) if several else []),
        *_details(runs, rows),
    ]


def _pictures(runs: figures.Runs, rows: Sequence[Row], folder: Path) -> list[Section]:
    learning = {setting: by for setting, by in runs.items() if figures.learns(by)}
    believing = {setting: by for setting, by in runs.items() if figures.believers(by)}
    flat = [setting for setting in runs if setting not in learning]
    without = f" Nothing can be learnt on {', '.join(flat)}." if flat else ""
    sections = []

    def add(name: str, title: str, text: str, draw: Callable[[Path], None]) -> None:
        path = folder / f"{name}.png"
        draw(path)
        sections.append(Section(title, text, picture=path))

    compared = [row for row in rows if row.setting in learning]
    if {row.setting for row in compared} == {*learning} and compared:
        add(
            "headline",
            "Held-out solve rate",
            f"{REFERENCE}, BOTS and the best of the others; oracles are left out. Lines are means "
            "over seeds, bands 95 % bootstrap intervals.",
            lambda path: headline(learning, compared, path),
        )
    if learning:
        add(
            "learning",
            "Learning curves",
            "Mean over seeds with 95 % bootstrap bands (above, of shuffle and BOTS only). Every "
            "rollout that was generated is on the horizontal axis. Below, the difference to "
            f"{REFERENCE} on the same seed: pools and random numbers are shared, so their noise "
            f"cancels.{without}",
            lambda path: figures.learning_curves(learning, path),
        )
    by_axis = {setting: by for setting, by in learning.items() if figures.timed(by)}
    if by_axis:
        add(
            "axes",
            _title(figures.other_axes(by_axis)),
            "Degenerate groups cost no training and long answers more, so they differ. Seconds "
            "are those of selection, generation, grading, training and synchronisation; of a "
            "simulated learner, all but selection are simulated. Selective strategies may lift the "
            "pool more than the held-out tasks.",
            lambda path: figures.learning_by_axis(by_axis, path),
        )
    if len({row.strategy for row in compared}) > 1:
        add(
            "ttb",
            "Time to best",
            f"Left of the dashed line is faster than {REFERENCE}. 95 % intervals.{without}",
            lambda path: figures.time_to_best(compared, path),
        )
    add(
        "etr",
        "Informative groups",
        "Share of all generated groups that hold both successes and failures.",
        lambda path: figures.informative_share(runs, path),
    )
    add(
        "difficulty",
        "What was trained on",
        "True solve rates of the trained tasks, right after the step. Dark at the bottom: hopeless "
        "tasks; dark at the top: solved ones.",
        lambda path: figures.difficulty(runs, path),
    )
    if believing:
        add(
            "calibration",
            "Beliefs at the end",
            "On the diagonal, tasks are solved as often as predicted. Strategies without beliefs "
            "are left out. A cluster at 0.5 is the prior of tasks never visited.",
            lambda path: figures.calibration(believing, path),
        )
    return sections


def _title(axes: Sequence[str]) -> str:
    """Tokens and seconds."""
    return " and ".join(axes).capitalize()


def _details(runs: figures.Runs, rows: Sequence[Row]) -> list[Section]:
    sections = []
    for setting in runs:
        mine = [row for row in rows if row.setting == setting]
        text = (
            f"Means over seeds paired with {REFERENCE}, with 95 % intervals (none below "
            f"{LEAST_SEEDS} seeds): Student's for the gain, Wilson's for the share of seeds, "
            "otherwise bootstrap. TTB: medians of paired ratios, cut off at "
            f"{mine[0].horizon:g} times the budget. {INDISTINCT}: the interval of the gain covers "
            "0, or there is none."
            if mine
            else f"No run of {REFERENCE} on these seeds to compare with."
        )
        sections.append(Section(setting, text, tables=tuple(setting_tables(mine)) if mine else ()))
    return sections

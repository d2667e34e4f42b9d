"""One self-contained HTML page and a Markdown file about a folder of results."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from backends.files import atomic
from bench import figures, overview, paper
from bench.conclusions import DEFAULT, place
from bench.many import law_by_law, of_many
from bench.page import Section, markdown, page
from bench.store import CellId, CellResult, Store
from bench.strategies import REFERENCE, STRATEGIES
from bench.summary import Row, Standing, standings, summarize
from bench.tables import INDISTINCT, Table, setting_tables, standings_table

COMMANDS = "commands.json"
FEW_SETTINGS = 6  # more of them are shown in small panels and compact tables
DEFINITIONS = Table(
    "",
    ("figure", "definition"),
    (
        ("held-out", "true solve rate of tasks never trained on, when the rollouts are used up"),
        ("score", "gain over shuffle in units of the gain oracle's, mean over settings"),
        ("area", "mean held-out solve rate over the rollouts"),
        ("pool", "true solve rate of the tasks in the pool"),
        ("TTB x %", "cost to reach x % of shuffle's best gain, in units of shuffle's own cost"),
        ("BSF x %", "best held-out rate within x % of the cost, in units of shuffle's"),
        ("ETR", "share of generated groups with both successes and failures"),
        ("trained", "share of generated rollouts that were trained on"),
        ("offline rollouts", "rollouts behind the reference rates that a strategy may use"),
        ("excess", "part of Brier or log-loss that is due to the prediction; 0 for the truth"),
    ),
)


@dataclass(frozen=True, slots=True)
class Report:
    """Where a report was written, and its leaderboard or why there is none."""

    page: Path
    text: Path
    standings: str


def write_report(folder: Path) -> Report:
    """Writes `report.html` and `report.md` with its pictures into the folder.

    Raises:
        ValueError: when the folder holds no finished cell, or cells that cannot be compared.
    """
    store = Store(folder)
    results = store.load()
    if not results:
        raise ValueError(f"{folder} holds no finished cell: let `python -m bench run` write there")
    order = list(dict.fromkeys([*STRATEGIES, *(result.cell.strategy for result in results)]))
    rows = sorted(summarize(results), key=lambda row: order.index(row.strategy))
    runs = figures.group(results, order)
    main = overview.under(rows, overview.main_variant(rows))
    if len(runs) > FEW_SETTINGS:
        main = overview.shared(main)
    table = standings(main)
    pictures = folder / "figures"
    pictures.mkdir(parents=True, exist_ok=True)
    parts = _of_few if len(runs) <= FEW_SETTINGS else of_many
    sections = [
        *_standings(table, main),
        *parts(runs, rows, pictures),
        *_replica(sorted(_replica_rows(results), key=lambda row: order.index(row.strategy))),
        Section("Definitions", "In full: docs/metrics.md.", tables=(DEFINITIONS,)),
    ]
    lead = _lead(results, store.failures())
    commands = [*_commands(folder), f"python -m bench report {shown(folder)}"]
    html, text = folder / "report.html", folder / "report.md"
    html.write_text(page(folder.name, lead, commands, sections), encoding="utf-8")
    text.write_text(markdown(folder.name, lead, commands, sections), encoding="utf-8")
    return Report(html, text, standings_table(table).markdown() if table else _without(rows))


def _of_few(runs: figures.Runs, rows: Sequence[Row], folder: Path) -> list[Section]:
    """Every picture and every table of each setting, with conclusions if laws were varied."""
    several = len({place(setting)[1] for setting in runs}) > 1
    return [
        *_pictures(runs, rows, folder),
        *(law_by_law(rows) if several else []),
        *_details(runs, rows),
    ]


def _replica_rows(results: Sequence[CellResult]) -> list[Row]:
    return summarize([result for result in results if paper.is_replica(result)])


def _without(rows: Sequence[Row]) -> str:
    """The first table of each setting, where there is no gain oracle to measure scores in."""
    missing = "no standings: oracle-gain, the unit of the score, was not run on all seeds"
    settings = dict.fromkeys(row.setting for row in rows)
    tables = [setting_tables([row for row in rows if row.setting == name])[0] for name in settings]
    return "\n\n".join([missing, *(table.markdown() for table in tables)])


def record_command(folder: Path, command: str) -> None:
    """Remembers a command that contributed cells, so that the report can name it."""
    commands = [known for known in _commands(folder) if known != command]
    with atomic(folder / COMMANDS) as temporary:
        temporary.write_text(json.dumps([*commands, command], indent=1), encoding="utf-8")


def shown(path: Path) -> str:
    """A path as a reader can use it: relative as it is, otherwise its last part."""
    return path.name if path.is_absolute() else str(path)


def _commands(folder: Path) -> list[str]:
    path = folder / COMMANDS
    if not path.exists():
        return []
    try:
        return list(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}): delete it; no result is lost") from None


def _standings(table: Sequence[Standing], rows: Sequence[Row]) -> list[Section]:
    text = (
        f"Gain in held-out solve rate over {REFERENCE} at equal rollouts, in units of the gain "
        "oracle's on the same setting; mean over settings, 95 % bootstrap interval over seeds. "
        "Oracles see the truth and are no rivals. Settings on which the gain oracle gains little "
        "(less than a tenth of what shuffle learns, or not clearly) do not enter, nor, where there "
        f"are more than {FEW_SETTINGS}, those on which some strategy cannot be built. "
        f"{_law_of(rows)} {_price_of(rows)}".strip()
    )
    return [Section("Standings", text, tables=(standings_table(table),))] if table else []


def _law_of(rows: Sequence[Row]) -> str:
    """What the standings take for granted about learning, where it is a simulated learner's."""
    if not rows or all(row.repetition_visits is None for row in rows):
        return ""
    variant = overview.main_variant(rows)
    law = f" Variant: {variant}." if variant != DEFAULT else ""
    return f"The unit depends on how much tasks differ in value, which is a guess.{law}"


def _price_of(rows: Sequence[Row]) -> str:
    """On which settings training on a task again is worth less, in a sentence."""
    visits = {row.setting: row.repetition_visits for row in rows}
    known = {setting: price for setting, price in visits.items() if price is not None}
    if not known:
        return ""
    priced = [setting for setting, price in known.items() if price < float("inf")]
    if not priced:
        return "Repeating a task is free in these settings."
    if len(priced) == len(known):
        return "Repeating a task has a price in these settings."
    return f"Repeating a task has a price on {', '.join(priced)}, and is free elsewhere."


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
    shown_rows = [row for row in rows if row.setting in learning]
    by_axis = {setting: by for setting, by in learning.items() if figures.timed(by)}
    if by_axis:
        add(
            "axes",
            _title(figures.shared_axes(by_axis)),
            "Degenerate groups cost no training and long answers more, so they differ. Seconds "
            "are those of selection, generation, grading, training and synchronisation; of a "
            "simulated learner, all but selection are simulated. Selective strategies may lift the "
            "pool more than the held-out tasks.",
            lambda path: figures.learning_by_axis(by_axis, path),
        )
    if len({row.strategy for row in shown_rows}) > 1:
        add(
            "ttb",
            "Time to best",
            f"Left of the dashed line is faster than {REFERENCE}. 95 % intervals.{without}",
            lambda path: figures.time_to_best(shown_rows, path),
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
    """Steps, rollouts and seconds."""
    return f"{', '.join(axes[:-1])} and {axes[-1]}".capitalize()


def _replica(rows: Sequence[Row]) -> list[Section]:
    table = paper.comparison(rows)
    if table is None:
        return []
    text = f"{paper.NOTE} Agreement with the paper: {paper.agreement(rows)}."
    return [Section("guru15 and the paper", text, tables=(table,))]


def _details(runs: figures.Runs, rows: Sequence[Row]) -> list[Section]:
    sections = []
    for setting in runs:
        mine = [row for row in rows if row.setting == setting]
        text = (
            "Means over seeds paired with "
            f"{REFERENCE}, with 95 % bootstrap intervals (none below 3 seeds); TTB: medians of "
            f"paired ratios, cut off at {mine[0].horizon:g} times the budget. {INDISTINCT}: not "
            f"distinguishable from {REFERENCE}."
            if mine
            else f"No run of {REFERENCE} on these seeds to compare with."
        )
        sections.append(Section(setting, text, tables=tuple(setting_tables(mine)) if mine else ()))
    return sections


def _lead(results: Sequence[CellResult], failures: Sequence[tuple[CellId, str]]) -> list[str]:
    makers = sorted(
        {
            f"version {maker['version']}, commit {maker['commit']}, Python {maker['python']}, "
            f"NumPy {maker['numpy']}"
            for maker in (result.extra["made_by"] for result in results)
        }
    )
    seeds = sorted({result.cell.seed for result in results})
    lines = [
        f"{len(results)} cells, seeds {seeds[0]} to {seeds[-1]}. Made by {'; '.join(makers)}.",
    ]
    if failures:
        lines.append(f"{len(failures)} CELLS FAILED and are missing below:")
        lines += [f"{cell}: {error.strip().splitlines()[-1]}" for cell, error in failures]
    return lines

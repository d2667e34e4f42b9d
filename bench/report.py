"""One self-contained HTML page and a Markdown file about a folder of results."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backends.files import atomic
from bench import comparable, figures, paper
from bench.conclusions import DEFAULT
from bench.few import of_few
from bench.many import of_many
from bench.page import Section, markdown, page
from bench.stats import LEAST_SEEDS
from bench.store import CellId, CellResult, Store
from bench.strategies import REFERENCE, STRATEGIES
from bench.summary import BEST, Row, Standing, standings, summarize
from bench.tables import Table, compact_table, standings_table
from bench.verdict import sentences

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
    """Where a report was written, and what it says.

    Attributes:
        page: the HTML page.
        text: the Markdown file.
        standings: a compact leaderboard, or why there is none and a table instead.
        verdict: what the runs say, in sentences.
    """

    page: Path
    text: Path
    standings: str
    verdict: tuple[str, ...]


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
    main = comparable.under(rows, comparable.main_variant(rows))
    table = standings(comparable.shared(main) if len(runs) > FEW_SETTINGS else main)
    pictures = folder / "figures"
    pictures.mkdir(parents=True, exist_ok=True)
    parts = of_few if len(runs) <= FEW_SETTINGS else of_many
    sections = [
        *_standings(table, main),
        *parts(runs, rows, pictures),
        *_replica(results, order),
        Section("Definitions", "In full: docs/metrics.md.", tables=(DEFINITIONS,)),
    ]
    failures = store.failures()
    verdict = tuple(sentences(results, rows, failures))
    lead = _lead(results, failures)
    made_with = [*commands(folder), f"python -m bench report {shown(folder)}"]
    html, text = folder / "report.html", folder / "report.md"
    html.write_text(page(folder.name, verdict, lead, made_with, sections), encoding="utf-8")
    text.write_text(markdown(folder.name, verdict, lead, made_with, sections), encoding="utf-8")
    shown_table = standings_table(table).markdown() if table else _without(rows, main)
    return Report(html, text, shown_table, verdict)


def tell(folder: Path) -> None:
    """Writes the report, and prints what it says: a small table, and last the verdict."""
    report = write_report(folder)
    print(report.standings, end="\n\n")
    print("\n".join(report.verdict))
    print(f"Open {report.page}; the same as text: {report.text.name}")


def _without(rows: Sequence[Row], main: Sequence[Row]) -> str:
    """Why there are no scores, and a small table of each setting."""
    missing = f"no standings: {_why_none(main)}"
    settings = dict.fromkeys(row.setting for row in rows)
    tables = [compact_table([row for row in rows if row.setting == name]) for name in settings]
    return "\n\n".join([missing, *(f"{table.title}\n{table.markdown()}" for table in tables)])


def _why_none(main: Sequence[Row]) -> str:
    """Why none of these rows has a score."""
    if not main:
        return f"nothing was run on the same seeds as {REFERENCE}"
    if not any(row.strategy == BEST for row in main):
        return f"{BEST}, the unit of the score, was not run"
    if all(len(row.seeds) < LEAST_SEEDS for row in main):
        return f"no setting has the {LEAST_SEEDS} seeds that a score needs"
    if not any(row.headroom_S.size for row in main):
        return (
            f"on no setting was {BEST}, the unit of the score, run on all of {LEAST_SEEDS} seeds "
            f"or more and gained enough over {REFERENCE}"
        )
    return "no setting with a score has all strategies that were run on at least half of them"


def record_command(folder: Path, command: str) -> None:
    """Remembers a command that contributed cells, so that the report can name it."""
    others = [known for known in commands(folder) if known != command]
    with atomic(folder / COMMANDS) as temporary:
        temporary.write_text(json.dumps([*others, command], indent=1), encoding="utf-8")


def shown(path: Path) -> str:
    """A path as a reader can use it: relative as it is, otherwise its last part."""
    return path.name if path.is_absolute() else str(path)


def commands(folder: Path) -> list[str]:
    """The commands that contributed cells, as `record_command` remembers them."""
    path = folder / COMMANDS
    if not path.exists():
        return []
    try:
        return list(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}): delete it; no result is lost") from None


def _standings(table: Sequence[Standing], rows: Sequence[Row]) -> list[Section]:
    """The leaderboard of one variant, whose rows these are."""
    entered = max((standing.settings for standing in table), default=0)
    text = (
        f"Gain in held-out solve rate over {REFERENCE} at equal rollouts, in units of the gain "
        f"oracle's on the same setting; mean over {entered} of {comparable.counted(rows)}, 95 % "
        "bootstrap interval over seeds. Oracles see the truth and are no rivals. Settings with "
        f"fewer than {LEAST_SEEDS} seeds do not enter, nor do those on which the gain oracle gains "
        "little (less than a tenth of what shuffle learns, or not clearly). "
        f"{_shared_by(table, rows)} {_law_of(rows)} {_price_of(rows)}".strip()
    )
    return [Section("Standings", text, tables=(standings_table(table),))] if table else []


def _shared_by(table: Sequence[Standing], rows: Sequence[Row]) -> str:
    """Which settings and strategies are left out of the table for the sake of the others."""
    listed = {standing.strategy for standing in table}
    rare = [name for name in comparable.left_out(rows) if name not in listed]
    text = (
        f"With more than {FEW_SETTINGS} settings, a setting enters if it has every strategy that "
        "was run on at least half of them, and only these are listed."
    )
    return f"{text} Not listed: {', '.join(rare)}." if rare else text


def _law_of(rows: Sequence[Row]) -> str:
    """What the standings take for granted about learning, where it is a simulated learner's."""
    if not rows or all(row.repetition_visits is None for row in rows):
        return ""
    variant = comparable.main_variant(rows)
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


def _replica(results: Sequence[CellResult], order: Sequence[str]) -> list[Section]:
    rows = summarize([result for result in results if paper.is_replica(result)])
    rows.sort(key=lambda row: order.index(row.strategy))
    table = paper.comparison(rows)
    if table is None:
        return []
    text = f"{paper.NOTE} Agreement with the paper: {paper.agreement(rows)}."
    return [Section("guru15 and the paper", text, tables=(table,))]


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

"""One self-contained HTML page and a Markdown file about a folder of results."""

import base64
import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import figures, paper
from bench.store import CellId, CellResult, Store, seeds_of
from bench.strategies import REFERENCE, STRATEGIES
from bench.summary import Row, standings, summarize
from bench.tables import INDISTINCT, Table, setting_tables, standings_table

COMMANDS = "commands.json"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, a paragraph, and below it a picture or tables."""

    title: str
    text: str
    picture: Path | None = None
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Where a report was written, and its leaderboard (empty without a gain oracle)."""

    page: Path
    text: Path
    standings: str


def write_report(folder: Path) -> Report:
    """Writes `report.html` and `report.md` with its pictures into the folder.

    Raises:
        ValueError: when the folder holds no finished cell.
    """
    store = Store(folder)
    results = store.load()
    if not results:
        raise ValueError(
            f"{folder} holds no finished cell: run `python -m bench run` into it first"
        )
    order = list(dict.fromkeys([*STRATEGIES, *(result.cell.strategy for result in results)]))
    runs = figures.group(results, order)
    rows = sorted(summarize(results), key=lambda row: order.index(row.strategy))
    pictures = _draw(runs, rows, folder / "figures")
    sections = [*_overview(rows, pictures), *_details(runs, rows)]
    lead = _lead(results, store.failures())
    commands = [*_commands(folder), f"python -m bench report {shown(folder)}"]
    page, text = folder / "report.html", folder / "report.md"
    page.write_text(_page(folder.name, lead, commands, sections))
    text.write_text(_markdown(folder.name, lead, commands, sections))
    table = standings(rows)
    return Report(page, text, standings_table(table).markdown() if table else "")


def record_command(folder: Path, command: str) -> None:
    """Remembers a command that contributed cells, so that the report can name it."""
    folder.mkdir(parents=True, exist_ok=True)
    commands = [c for c in _commands(folder) if c != command]
    (folder / COMMANDS).write_text(json.dumps([*commands, command], indent=1))


def shown(path: Path) -> str:
    """A path as a reader can use it: relative as it is, otherwise its last part."""
    return path.name if path.is_absolute() else str(path)


def _commands(folder: Path) -> list[str]:
    path = folder / COMMANDS
    return json.loads(path.read_text()) if path.exists() else []


def _draw(runs: figures.Runs, rows: Sequence[Row], folder: Path) -> dict[str, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    names = ("learning", "ttb", "etr", "difficulty", "calibration")
    paths = {name: folder / f"{name}.png" for name in names}
    figures.learning_curves(runs, paths["learning"])
    figures.time_to_best(rows, paths["ttb"])
    figures.informative_share(runs, paths["etr"])
    figures.difficulty(runs, paths["difficulty"])
    figures.calibration(runs, paths["calibration"])
    return paths


def _overview(rows: Sequence[Row], pictures: dict[str, Path]) -> list[Section]:
    table = standings(rows)
    sections = []
    if table:
        sections.append(
            Section(
                "Standings",
                f"Gain in held-out solve rate over {REFERENCE} at equal rollouts, in units of what "
                "the gain oracle gains on the same setting: interquartile mean over seeds and "
                "settings, 95 % bootstrap interval over seeds. Oracles see the truth and are no "
                "rivals. Settings on which nothing can be learnt do not enter.",
                tables=(standings_table(table),),
            )
        )
    texts = {
        "learning": (
            "Learning curves",
            "Mean over seeds with 95 % bootstrap bands. Every rollout that was generated is on the "
            f"horizontal axis. Below, the difference to {REFERENCE} on the same seed: pools and "
            "random numbers are shared, so their noise cancels.",
        ),
        "ttb": (
            "Time to best",
            f"Left of the dashed line is faster than {REFERENCE}. 95 % intervals.",
        ),
        "etr": (
            "Informative groups",
            "Share of all generated groups that hold both successes and failures.",
        ),
        "difficulty": (
            "What was trained on",
            "True solve rates of the trained tasks, right after the step. Dark at the bottom: "
            "hopeless tasks; dark at the top: solved ones.",
        ),
        "calibration": (
            "Beliefs at the end",
            "On the diagonal, tasks are solved as often as predicted. Strategies without beliefs "
            "are left out.",
        ),
    }
    return sections + [Section(*texts[name], picture=path) for name, path in pictures.items()]


def _details(runs: figures.Runs, rows: Sequence[Row]) -> list[Section]:
    sections = []
    replica = paper.comparison(rows)
    if replica:
        correlations = ", ".join(
            f"{figure} {value:+.2f} over {count} rows"
            for figure in ("TTB 50 %", "TTB 100 %")
            for value, count in [paper.rank_correlation(rows, figure)]
        )
        text = f"{paper.NOTE} Rank correlation with the paper: {correlations}."
        sections.append(Section("guru15 and the paper", text, tables=(replica,)))
    for setting in runs:
        mine = [row for row in rows if row.setting == setting]
        if mine:
            text = (
                f"{max(row.seeds for row in mine)} paired seeds. Means with 95 % bootstrap "
                f"intervals; TTB: medians of paired ratios to {REFERENCE}. {INDISTINCT}: not "
                f"distinguishable from {REFERENCE}."
            )
            sections.append(Section(setting, text, tables=tuple(setting_tables(mine))))
        else:
            text = f"No run of {REFERENCE} on these seeds to compare with."
            sections.append(Section(setting, text))
    return sections


def _lead(results: Sequence[CellResult], failures: Sequence[tuple[CellId, str]]) -> list[str]:
    makers = sorted(
        {
            f"version {maker['version']}, commit {maker['commit']}, Python {maker['python']}, "
            f"NumPy {maker['numpy']}"
            for maker in (result.extra["made_by"] for result in results)
        }
    )
    lines = [
        f"{len(results)} cells, seeds {seeds_of(results)[0]} to {seeds_of(results)[-1]}. "
        f"Made by {'; '.join(makers)}.",
        "Definitions: docs/metrics.md.",
    ]
    if failures:
        lines.append(f"{len(failures)} CELLS FAILED and are missing below:")
        lines += [f"{cell}: {error.strip().splitlines()[-1]}" for cell, error in failures]
    return lines


def _markdown(
    title: str, lead: Sequence[str], commands: Sequence[str], sections: Sequence[Section]
) -> str:
    parts = [f"# {title}", *lead, "```\n" + "\n".join(commands) + "\n```"]
    for section in sections:
        parts += [f"## {section.title}", section.text]
        if section.picture:
            parts.append(f"![{section.title}](figures/{section.picture.name})")
        for table in section.tables:
            parts += [f"**{table.title}**", table.markdown()]
    return "\n\n".join(parts) + "\n"


def _page(
    title: str, lead: Sequence[str], commands: Sequence[str], sections: Sequence[Section]
) -> str:
    source = html.escape("; ".join(commands))
    body = [f"<h1>BOTS benchmark: {html.escape(title)}</h1>"]
    body += [f"<p>{html.escape(line)}</p>" for line in lead]
    body.append("<pre>" + html.escape("\n".join(commands)) + "</pre>")
    for section in sections:
        body.append(f"<h2>{html.escape(section.title)}</h2><p>{html.escape(section.text)}</p>")
        if section.picture:
            data = base64.b64encode(section.picture.read_bytes()).decode()
            alt = html.escape(section.title)
            body.append(
                f'<figure><img alt="{alt}" src="data:image/png;base64,{data}">'
                f"<figcaption>{source}</figcaption></figure>"
            )
        for table in section.tables:
            body.append(f"<h3>{html.escape(table.title)}</h3><div>{table.html()}</div>")
    style = (Path(__file__).parent / "report.css").read_text()
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width, initial-scale=1">'
        f"<title>BOTS benchmark: {html.escape(title)}</title><style>{style}</style>"
        f"<body><main>{''.join(body)}</main></body></html>"
    )

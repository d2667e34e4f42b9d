"""Tables of results, as Markdown and as HTML from one description."""

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.stats import Estimate
from bench.strategies import REFERENCE
from bench.summary import BELIEF_SCORES, FRACTIONS_BSF, FRACTIONS_TTB, Row, Standing

INDISTINCT = "≈"


@dataclass(frozen=True, slots=True)
class Table:
    """Cells of text under headings; the first column names the row."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """The table in Markdown, numbers right-aligned."""
        rule = ["---", *["---:"] * (len(self.headings) - 1)]
        lines = [_escaped(self.headings), rule, *(_escaped(row) for row in self.rows)]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    def html(self) -> str:
        """The table in HTML."""
        head = "".join(f"<th>{html.escape(text)}</th>" for text in self.headings)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + "</tr>"
            for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _escaped(row: tuple[str, ...]) -> list[str]:
    return [cell.replace("|", "\\|").replace("<", "&lt;") for cell in row]


def standings_table(standings: Sequence[Standing]) -> Table:
    """The leaderboard."""
    return Table(
        "All settings together, at equal rollouts",
        ("strategy", f"score ({REFERENCE} 0, oracle-gain 1)", f"P(beats {REFERENCE})", "settings"),
        tuple(
            (s.strategy, _interval(s.score, 2), _interval(s.win_rate, 2), str(s.settings))
            for s in standings
        ),
    )


def setting_tables(rows: Sequence[Row]) -> list[Table]:
    """Tables about one setting: learning (unless nothing can be learnt), groups, beliefs."""
    learns = any(np.isfinite(row.figures["ttb50_steps"].value) for row in rows)
    tables = [_learning(rows, "rollouts"), _learning(rows, "steps")] if learns else []
    tables.append(_groups(rows))
    believers = [row for row in rows if np.isfinite(row.figures["brier"].value)]
    if believers:
        tables.append(_beliefs(believers))
    return tables


def ratio(row: Row, name: str) -> str:
    """A TTB with its interval, and in how many seeds the target was reached unless in all."""
    estimate, reached = row.figures[name], int(np.isfinite(row.values[name]).sum())
    if np.isnan(estimate.value):
        return "-"
    share = "" if reached == row.seeds else f" ({reached}/{row.seeds} seeds)"
    if np.isinf(estimate.value):
        return f"not reached{share}"
    return _interval(estimate, 2) + share


def _learning(rows: Sequence[Row], axis: str) -> Table:
    columns: list[tuple[str, Callable[[Row], str]]] = []
    if axis == "rollouts":
        columns = [
            ("held-out", lambda row: _interval(row.figures["final"], 3)),
            (f"gain over {REFERENCE}", _gain),
            (f"P(beats {REFERENCE})", lambda row: _interval(row.figures["win"], 2)),
            ("area", lambda row: _interval(row.figures["area"], 3)),
            ("pool", lambda row: _interval(row.figures["pool"], 3)),
        ]
    for percent in FRACTIONS_TTB:
        name = f"ttb{percent}_{axis}"
        columns.append((f"TTB {percent} %", lambda row, name=name: ratio(row, name)))
    for percent in FRACTIONS_BSF:
        name = f"bsf{percent}_{axis}"
        columns.append((f"BSF {percent} %", lambda row, name=name: _interval(row.figures[name], 3)))
    return _table(f"Learning, at equal {axis}", rows, columns)


def _groups(rows: Sequence[Row]) -> Table:
    def share(name: str) -> Callable[[Row], str]:
        return lambda row: _interval(row.figures[name], 2)

    def count(name: str) -> Callable[[Row], str]:
        return lambda row: f"{row.figures[name].value:,.0f}"

    return _table(
        "What was rolled out and trained on",
        rows,
        [
            ("ETR", share("etr")),
            ("early", share("etr_early")),
            ("mid", share("etr_mid")),
            ("late", share("etr_late")),
            ("all wrong", share("all_wrong")),
            ("all right", share("all_right")),
            ("distinct tasks", count("distinct_tasks")),
            ("most visits", count("most_visits")),
            ("rollouts", count("rollouts")),
            ("trained", count("trained")),
            ("selection ms/step", lambda row: f"{row.figures['selection_ms'].value:.2f}"),
        ],
    )


def _beliefs(rows: Sequence[Row]) -> Table:
    names = ("Brier", "log-loss", "calibration error", "ROC-AUC")
    columns: list[tuple[str, Callable[[Row], str]]] = [
        (heading, lambda row, key=key: _interval(row.figures[key], 3))
        for heading, key in zip(names, BELIEF_SCORES, strict=True)
    ]
    return _table("Predicted solve rates, mean over the run", rows, columns)


def _table(
    title: str, rows: Sequence[Row], columns: Sequence[tuple[str, Callable[[Row], str]]]
) -> Table:
    return Table(
        title,
        ("strategy", *(heading for heading, _ in columns)),
        tuple((row.strategy, *(cell(row) for _, cell in columns)) for row in rows),
    )


def _gain(row: Row) -> str:
    if row.strategy == REFERENCE:
        return "0"
    text = _interval(row.figures["difference"], 4, signed=True)
    return text if row.differs else f"{INDISTINCT} {text}"


def _interval(estimate: Estimate, digits: int, signed: bool = False) -> str:
    if np.isnan(estimate.value):
        return "-"
    sign = "+" if signed else ""

    def text(value: float) -> str:
        if np.isinf(value):
            return "∞"
        return f"{round(value, digits) + 0.0:{sign}.{digits}f}"

    return f"{text(estimate.value)} [{text(estimate.low)}, {text(estimate.high)}]"

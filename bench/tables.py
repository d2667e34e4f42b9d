"""Tables of results, as Markdown and as HTML from one description."""

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.metrics import ALL_AXES
from bench.run_figures import FRACTIONS_BSF, FRACTIONS_TTB, TIME_PHASES
from bench.stats import Estimate
from bench.strategies import REFERENCE
from bench.summary import Row, Standing

INDISTINCT = "≈"

Column = tuple[str, Callable[[Row], str]]


@dataclass(frozen=True, slots=True)
class Table:
    """Cells of text under headings; the first column names the row."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def transposed(self) -> "Table":
        """The same with rows for columns."""
        (corner, *headings), *columns = zip(self.headings, *self.rows, strict=True)
        return Table(self.title, (corner, *headings), tuple(columns))

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


def standings_table(standings: Sequence[Standing]) -> Table:
    """The leaderboard."""
    most = max((standing.settings for standing in standings), default=0)
    return Table(
        "All settings together, at equal rollouts",
        ("strategy", f"score ({REFERENCE} 0, oracle-gain 1)", f"P(beats {REFERENCE})", "settings"),
        tuple(
            (
                s.strategy,
                interval(s.score, 2),
                interval(s.win_rate, 2),
                str(most) if s.settings == most else f"only {s.settings} of {most}",
            )
            for s in standings
        ),
    )


def setting_tables(rows: Sequence[Row]) -> list[Table]:
    """Tables about one setting: learning (unless nothing can be learnt), groups, beliefs."""
    learns = any(np.isfinite(row.figures["ttb50_steps"].value) for row in rows)
    tables = [_learning(rows), _other_axes(rows)] if learns else []
    tables.append(_groups(rows))
    if "seconds_per_step" in rows[0].figures:
        tables.append(_time(rows))
    believers = [row for row in rows if np.isfinite(row.figures["brier"].value)]
    return [*tables, _beliefs(believers)] if believers else tables


def compact_table(rows: Sequence[Row]) -> Table:
    """What matters most about one setting, in as many columns as a terminal has room for."""
    return _table(
        rows[0].setting,
        rows,
        [
            ("seeds", lambda row: str(len(row.seeds))),
            _figure("held-out", "final", 3),
            (f"gain over {REFERENCE}", _gain),
            (f"rollouts to {REFERENCE}'s best", lambda row: ratio(row, "ttb100_rollouts")),
            _figure("groups that teach", "etr", 2),
        ],
    )


def ratio(row: Row, name: str) -> str:
    """A TTB with its interval, and in how many seeds the target was reached unless in all."""
    estimate, reached = row.figures[name], int(np.isfinite(row.values[name]).sum())
    if np.isnan(estimate.value):
        return "-"
    share = "" if reached == len(row.seeds) else f" ({reached}/{len(row.seeds)} seeds)"
    if np.isinf(estimate.value):
        return f"> {row.horizon:g}{share}"
    return interval(estimate, 2) + share


def interval(estimate: Estimate, digits: int, signed: bool = False) -> str:
    """A figure with its interval, without one where there are too few seeds, or a dash."""
    if np.isnan(estimate.value):
        return "-"
    parts = (estimate.value, estimate.low, estimate.high)
    value, low, high = (number(part, digits, signed) for part in parts)
    return value if np.isnan(estimate.low) else f"{value} [{low}, {high}]"


def number(value: float, digits: int, signed: bool = False) -> str:
    """A rounded figure, never -0."""
    sign = "+" if signed else ""
    return "∞" if np.isinf(value) else f"{round(value, digits) + 0.0:{sign}.{digits}f}"


def _escaped(row: Sequence[str]) -> list[str]:
    return [cell.replace("|", "\\|").replace("<", "&lt;") for cell in row]


def _learning(rows: Sequence[Row]) -> Table:
    columns: list[Column] = [
        ("seeds", lambda row: str(len(row.seeds))),
        _figure("at the start", "start", 3),
        _figure("held-out", "final", 3),
        (f"gain over {REFERENCE}", _gain),
        _figure(f"P(beats {REFERENCE})", "win", 2),
        _figure("area", "area", 3),
        _figure("pool", "pool", 3),
    ]
    return _table("Learning, at equal rollouts", rows, [*columns, *_ratio_columns("rollouts")])


def _ratio_columns(axis: str) -> list[Column]:
    columns: list[Column] = []
    for percent in FRACTIONS_TTB:
        name = f"ttb{percent}_{axis}"
        columns.append((f"TTB {percent} %", lambda row, name=name: ratio(row, name)))
    return columns + [_figure(f"BSF {p} %", f"bsf{p}_{axis}", 3) for p in FRACTIONS_BSF]


def _other_axes(rows: Sequence[Row]) -> Table:
    """TTB and BSF where they are not at equal rollouts, two of each."""
    axes = [axis for axis in ALL_AXES if f"ttb50_{axis}" in rows[0].figures and axis != "rollouts"]
    columns: list[Column] = []
    for axis in axes:
        for percent in (50, 100):
            name = f"ttb{percent}_{axis}"
            heading = f"TTB {percent} % in {axis}"
            columns.append((heading, lambda row, name=name: ratio(row, name)))
        columns.append(_figure(f"BSF 100 % in {axis}", f"bsf100_{axis}", 3))
    return _table(f"Learning, at equal {_listed(axes)}", rows, columns)


def _listed(words: Sequence[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _groups(rows: Sequence[Row]) -> Table:
    return _table(
        "What was rolled out and trained on, at equal rollouts",
        rows,
        [
            _figure("ETR", "etr", 2),
            _figure("early", "etr_early", 2),
            _figure("mid", "etr_mid", 2),
            _figure("late", "etr_late", 2),
            _figure("all wrong", "all_wrong", 2),
            _figure("all right", "all_right", 2),
            _figure("trained", "trained_share", 2),
            _count("distinct tasks", "distinct_tasks"),
            _count("most visits", "most_visits"),
            _count("offline rollouts", "offline_rollouts"),
            _count("forward passes", "forward_passes"),
            ("selection ms/step", lambda row: f"{row.figures['selection_ms'].value:.2f}"),
        ],
    )


def _time(rows: Sequence[Row]) -> Table:
    def share(heading: str, name: str) -> Column:
        return heading, lambda row: f"{100 * row.figures[name].value:.1f} %"

    phases = [p for p in TIME_PHASES if any(row.figures[f"time_{p}"].value > 0 for row in rows)]
    return _table(
        "Where the time goes, evaluations left out",
        rows,
        [
            _figure("seconds/step", "seconds_per_step", 3),
            *(share(name, f"time_{name}") for name in phases),
            ("selection", lambda row: f"{100 * row.figures['time_selection'].value:.2f} %"),
            (
                "tokens/s of generation",
                lambda row: f"{row.figures['tokens_per_second'].value:,.0f}",
            ),
            ("thousand tokens", lambda row: f"{row.figures['kilotokens'].value:,.0f}"),
        ],
    )


def _beliefs(rows: Sequence[Row]) -> Table:
    return _table(
        "Predicted solve rates, mean over the run",
        rows,
        [
            _figure("Brier", "brier", 3),
            _figure("excess", "brier_excess", 3),
            _figure("log-loss", "log_loss", 3),
            _figure("excess", "log_loss_excess", 3),
            _figure("calibration error", "calibration_error", 3),
            _figure("ROC-AUC", "auc", 3),
        ],
    )


def _count(heading: str, name: str) -> Column:
    return heading, lambda row: f"{row.figures[name].value:,.0f}"


def _figure(heading: str, name: str, digits: int) -> Column:
    return heading, lambda row: interval(row.figures[name], digits)


def _table(title: str, rows: Sequence[Row], columns: Sequence[Column]) -> Table:
    return Table(
        title,
        ("strategy", *(heading for heading, _ in columns)),
        tuple((row.strategy, *(cell(row) for _, cell in columns)) for row in rows),
    )


def _gain(row: Row) -> str:
    if row.strategy == REFERENCE:
        return "0"
    text = interval(row.figures["difference"], 4, signed=True)
    return text if row.differs else f"{INDISTINCT} {text}"

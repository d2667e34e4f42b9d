"""A page per strategy: what it does, from its docstring; how it fares, from the contest."""

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import stats
from bench.contest.aggregate import pooled_iqm, sample
from bench.contest.runs import CHARGED, ROLLOUTS, Run
from bench.contest.scores import Scores, grouped, score
from bench.entry import Entry
from bench.roster import FAMILIES, STRATEGIES
from bench.stats import Estimate
from bench.strategies import REFERENCE, tuned
from bench.tables import INDISTINCT, Table, interval, number
from bots import BOTS_VARIANTS

_SKIPPED = ("Args:", "Raises:", "Example:", "Attributes:")
_KNOWLEDGE = {
    "references": "the solve rates of all reference models",
    "weak": "the solve rates of one reference model",
    "domains": "domain labels",
    "features": "an embedding of every task",
}
_MOST_LISTED = 3
_CONTRASTS = {
    "base@steep": "a steep price of repetition",
    "base@maxrl": "MaxRL's advantages",
    "bad_refs": "poor references",
    "noisy30": "30 % of labels wrong or flaky",
}


@dataclass(frozen=True, slots=True)
class Contest:
    """The scores and runs that pages are about."""

    scores: Scores
    cells: Mapping[str, Mapping[str, Mapping[int, Run]]]
    headline: Mapping[str, Estimate]

    @staticmethod
    def of(runs: Sequence[Run]) -> "Contest":
        """Scores and intervals of all runs."""
        scores = score(runs)
        return Contest(scores, grouped(runs), _headline(scores))

    def gains(self, strategy: str) -> dict[str, Estimate]:
        """By scenario, its score with Student's interval over paired seeds."""
        row_MS = self.scores.scores[ROLLOUTS][self.scores.strategies.index(strategy)]
        return {
            name: stats.paired(values[np.isfinite(values)])
            for name, values in zip(self.scores.scenarios, row_MS, strict=True)
            if np.isfinite(values).any()
        }

    def mean(self, strategy: str, scenario: str, figure: str) -> float:
        """A figure of `Run.shares`, mean over seeds."""
        runs = self.cells[scenario].get(strategy, {}).values()
        return float(np.mean([run.shares[figure] for run in runs])) if runs else float("nan")


def _headline(scores: Scores) -> dict[str, Estimate]:
    """Interquartile means of the strategies that were run everywhere."""
    everywhere_K = np.asarray(scores.complete_KM.all(axis=1))
    scores_KMS = scores.scores[ROLLOUTS][everywhere_K]
    found = pooled_iqm(sample(scores.scenarios, scores_KMS), np.random.default_rng(0))
    names = [name for name, there in zip(scores.strategies, everywhere_K, strict=True) if there]
    return {
        name: Estimate(float(found.value[k]), float(found.low[k]), float(found.high[k]))
        for k, name in enumerate(names)
    }


def write_pages(contest: Contest, folder: Path, command: str) -> list[Path]:
    """Writes an index and a page per strategy of the roster; where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    index = folder.with_suffix(".md")
    index.write_text(_index(contest, folder.name, command), encoding="utf-8")
    paths = [index]
    for name, entry in STRATEGIES.items():
        path = folder / f"{name}.md"
        path.write_text(_page(name, entry, contest), encoding="utf-8")
        paths.append(path)
    return paths


def _index(contest: Contest, folder: str, command: str) -> str:
    parts = [
        "# Strategies",
        "Every strategy of the roster, by what it goes by. Score: gain in held-out solve rate over "
        f"{REFERENCE} at equal rollouts, in units of the gain oracle's, interquartile mean over "
        "scenarios and paired seeds with a 95 % interval. Each page has the method, its source, "
        "its costs and where we had to choose, from the docstring of the code, and where it wins "
        f"and loses in the contest. {INDISTINCT}: not distinguishable from {REFERENCE}. Made by "
        f"`{command}`.",
    ]
    for family, entries in FAMILIES.items():
        rows = tuple(
            (
                f"[{name}]({folder}/{name}.md)",
                entry.summary,
                ", ".join(entry.sees) or "nothing",
                _marked(contest.headline.get(name)),
                _marked(contest.headline.get(f"{name}:tuned")),
            )
            for name, entry in entries.items()
        )
        headings = ("strategy", "", "sees", "as published", "tuned")
        parts += [f"## {family}", Table("", headings, rows).markdown()]
    return "\n\n".join(parts) + "\n"


def _marked(estimate: Estimate | None) -> str:
    if estimate is None:
        return "-"
    covers = estimate.low <= 0 <= estimate.high
    return f"{INDISTINCT} {interval(estimate, 2)}" if covers else interval(estimate, 2)


def _page(name: str, entry: Entry, contest: Contest) -> str:
    text, arguments = _documentation(inspect.getdoc(entry.page) or "")
    parts = [f"# {name}", f"*{entry.family}*: {entry.summary}.", text]
    sees = ", ".join(_KNOWLEDGE[item] for item in entry.sees) or "nothing but feedback"
    parts.append(f"**Sees** {sees}." if not entry.oracle else "**Sees** the truth.")
    options = _options(name, entry, arguments)
    if options.rows:
        parts += ["## Options", options.markdown()]
    if name in contest.scores.strategies and name != REFERENCE:
        parts += ["## In the contest", *_results(name, contest)]
    return "\n\n".join(parts) + "\n"


def _documentation(docstring: str) -> tuple[str, dict[str, str]]:
    """The prose of a docstring in Markdown, and what it says of each argument."""
    blocks = re.split(r"\n(?=\S[^\n]*:\n    )", docstring)
    prose = [b for b in blocks if not b.lstrip().startswith(_SKIPPED)]
    listed = "\n".join(b for b in blocks if b.lstrip().startswith("Args:"))
    found = re.findall(r"^    (\w+): (.*(?:\n        .*)*)", listed, re.MULTILINE)
    arguments = {name: re.sub(r"\s+", " ", text) for name, text in found}
    return re.sub(r"::\n", ":\n", "\n\n".join(part.strip("\n") for part in prose)), arguments


def _options(name: str, entry: Entry, arguments: Mapping[str, str]) -> Table:
    found = tuned().get(name, {})
    parameters = inspect.signature(entry.make).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}
    if name in BOTS_VARIANTS:
        defaults |= asdict(BOTS_VARIANTS[name])
    rows = tuple(
        (
            option,
            _plain(defaults[option]) if option in defaults else "",
            _plain(found[option]) if option in found else "",
            arguments.get(option, ""),
        )
        for option in dict.fromkeys([*defaults, *found])
    )
    return Table("", ("option", "as published", "tuned", "meaning"), rows)


def _plain(value: Any) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _results(name: str, contest: Contest) -> list[str]:
    gains = contest.gains(name)
    table = Table(
        "",
        (
            "scenario",
            "score",
            "tuned",
            f"informative groups ({REFERENCE})",
            "rollouts trained on",
            f"distinct tasks ({REFERENCE})",
            "most visits",
        ),
        tuple(_result(name, scenario, found, contest) for scenario, found in gains.items()),
    )
    return [_verdict(name, gains, contest), table.markdown(), "**Why.** " + _why(name, contest)]


def _result(name: str, scenario: str, found: Estimate, contest: Contest) -> tuple[str, ...]:
    def both(figure: str, form: str) -> str:
        mine, its = (contest.mean(who, scenario, figure) for who in (name, REFERENCE))
        return f"{mine:{form}} ({its:{form}})"

    other = f"{name}:tuned"
    better = contest.gains(other).get(scenario) if other in contest.scores.strategies else None
    return (
        scenario,
        _marked(found),
        _marked(better),
        both("etr", ".2f"),
        f"{100 * contest.mean(name, scenario, 'trained_share'):.0f} %",
        both("distinct_tasks", ",.0f"),
        f"{contest.mean(name, scenario, 'most_visits'):,.0f}",
    )


def _verdict(name: str, gains: Mapping[str, Estimate], contest: Contest) -> str:
    order = sorted(gains, key=lambda scenario: -gains[scenario].value)
    wins = [s for s in order if gains[s].low > 0]
    losses = [s for s in reversed(order) if gains[s].high < 0]
    headline = contest.headline.get(name)
    overall = f"Over all scenarios: {_marked(headline)}. " if headline else ""
    return (
        f"{overall}Better than {REFERENCE} on {len(wins)} of {len(gains)} scenarios"
        f"{_listed(wins, gains)}; worse on {len(losses)}{_listed(losses, gains)}."
    )


def _listed(names: Sequence[str], gains: Mapping[str, Estimate]) -> str:
    shown = [f"{s} {number(gains[s].value, 2, signed=True)}" for s in names[:_MOST_LISTED]]
    return f" (most on {', '.join(shown)})" if shown else ""


def _why(name: str, contest: Contest) -> str:
    """What was measured of how it works, in sentences."""
    scenarios = [s for s in contest.scores.scenarios if name in contest.cells[s]]

    def over(strategy: str, figure: str) -> float:
        return float(np.mean([contest.mean(strategy, s, figure) for s in scenarios]))

    sentences = [
        f"{100 * over(name, 'etr'):.0f} % of the groups that it generates are informative, "
        f"{100 * over(REFERENCE, 'etr'):.0f} % under {REFERENCE}, mean over scenarios."
    ]
    trained = over(name, "trained_share")
    if trained < 0.97:
        sentences.append(f"It trains on {100 * trained:.0f} % of the rollouts that it pays for.")
    elif trained > 1.03:
        sentences.append(f"It trains on each rollout {trained:.2f} times.")
    ratio = over(name, "distinct_tasks") / over(REFERENCE, "distinct_tasks")
    if ratio < 0.9:
        sentences.append(f"It trains on {100 * ratio:.0f} % as many distinct tasks.")
    offline = float(np.mean([_offline(name, scenario, contest) for scenario in scenarios]))
    if offline > 0:
        charged = contest.scores.scores[CHARGED][contest.scores.strategies.index(name)]
        sentences.append(
            f"Its labels cost {offline:.2f} times the rollouts of a run; charged for them, its "
            f"mean score is {number(float(np.nanmean(charged)), 2)}."
        )
    return " ".join([*sentences, *_contrasts(name, contest)])


def _offline(name: str, scenario: str, contest: Contest) -> float:
    """Rollouts behind its labels, in units of what a run generates."""
    runs = contest.cells[scenario][name].values()
    return float(np.mean([run.offline_rollouts / run.budgets[ROLLOUTS] for run in runs]))


def _contrasts(name: str, contest: Contest) -> list[str]:
    """How its score changes with one condition."""
    gains = contest.gains(name)
    if "base" not in gains:
        return []
    changed = [
        f"{number(gains[scenario].value, 2, signed=True)} under {words} ({scenario})"
        for scenario, words in _CONTRASTS.items()
        if scenario in gains
    ]
    start = number(gains["base"].value, 2, signed=True)
    return [f"Its score is {start} on `base`, and " + ", ".join(changed) + "."] if changed else []

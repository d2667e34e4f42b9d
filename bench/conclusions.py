"""Which strategy beats which, scenario by scenario and law by law."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bench import stats
from bench.scenario_choice import split
from bench.stats import Estimate
from bench.summary import Row
from bench.tables import Table, number
from simulator import SCENARIOS, VARIANTS

DEFAULT = "default"
DEFAULT_LAW = "GRPO, α = 0.5, free repetition"
PAIRS = (
    ("bots", "shuffle"),
    ("bots-greedy", "shuffle"),
    ("easy-to-hard", "shuffle"),
    ("mopps", "shuffle"),
    ("bots-explicit", "shuffle"),
    ("bots", "easy-to-hard"),
    ("bots", "mopps"),
    ("bots-greedy", "bots"),
    ("oracle-target", "shuffle"),
    ("oracle-target", "bots"),
    ("oracle-gain", "oracle-target"),
)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """Whether one strategy beats another on one setting.

    Attributes:
        scenario: where, variants left out.
        variant: under which law; `DEFAULT` for none.
        better: the strategy that is claimed to be better ...
        worse: ... than this one.
        gain: difference in held-out solve rate at equal rollouts, paired over seeds.
    """

    scenario: str
    variant: str
    better: str
    worse: str
    gain: Estimate

    @property
    def verdict(self) -> str:
        """`holds` or `reversed` where the interval excludes 0, otherwise `undecided`."""
        if self.gain.low > 0:
            return "holds"
        return "reversed" if self.gain.high < 0 else "undecided"


def conclusions(rows: Sequence[Row]) -> list[Conclusion]:
    """All of `PAIRS` on every setting that has runs of both on seeds in common."""
    by_setting: dict[str, dict[str, Row]] = {}
    for row in rows:
        by_setting.setdefault(row.setting, {})[row.strategy] = row
    return [
        Conclusion(*place(setting), better, worse, _difference(of[better], of[worse]))
        for setting in in_catalogue_order(by_setting)
        for of in [by_setting[setting]]
        for better, worse in PAIRS
        if better in of and worse in of and set(of[better].seeds) & set(of[worse].seeds)
    ]


def place(setting: str) -> tuple[str, str]:
    """The scenario and the variant of a setting."""
    scenario, variant = split(setting)
    return scenario, variant or DEFAULT


def in_order(variants: Iterable[str]) -> list[str]:
    """Variants, each once: the default, those of the catalogue, then combinations of them."""
    order = [DEFAULT, *VARIANTS]
    return sorted(set(variants), key=lambda v: (order.index(v) if v in order else len(order), v))


def in_catalogue_order(settings: Iterable[str]) -> list[str]:
    """Settings, each once: scenarios of the catalogue first."""
    known = list(SCENARIOS)

    def where(setting: str) -> int:
        scenario = place(setting)[0]
        return known.index(scenario) if scenario in known else len(known)

    return sorted(dict.fromkeys(settings), key=where)


def counts_table(found: Sequence[Conclusion]) -> Table:
    """Per pair and variant, in how many scenarios it holds, is reversed, is undecided."""
    variants = in_order(c.variant for c in found)
    pairs = [pair for pair in PAIRS if pair in {(c.better, c.worse) for c in found}]
    counts = Counter((c.better, c.worse, c.variant, c.verdict) for c in found)

    def cell(better: str, worse: str, variant: str) -> str:
        numbers = [counts[better, worse, variant, v] for v in ("holds", "reversed", "undecided")]
        return " / ".join(map(str, numbers)) if sum(numbers) else "-"

    return Table(
        "In how many scenarios it holds / is reversed / is undecided",
        ("conclusion", *variants),
        tuple(
            (f"{better} > {worse}", *(cell(better, worse, variant) for variant in variants))
            for better, worse in pairs
        ),
    )


def law_dependent_table(found: Sequence[Conclusion]) -> Table:
    """Conclusions that hold under some laws and are reversed under others, by scenario."""
    groups: dict[tuple[str, str, str], list[Conclusion]] = {}
    for conclusion in found:
        key = (conclusion.scenario, conclusion.better, conclusion.worse)
        groups.setdefault(key, []).append(conclusion)
    lines = []
    for (scenario, better, worse), group in groups.items():
        holds, turned = (_named(group, verdict) for verdict in ("holds", "reversed"))
        if holds and turned:
            lines.append((scenario, f"{better} > {worse}", holds, turned))
    return Table(
        "Conclusions that depend on the law",
        ("scenario", "conclusion", "holds under", "is reversed under"),
        tuple(lines),
    )


def _named(group: Sequence[Conclusion], verdict: str) -> str:
    """The variants with a verdict, and the gain under each in points of solve rate."""
    return ", ".join(
        f"{c.variant} ({number(100 * c.gain.value, 2, signed=True)})"
        for c in group
        if c.verdict == verdict
    )


def _difference(better: Row, worse: Row) -> Estimate:
    final = [dict(zip(row.seeds, row.values["final"], strict=True)) for row in (better, worse)]
    seeds = sorted(final[0].keys() & final[1].keys())
    return stats.paired(np.array([final[0][seed] - final[1][seed] for seed in seeds]))

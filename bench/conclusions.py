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
SURE = 0.99  # a conclusion depends on the law only where both verdicts are clear at this level
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
        sure_gain: the same with an interval of the level `SURE`.
    """

    scenario: str
    variant: str
    better: str
    worse: str
    gain: Estimate
    sure_gain: Estimate

    @property
    def verdict(self) -> str:
        """`holds` or `reversed` where the interval excludes 0, otherwise `undecided`."""
        return _side(self.gain)

    @property
    def sure_verdict(self) -> str:
        """The same by the interval of the level `SURE`."""
        return _side(self.sure_gain)


def conclusions(rows: Sequence[Row]) -> list[Conclusion]:
    """All of `PAIRS` on every setting that has runs of both on seeds in common."""
    by_setting: dict[str, dict[str, Row]] = {}
    for row in rows:
        by_setting.setdefault(row.setting, {})[row.strategy] = row
    return [
        Conclusion(*place(setting), better, worse, *_differences(of[better], of[worse]))
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


def across_laws(found: Sequence[Conclusion]) -> list[list[Conclusion]]:
    """Conclusions by scenario and pair, where two laws or more could decide them."""
    groups: dict[tuple[str, str, str], list[Conclusion]] = {}
    for conclusion in found:
        if not np.isnan(conclusion.gain.low):
            key = (conclusion.scenario, conclusion.better, conclusion.worse)
            groups.setdefault(key, []).append(conclusion)
    return [group for group in groups.values() if len(group) > 1]


def law_dependent_table(groups: Sequence[Sequence[Conclusion]]) -> Table:
    """What surely holds under one law and surely is reversed under another, of `across_laws`."""
    return Table(
        "",
        ("scenario", "conclusion", "holds under", "is reversed under"),
        tuple(
            (
                group[0].scenario,
                f"{group[0].better} > {group[0].worse}",
                _named(group, "holds"),
                _named(group, "reversed"),
            )
            for group in groups
            if {"holds", "reversed"} <= {c.sure_verdict for c in group}
        ),
    )


def rows_by_chance(groups: Sequence[Sequence[Conclusion]], level: float) -> float:
    """How many rows would be both held and reversed at this level if nothing differed anywhere.

    A verdict under one of k laws then is `holds` with chance t = (1 - level) / 2, and `reversed`
    likewise. Verdicts under different laws are taken to be independent, so both occur with chance
    1 - 2 (1 - t)^k + (1 - 2 t)^k.

    Args:
        groups: the rows that are looked at, see `across_laws`.
        level: of the intervals.
    """
    tail = (1 - level) / 2
    return sum(1 - 2 * (1 - tail) ** len(g) + (1 - 2 * tail) ** len(g) for g in groups)


def _side(gain: Estimate) -> str:
    if gain.low > 0:
        return "holds"
    return "reversed" if gain.high < 0 else "undecided"


def _named(group: Sequence[Conclusion], verdict: str) -> str:
    """The variants with a verdict, and the gain under each in points of solve rate."""
    return ", ".join(
        f"{c.variant} ({number(100 * c.gain.value, 2, signed=True)})"
        for c in group
        if c.verdict == verdict
    )


def _differences(better: Row, worse: Row) -> tuple[Estimate, Estimate]:
    """The gain over seeds that both have, with the intervals of verdicts and of sure ones."""
    final = [dict(zip(row.seeds, row.values["final"], strict=True)) for row in (better, worse)]
    seeds = sorted(final[0].keys() & final[1].keys())
    differences_S = np.array([final[0][seed] - final[1][seed] for seed in seeds])
    return stats.paired(differences_S), stats.paired(differences_S, SURE)

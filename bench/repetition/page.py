"""Tables and a picture about what repetition costs."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import stats
from bench.drawing import COLOURS, INK, MUTED, panels, save
from bench.repetition.growth import visits_by_growth, worth_by_growth
from bench.repetition.measure import Weighed
from bench.repetition.price import RATE_BINS, Price, Worth, price
from bench.stats import Estimate
from bench.tables import Table, interval
from bots._types import Floats

_LEAST_TASKS = 30


def report(runs: Sequence[Weighed], picture: Path) -> str:
    """All tables in Markdown, and the picture written."""
    chosen = {"all runs": runs}
    policies = [r for r in runs if r.run.strategy != "shuffle"]
    if policies:
        chosen["small pools in random order"] = [r for r in runs if r.run.strategy == "shuffle"]
        chosen["policies on the whole pool"] = policies
    found = {name: _priced(part, "influence") for name, part in chosen.items()}
    found["all runs, without AdamW's moments"] = _priced(runs, "plain")
    known = {name: one for name, one in found.items() if one is not None}
    if "all runs" not in known:
        price(runs)  # raises, saying why
    grown = worth_by_growth(runs)
    draw(known, grown, runs, picture)
    parts = ["### What a lesson is worth\n", worth_table(known).markdown()]
    parts += ["\n### The same from growth\n", growth_table(grown).markdown()]
    nus = ", ".join(f"{nu:.1f}" for nu in visits_by_growth(runs).values())
    parts += [f"\nν of 1 / (1 + v / ν), seed by seed: {nus}."]
    parts += ["\n### Pools and policies\n", runs_table(runs, known["all runs"]).markdown()]
    parts += ["\n### What else tells what a lesson is worth\n", rate_table(runs).markdown()]
    parts += ["", family_table(runs).markdown()]
    return "\n".join(parts) + "\n"


def _priced(runs: Sequence[Weighed], weighed: str) -> Price | None:
    try:
        return price(runs, weighed)
    except ValueError:  # no untouched task to compare with, as under one strategy on the whole pool
        return None


def worth_table(found: dict[str, Price]) -> Table:
    """Worth by lessons before, and the fitted price."""
    rows = []
    for name, one in found.items():
        for bin_ in one.bins:
            rows.append(
                (
                    name,
                    f"{bin_.lessons:.1f}",
                    f"{bin_.tasks:,}",
                    interval(bin_.ratio, 2),
                    f"{1 / (1 + bin_.lessons / one.visits.value):.2f}",
                )
            )
        rows.append((f"**{name}: ν**", "", "", f"**{interval(one.visits, 1)}**", ""))
    heads = ("runs", "lessons before", "weighed tasks", "worth, untouched = 1", "1 / (1 + v / ν)")
    return Table("", heads, tuple(rows))


def growth_table(bins: Sequence[Worth]) -> Table:
    """Worth by lessons before, from the growth of held-out rates."""
    rows = [(f"{b.lessons:.1f}", str(b.tasks), interval(b.ratio, 2)) for b in bins]
    heads = ("lessons before, per task of the pool", "seeds", "growth per lesson, whole pool = 1")
    return Table("", heads, tuple(rows))


def runs_table(runs: Sequence[Weighed], law: Price) -> Table:
    """By strategy and size of pool: what was learnt, and how repetitive it was."""
    kinds = sorted({(r.run.strategy, r.run.pool_size) for r in runs}, key=_order)
    whole = _by_seed(runs, max(kind for kind in kinds if kind[0] == "shuffle"), _gain)
    rows = []
    for kind in kinds:
        gains = _by_seed(runs, kind, _gain)
        seeds = sorted(gains.keys() & whole.keys())
        relative = np.array([gains[seed] / whole[seed] for seed in seeds])
        lessons = _mean(runs, kind, lambda r: float(r.lessons_K.sum()))
        per = np.array([gains[seed] for seed in seeds]) / _values(runs, kind, seeds)
        rows.append(
            (
                f"{kind[0]}, {kind[1]:,} tasks",
                interval(_estimate(np.array([gains[seed] for seed in seeds])), 4, signed=True),
                interval(_estimate(relative), 2),
                f"{lessons:,.0f}",
                interval(_estimate(1e6 * per), 1),
                f"{_mean(runs, kind, _before):.1f}",
                f"{_mean(runs, kind, _MeanWorth(law.visits.value)):.2f}",
            )
        )
    heads = (
        "run",
        "held-out gain",
        "relative to random order, whole pool",
        "lessons",
        "gain per lesson, 1e-6",
        "lessons before, mean over lessons",
        "their worth by the law",
    )
    return Table("", heads, tuple(rows))


def rate_table(runs: Sequence[Weighed]) -> Table:
    """Influence by solve rate, of untouched tasks: is a unit of gradient worth the same?"""
    rows = []
    for low, high in itertools.pairwise(RATE_BINS):
        values = _untouched(runs, lambda c, a=low, b=high: (c["rate"] >= a) & (c["rate"] < b))
        rows.append((f"{low:g} to {high:g}", interval(values, 2)))
    return Table("", ("solve rate", "influence of untouched tasks, mean = 1"), tuple(rows))


def family_table(runs: Sequence[Weighed]) -> Table:
    """Influence by family, of untouched tasks, and its scatter among tasks of one cell."""
    families = sorted({str(cell)[0] for r in runs for cell in np.unique(r.columns["cell"])})
    rows = []
    for family in families:
        values = _untouched(runs, lambda c, f=family: np.char.startswith(c["cell"].astype(str), f))
        rows.append((family, interval(values, 2)))
    return Table("", ("family", "influence of untouched tasks, mean = 1"), tuple(rows))


def _untouched(runs: Sequence[Weighed], chosen: Callable[..., np.ndarray]) -> Estimate:
    """Mean influence of these untouched tasks over that of all untouched ones, by seed."""
    by_seed = []
    for seed in sorted({r.run.seed for r in runs}):
        ratios = []
        for found in (r for r in runs if r.run.seed == seed):
            fresh = (found.columns["visits"] == 0) & np.isfinite(found.columns["influence"])
            some = fresh & chosen(found.columns)
            if some.sum() >= _LEAST_TASKS:
                values = found.columns["influence"]
                ratios.append(values[some].mean() / values[fresh].mean())
        if ratios:
            by_seed.append(float(np.mean(ratios)))
    return _estimate(np.array(by_seed))


def _estimate(values_S: Floats) -> Estimate:
    if values_S.size == 0:
        return Estimate(float("nan"), float("nan"), float("nan"))
    return stats.paired(values_S)


def _order(kind: tuple[str, int]) -> tuple[bool, int, str]:
    return kind[0] != "shuffle", kind[1], kind[0]


def _gain(found: Weighed) -> float:
    return found.curve["heldout"][-1] - found.curve["heldout"][0]


def _by_seed(
    runs: Sequence[Weighed], kind: tuple[str, int], figure: Callable[[Weighed], float]
) -> dict[int, float]:
    return {r.run.seed: figure(r) for r in runs if (r.run.strategy, r.run.pool_size) == kind}


def _mean(
    runs: Sequence[Weighed], kind: tuple[str, int], figure: Callable[[Weighed], float]
) -> float:
    return float(np.mean(list(_by_seed(runs, kind, figure).values())))


def _values(runs: Sequence[Weighed], kind: tuple[str, int], seeds: Sequence[int]) -> Floats:
    lessons = _by_seed(runs, kind, lambda r: float(r.lessons_K.sum()))
    return np.array([lessons[seed] for seed in seeds], dtype=np.float64)


def _before(found: Weighed) -> float:
    """Mean number of lessons before a lesson."""
    counts_K = found.lessons_K
    return float((counts_K * (counts_K - 1) / 2).sum() / counts_K.sum())


@dataclass(frozen=True, slots=True)
class _MeanWorth:
    """Mean worth of a run's lessons under a price of nu."""

    visits: float

    def __call__(self, found: Weighed) -> float:
        by_number = 1 / (1 + np.arange(found.lessons_K.max()) / self.visits)
        return float(np.cumsum(by_number)[found.lessons_K - 1].sum() / found.lessons_K.sum())


def draw(
    found: dict[str, Price], grown: Sequence[Worth], runs: Sequence[Weighed], path: Path
) -> None:
    """Worth against lessons before, with the fitted law; and held-out rates by pool."""
    figure, ((left, right),) = panels(1, 2, height=3.6, width=5.0)
    colours = ("#111827", "#1d4ed8", "#dc2626", "#9ca3af")
    for (name, one), colour in zip(found.items(), colours, strict=False):
        x = np.array([b.lessons for b in one.bins])
        y = np.array([b.ratio.value for b in one.bins])
        spread = np.array([(b.ratio.low, b.ratio.high) for b in one.bins]).T
        left.errorbar(
            x, y, np.abs(spread - y), fmt="o", ms=4, color=colour, lw=1, label=name, alpha=0.85
        )
    nu = found["all runs"].visits
    grid = np.geomspace(1, 200, 100)
    left.plot(grid, 1 / (1 + grid / nu.value), color=colours[0], lw=1.4)
    left.fill_between(
        grid, 1 / (1 + grid / nu.low), 1 / (1 + grid / nu.high), color=colours[0], alpha=0.12, lw=0
    )
    left.plot(
        [b.lessons for b in grown],
        [b.ratio.value for b in grown],
        "s-",
        ms=4,
        lw=1,
        color="#15803d",
        label="growth of held-out rates",
    )
    left.axhline(1, color=MUTED, lw=0.8, dashes=(4, 2))
    left.set(xscale="log", title="Worth of a lesson", ylim=(-1, 2.5))
    left.set_xlabel("lessons before")
    left.legend(fontsize=7, frameon=False)
    _draw_curves(right, runs)
    save(
        figure,
        path,
        "Real model. Left: 1 is the worth of untouched tasks of the same cell and solve rate; for "
        "growth, that of the whole pool at the same held-out rate.",
    )


def _draw_curves(panel: Any, runs: Sequence[Weighed]) -> None:
    kinds = sorted({(r.run.strategy, r.run.pool_size) for r in runs}, key=_order)
    greys = iter(("#c7d2fe", "#93a5f5", "#4f6bdc", "#1e3a8a", "#0b1a4a"))
    for kind in kinds:
        chosen = [r for r in runs if (r.run.strategy, r.run.pool_size) == kind]
        mean = np.mean([r.curve["heldout"] for r in chosen], axis=0)
        colour = next(greys) if kind[0] == "shuffle" else COLOURS.get(kind[0], INK)
        label = f"{kind[0]}, {kind[1]:,} tasks"
        panel.plot(chosen[0].curve["step"], mean, color=colour, lw=1.5, label=label)
    panel.set(title="Held-out solve rate", xlabel="steps")
    panel.legend(fontsize=7, frameon=False)

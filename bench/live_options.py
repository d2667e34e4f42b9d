"""What each option of the live selector is worth: `docs/research/options.md`."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import stats
from bench.contest.aggregate import iqm
from bench.contest.runs import ROLLOUTS, Run, read_runs
from bench.contest.scores import Scores, score
from bench.stats import Estimate
from bench.tables import Table, interval

PLAIN = "bots-live"


@dataclass(frozen=True, slots=True)
class Capability:
    """An option of `LiveConfig`, as a row of the contest.

    Attributes:
        title: a few words.
        spec: the strategy that has it.
        against: the strategy that differs from it by this option alone.
        meant_for: scenarios on which it ought to matter.
        axis: at equal what it is judged.
    """

    title: str
    spec: str
    against: str = PLAIN
    meant_for: tuple[str, ...] = ()
    axis: str = ROLLOUTS


_GREEDY = f"{PLAIN}:thompson=False"
_INFORMED = f"{_GREEDY},utility=informative"

CAPABILITIES = (
    Capability("same law, computed by class", PLAIN, "bots"),
    Capability(
        "rho learned", f"{PLAIN}:learned_weight=True", meant_for=("bad_refs", "guru15", "jump")
    ),
    Capability(
        "ability per domain in logits",
        f"{PLAIN}:predictor=logit",
        meant_for=("domains", "bad_refs", "guru15", "mixed_domains"),
    ),
    Capability("both", f"{PLAIN}:predictor=logit,learned_weight=True"),
    Capability("no reference models", "bots-unlabelled", meant_for=("bad_refs",)),
    Capability("expectation instead of a draw", _GREEDY),
    Capability(
        "no reference models, chance of an informative group",
        "bots-unlabelled:thompson=False,utility=informative",
        "bots-unlabelled",
    ),
    Capability("chance of an informative group", _INFORMED, _GREEDY),
    Capability("expected variance", f"{_GREEDY},utility=variance", _GREEDY),
    Capability("expected deviation", f"{_GREEDY},utility=deviation", _GREEDY),
    Capability(
        "chance of an informative group, ability in logits",
        f"{_INFORMED},predictor=logit",
        _INFORMED,
        ("domains", "bad_refs", "guru15", "mixed_domains"),
    ),
    Capability(
        "chance of an informative group, rest of 20 versions",
        f"{_INFORMED},cooldown=20",
        _INFORMED,
        ("base@steep",),
    ),
    Capability(
        "chance of an informative group, a tenth drawn uniformly",
        f"{_INFORMED},coverage=0.1",
        _INFORMED,
        ("prerequisites",),
    ),
    Capability(
        "chance of an informative group, rho learned",
        f"{_INFORMED},learned_weight=True",
        _INFORMED,
        ("bad_refs", "guru15", "jump"),
    ),
    Capability(
        "utility per token",
        f"{PLAIN}:per_token=True",
        meant_for=("cost", "mixed_domains"),
        axis="tokens",
    ),
    Capability(
        "fractional rewards count more", f"{PLAIN}:fractional=True", meant_for=("nonbinary",)
    ),
    Capability(
        "stale counts discounted by 2 % a version", f"{PLAIN}:staleness=0.02", meant_for=("async8",)
    ),
    Capability("a tenth drawn uniformly", f"{PLAIN}:coverage=0.1", meant_for=("prerequisites",)),
    Capability(
        "rest of 20 versions after a visit",
        f"{PLAIN}:cooldown=20",
        meant_for=("base@steep", "async8"),
    ),
    Capability(
        "solved and hopeless tasks tested again after 20 versions",
        f"{PLAIN}:retest=20",
        meant_for=("prerequisites", "forget", "jump"),
    ),
    Capability(
        "at least a fifth for each domain",
        f"{PLAIN}:domain_floor=0.2",
        meant_for=("domains", "mixed_domains", "shift"),
    ),
    Capability(
        "places by progress, a tenth for each domain",
        f"{PLAIN}:allocation=progress,domain_floor=0.1",
        meant_for=("domains", "mixed_domains", "shift"),
    ),
    Capability(
        "places by size of the domain", f"{PLAIN}:allocation=size", meant_for=("domains", "shift")
    ),
)

SCENARIOS = (
    "base",
    "guru15",
    "ushape60",
    "noisy30",
    "domains",
    "base@steep",
    "prerequisites",
    "forget",
    "bad_refs",
    "jump",
    "async8",
    "arrivals",
    "shift",
    "mixed_domains",
    "cost",
    "nonbinary",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Arguments of `python -m bench options`."""
    parser.add_argument("folder", metavar="FOLDER", help="where `run live` put its results")
    parser.add_argument(
        "--out", default="docs/research/options.md", metavar="PAGE", help="the page to write"
    )


def run(options: argparse.Namespace) -> int:
    """Writes the page; the exit status."""
    command = f"python -m bench run live\n    python -m bench options {options.folder}"
    text = report(read_runs(Path(options.folder)), command)
    Path(options.out).write_text(text, encoding="utf-8")
    print(f"wrote {options.out}")
    return 0


def report(runs: Sequence[Run], command: str) -> str:
    """The page, in Markdown.

    Raises:
        ValueError: when no capability was run together with what it is compared with.
    """
    scores = score(runs)
    found = [capability for capability in CAPABILITIES if _both(scores, capability)]
    if not found:
        raise ValueError(
            "no option was run together with the strategy it changes: run the suite `live` first"
        )
    seeds = {scores.num_seeds(name) for name in scores.scenarios}
    head = _HEAD.format(
        answer=_answer(scores, found),
        command=command,
        scenarios=len(scores.scenarios),
        seeds=" or ".join(map(str, sorted(seeds))),
        pairs=len(found) * len(scores.scenarios),
        chance=round(0.05 * len(found) * len(scores.scenarios)),
        commits=", ".join(sorted({run.made_by.get("commit", "unknown") for run in runs})),
    )
    parts = [head, _summary(scores, found).markdown(), "\n## Scenario by scenario\n"]
    parts += [_detail(scores, found).markdown(), _left_out(scores)]
    return "\n".join(parts).rstrip() + "\n"


def _both(scores: Scores, capability: Capability) -> bool:
    return {capability.spec, capability.against} <= set(scores.strategies)


def _values(scores: Scores, capability: Capability) -> dict[str, np.ndarray]:
    """By scenario, the score of the strategy that has the option, seed by seed."""
    row_MS = scores.scores[capability.axis][scores.strategies.index(capability.spec)]
    by_scenario = dict(zip(scores.scenarios, row_MS, strict=True))
    return {name: row_S[np.isfinite(row_S)] for name, row_S in by_scenario.items()}


def _differences(scores: Scores, capability: Capability) -> dict[str, np.ndarray]:
    """By scenario, what the option adds to the score, seed by seed."""
    values_KMS = scores.scores[capability.axis]
    with_it, without = (
        values_KMS[scores.strategies.index(spec)] for spec in (capability.spec, capability.against)
    )
    by_scenario = dict(zip(scores.scenarios, with_it - without, strict=True))
    kept = {name: row_S[np.isfinite(row_S)] for name, row_S in by_scenario.items()}
    return {name: row_S for name, row_S in kept.items() if row_S.size >= stats.LEAST_SEEDS}


def _overall(rows: dict[str, np.ndarray]) -> Estimate:
    """The interquartile mean over scenarios, with Student's interval over seeds.

    A mean would say of every option what it does under the one steep price of repetition.
    """
    seeds = min(row_S.size for row_S in rows.values())
    by_seed = np.array([row_S[:seeds] for row_S in rows.values()]).T
    return stats.paired(iqm(by_seed))


def _verdict(estimate: Estimate) -> str:
    if estimate.low > 0:
        return "helps"
    return "hurts" if estimate.high < 0 else "undecided"


def _answer(scores: Scores, found: Sequence[Capability]) -> str:
    """What the page finds, in three sentences."""
    overall = [_overall(_differences(scores, capability)) for capability in found]
    verdicts = [_verdict(estimate) for estimate in overall]
    best = max(range(len(found)), key=lambda k: _overall(_values(scores, found[k])).value)
    score_of = _overall(_values(scores, found[best])).value
    return (
        f"On the whole {verdicts.count('helps')} of {len(found)} options help, "
        f"{verdicts.count('hurts')} hurt and {verdicts.count('undecided')} are undecided.\n"
        f'The best score is {score_of:.3f}, with "{found[best].title}".\n'
        "Intervals cover seeds and not scenarios, and no option was tuned."
    )


def _summary(scores: Scores, found: Sequence[Capability]) -> Table:
    rows = []
    for capability in found:
        rows_S = _differences(scores, capability)
        meant = {name: rows_S[name] for name in capability.meant_for if name in rows_S}
        each = [_verdict(stats.paired(row_S)) for row_S in rows_S.values()]
        overall = _overall(rows_S)
        rows.append(
            (
                capability.title,
                f"`{capability.spec}`",
                capability.axis,
                interval(_overall(_values(scores, capability)), 3),
                interval(overall, 3, signed=True),
                _verdict(overall),
                interval(_overall(meant), 3, signed=True) if meant else "",
                ", ".join(meant),
                f"{each.count('helps')} / {each.count('undecided')} / {each.count('hurts')}",
            )
        )
    heads = (
        "option",
        "strategy",
        "at equal",
        "score, on the whole",
        "adds to the score, on the whole",
        "",
        "where it is meant to matter",
        "namely",
        "helps / undecided / hurts",
    )
    return Table("", heads, tuple(rows))


def _detail(scores: Scores, found: Sequence[Capability]) -> Table:
    rows = []
    for capability in found:
        rows_S = _differences(scores, capability)
        cells = []
        for name in scores.scenarios:
            if name not in rows_S:
                cells.append("")
                continue
            estimate = stats.paired(rows_S[name])
            text = f"{estimate.value:+.2f} ± {(estimate.high - estimate.low) / 2:.2f}"
            cells.append(text if _verdict(estimate) == "undecided" else f"**{text}**")
        rows.append((capability.title, *cells))
    return Table("", ("option", *scores.scenarios), tuple(rows))


def _left_out(scores: Scores) -> str:
    return "".join(f"\nWithout a score: {name} ({why})." for name, why in scores.left_out.items())


_HEAD = """# What each option is worth

{answer}

Options of `bots.live.LiveConfig` beside the same strategy without them, on {scenarios}
scenarios with {seeds} paired seeds. A score is a gain in held-out solve rate over shuffle; 1 is
what the gain oracle gains. "On the whole" is the interquartile mean over scenarios. Intervals are
Student's over paired seeds, at 95 %; they say nothing about other scenarios. Of the {pairs}
comparisons below, about {chance} would come out bold by chance alone if no option did anything.
Nothing was tuned: each option has one setting, chosen before the runs. Everything is off by
default, because the default is the paper's law. Not measured: ceilings and shares of single
domains, patience, the prior, and references other than two. The first row differs from the paper's
selector in one thing that feedback that is late brings out: tasks in flight are not chosen again.

    {command}

Commit: {commits}.
"""

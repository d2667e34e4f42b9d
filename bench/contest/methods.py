"""How the leaderboard is computed, in words."""

from bench.contest.aggregate import RESAMPLES
from bench.contest.document import Contest, made_by
from bench.contest.pairs import LEVEL
from bench.strategies import REFERENCE
from bench.summary import BEST, LEAST_HEADROOM_SHARE


def methods(contest: Contest) -> list[str]:
    """Paragraphs on scores, aggregates, tests, and what they leave out."""
    return [_scores(contest), _aggregates(), _tests(), _costs(), _provenance(contest)]


def _scores(contest: Contest) -> str:
    left_out = "; ".join(f"{name}: {why}" for name, why in contest.scores.left_out.items())
    return (
        f"Score: held-out solve rate minus {REFERENCE}'s with the same scenario and seed, "
        f"both for what {REFERENCE} spends in the scenario's nominal steps, divided by "
        f"{BEST}'s mean gain at equal rollouts. {REFERENCE} has 0, {BEST} at equal rollouts "
        "1. The unit is the same on every axis, because an oracle that is charged may gain "
        "nothing, and is taken as given: its own noise is in no interval. A scenario is "
        f"scored where that unit is clearly above 0 and above {LEAST_HEADROOM_SHARE:.0%} of what "
        f"{REFERENCE} learns. Not scored: {left_out or 'none'}."
    )


def _aggregates() -> str:
    return (
        "IQM score: mean of the middle half of the scores of all scenarios and seeds "
        "together (Agarwal et al. 2021). Intervals: 95 % percentile bootstrap, "
        f"{RESAMPLES:,} resamples of the seeds of each scenario, the same for all "
        "strategies; variants of one scenario share theirs. Scenarios are taken as given: "
        "intervals say how sure the figures are on these scenarios, not on others; with "
        "fewer than ten seeds they are too narrow. Not distinguishable (≈): the interval of "
        "the IQM, a paired difference to shuffle, covers 0; it is no correction for the "
        "number of strategies. Mean rank: over scenarios, by mean score, oracles left out; "
        "published and tuned versions both take "
        "a place. A strategy that lacks cells of a scenario has no place and is listed "
        "apart."
    )


def _tests() -> str:
    return (
        "Chance of beating: share of seeds with the higher score, ties half, mean over "
        "scenarios. Tests: for each pair, a two-sided paired t-test of the difference in "
        "mean score over scenarios; its draws are the seeds, one mean over scenarios each, "
        "taken for normal. P-values of all pairs are adjusted after Holm, so that calling "
        f"any alike pair different has chance {LEVEL:.0%} at most. Groups: runs of "
        "strategies in order of the mean score without a pair that differs. Each axis is a "
        "family of its own; single tags and laws are not tested."
    )


def _costs() -> str:
    return (
        "Axes: rollouts generated during the run, trained on or not; steps; generated "
        "tokens; seconds of the simulated clock plus measured selection; and rollouts with "
        "those behind the reference rates, which are paid before the first step, so that a "
        "run whose references cost more than the budget scores its rate at the start. A run "
        "that ends before the budget keeps its last rate. Offline rollouts, forward passes "
        "and selection time are means over the scored scenarios; a run's passes and time "
        "are those within the budget of rollouts. Tuned options have seen data: their "
        "scores flatter them where they were tuned on these scenarios."
    )


def _provenance(contest: Contest) -> str:
    made = made_by(contest.runs)
    days = made["days"]
    span = days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
    seeds = {name: contest.scores.num_seeds(name) for name in contest.scores.scenarios}
    most = max(seeds.values())
    fewer = [f"{name} {number}" for name, number in seeds.items() if number < most]
    return (
        f"{most} seeds per scenario{', but ' if fewer else ''}{', '.join(fewer)}; "
        f"{len(contest.runs):,} cells, of {span}, commit {', '.join(made['commits'])}, "
        f"version {', '.join(made['versions'])}."
    )

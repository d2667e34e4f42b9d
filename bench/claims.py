"""Claims of the literature beside what the contest finds: `docs/research/claims.md`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench import stats
from bench.contest.runs import Run
from bench.contest.scores import Cells, Scores, grouped, score
from bench.metrics import Floats, cost_to_reach, until
from bench.stats import Estimate
from bench.strategies import REFERENCE
from bench.tables import Table, interval, number

_RESAMPLES = 2_000
_TITLES = {
    "confirmed": "Confirmed in direction",
    "contradicted": "Contradicted",
    "undecided": "Undecided",
}


@dataclass(frozen=True, slots=True)
class Claim:
    """A published comparison that the contest can repeat.

    Attributes:
        says: what was published, in a sentence.
        source: where.
        strategy: who is said to be better.
        rival: than whom.
        axis: at equal what, of `bench.contest.runs.AXES`.
    """

    says: str
    source: str
    strategy: str
    rival: str = REFERENCE
    axis: str = "rollouts"


@dataclass(frozen=True, slots=True)
class Finding:
    """What the contest says about a claim.

    Attributes:
        claim: which.
        difference: in score, mean over scenarios, with Student's interval over paired seeds.
        time: cost at which the strategy reaches the rival's best, over the rival's own; the median
            over scenarios of medians over seeds, with a bootstrap interval over seeds; infinite
            where it is not reached within the run.
        counts: scenarios on which the claim holds, is reversed, is undecided, at 95 %.
    """

    claim: Claim
    difference: Estimate
    time: Estimate
    counts: tuple[int, int, int]

    @property
    def verdict(self) -> str:
        """In a word or two."""
        if not np.isfinite(self.difference.low):
            return "not tested"
        if self.difference.low > 0:
            return "confirmed"
        return "contradicted" if self.difference.high < 0 else "undecided"


CLAIMS = (
    Claim(
        "BOTS needs .69 to .98 of the steps of random sampling to reach its best.",
        "arXiv 2510.26374",
        "bots",
    ),
    Claim("BOTS ends above its MoPPS form.", "arXiv 2510.26374", "bots", "bots-mopps"),
    Claim("BOTS ends above its DOTS form.", "arXiv 2510.26374", "bots", "bots-dots"),
    Claim(
        "BOTS ends above an offline easy-to-hard order.", "arXiv 2510.26374", "bots", "easy-to-hard"
    ),
    Claim(
        "Dynamic sampling needs about half of the steps.", "arXiv 2503.14476", "dapo", axis="steps"
    ),
    Claim(
        "Balanced filtering reaches the same reward in 60 % of the time.",
        "arXiv 2504.03380",
        "balanced-filter",
        axis="seconds",
    ),
    Claim(
        "SPEED is 2 to 6 times faster than uniform sampling.",
        "arXiv 2506.09016",
        "speed",
        axis="seconds",
    ),
    Claim(
        "GRESO is as good as dynamic sampling with up to half of its rollouts.",
        "arXiv 2506.02177",
        "greso",
        "dapo",
    ),
    Claim("MoPPS is up to 1.8 times faster than uniform sampling.", "arXiv 2507.04632", "mopps"),
    Claim(
        "MoPPS needs up to 78 % fewer rollouts than dynamic sampling.",
        "arXiv 2507.04632",
        "mopps",
        "dapo",
    ),
    Claim(
        "DPS matches dynamic sampling with less than 30 % of its rollouts.",
        "arXiv 2603.10887",
        "dps",
        "dapo",
    ),
    Claim("DPS is better than MoPPS.", "arXiv 2603.10887", "dps", "mopps"),
    Claim(
        "DOTS takes 25 to 65 % less time to the same performance, with rollout replay.",
        "arXiv 2506.05316",
        "dots-replay",
        axis="seconds",
    ),
    Claim("PCL beats uniform sampling.", "arXiv 2510.01135", "pcl"),
    Claim(
        "PCL beats dynamic sampling at equal time.", "arXiv 2510.01135", "pcl", "dapo", "seconds"
    ),
    Claim("SEC beats random sampling.", "arXiv 2505.14970", "sec"),
    Claim("DUMP beats uniform mixing of distributions.", "arXiv 2504.09710", "dump"),
    Claim("AdaRFT is up to twice as fast.", "arXiv 2504.05520", "adarft"),
    Claim("LILO needs a third of the steps.", "arXiv 2502.12272", "lilo", axis="steps"),
    Claim("VCRL beats GRPO on all tasks.", "arXiv 2509.19803", "vcrl", axis="steps"),
    Claim("Training on the hardest tenth alone gains most.", "arXiv 2508.14094", "hardest-decile"),
    Claim(
        "Prompt replay learns faster than the baseline at first, and ends where it does.",
        "arXiv 2603.21177",
        "prompt-replay",
    ),
    Claim("Easy-to-hard scheduling beats training without it.", "arXiv 2506.06632", "e2h-gaussian"),
    Claim("InSight is up to 2.2 times faster.", "arXiv 2603.01907", "insight"),
    Claim("InSight's mean beats a posterior draw.", "arXiv 2603.01907", "insight", "mopps"),
    Claim("A learned curator is up to 80 % faster.", "arXiv 2602.20532", "exp3s"),
    Claim(
        "Thompson sampling over clusters is as fast as going by difficulty.",
        "arXiv 2606.19750",
        "tree-thompson",
        "mopps",
    ),
    Claim(
        "Sharing between tasks beats MoPPS, which starts cold.",
        "arXiv 2602.01970",
        "gaussian-process",
        "mopps",
    ),
)


def findings(runs: Sequence[Run], claims: Sequence[Claim] = CLAIMS) -> list[Finding]:
    """What the contest says about each claim whose strategies took part everywhere."""
    scores, cells = score(runs), grouped(runs)
    return [
        _finding(claim, scores, cells)
        for claim in claims
        if {claim.strategy, claim.rival} <= set(scores.strategies) and claim.axis in scores.scores
    ]


def claims_page(runs: Sequence[Run], command: str) -> str:
    """The page in Markdown; without claims whose strategies were not run."""
    found = findings(runs)
    scenarios = score(runs).scenarios
    parts = [
        "# Claims",
        _answer(found),
        "What papers report of a strategy, and what this benchmark finds when both sides run under "
        "one learner, one budget and paired seeds, with the published defaults. The learner is a "
        "simulation: a contradiction says that the claim does not follow from what the simulation "
        "knows about learning, not that the measurement was wrong. Papers mostly compare at equal "
        "steps or time, on one or two pools; the column says at equal what we compare.",
        "Difference: in score, 1 being what the gain oracle gains over shuffle, mean over "
        f"{len(scenarios)} scenarios ({', '.join(scenarios)}), Student's 95 % interval over paired "
        "seeds. The verdict is its sign and says nothing about the size that was claimed; for that "
        "see the cost to the rival's best, relative to the rival's own, median over scenarios and "
        "seeds with a bootstrap interval. Last column: on how many scenarios the difference is "
        f"clear. Made by `{command}`.",
        *(
            f"## {_TITLES[verdict]}\n\n"
            + findings_table([f for f in found if f.verdict == verdict]).markdown()
            for verdict in _TITLES
            if any(f.verdict == verdict for f in found)
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _answer(found: Sequence[Finding]) -> str:
    """What the page finds, in three sentences."""
    verdicts = [finding.verdict for finding in found]
    confirmed, contradicted = (verdicts.count(word) for word in ("confirmed", "contradicted"))
    return (
        f"Of {len(found)} published claims, {confirmed} hold in direction when both sides have one "
        f"learner, one budget and paired seeds. {contradicted} are contradicted, and "
        f"{len(found) - confirmed - contradicted} are undecided. The learner is a simulation, and "
        "a claim that holds is mostly smaller here than published."
    )


def findings_table(found: Sequence[Finding]) -> Table:
    """One row per claim."""
    return Table(
        "",
        (
            "claim",
            "source",
            "compared, at equal",
            "verdict",
            "difference in score",
            "cost to the rival's best",
            "holds / reversed / undecided",
        ),
        tuple(
            (
                finding.claim.says,
                finding.claim.source,
                f"{finding.claim.strategy} with {finding.claim.rival}, {finding.claim.axis}",
                finding.verdict,
                interval(finding.difference, 2, signed=True),
                _ratio(finding.time),
                " / ".join(map(str, finding.counts)),
            )
            for finding in found
        ),
    )


def _ratio(time: Estimate) -> str:
    if np.isnan(time.value):
        return "-"
    if np.isinf(time.value):
        return "not reached"
    return f"{number(time.value, 2)} [{number(time.low, 2)}, {number(time.high, 2)}]"


def _finding(claim: Claim, scores: Scores, cells: Mapping[str, Cells]) -> Finding:
    places = [scores.strategies.index(name) for name in (claim.strategy, claim.rival)]
    mine_MS, other_MS = (scores.scores[claim.axis][place] for place in places)
    difference_MS = mine_MS - other_MS
    shared = np.isfinite(difference_MS).all(axis=1)
    if not shared.any():
        blank = Estimate(float("nan"), float("nan"), float("nan"))
        return Finding(claim, blank, blank, (0, 0, 0))
    verdicts = [stats.paired(row) for row in difference_MS[shared]]
    holds = sum(found.low > 0 for found in verdicts)
    reversed_ = sum(found.high < 0 for found in verdicts)
    names = [name for name, both in zip(scores.scenarios, shared, strict=True) if both]
    times_MS = np.array(
        [[_time(claim, cells[name], seed) for seed in scores.seeds] for name in names]
    )
    return Finding(
        claim,
        stats.paired(difference_MS[shared].mean(axis=0)),
        _median_of_medians(times_MS),
        (holds, reversed_, len(verdicts) - holds - reversed_),
    )


def _time(claim: Claim, cells: Cells, seed: int) -> float:
    """Cost to the rival's best of one seed, over the rival's own cost to it."""
    mine, rival = cells[claim.strategy][seed], cells[claim.rival][seed]
    budget = cells[REFERENCE][seed].budgets[claim.axis]
    cost, rates = until(rival.costs[claim.axis], rival.heldout_E, budget)
    best = float(rates.max())
    if best <= rates[0]:
        return float("nan")
    own = cost_to_reach(cost, rates, best)
    return cost_to_reach(mine.costs[claim.axis], mine.heldout_E, best) / own


def _median_of_medians(times_MS: Floats) -> Estimate:
    """Over seeds, then over scenarios; scenarios on which the rival learns nothing are left out."""
    times_MS = times_MS[~np.isnan(times_MS).any(axis=1)]
    if times_MS.size == 0:
        return Estimate(float("nan"), float("nan"), float("nan"))
    num_seeds = times_MS.shape[1]
    draws = np.random.default_rng(0).integers(num_seeds, size=(_RESAMPLES, num_seeds))
    medians_MR = stats.median(times_MS[:, draws], axis=2)
    low, high = np.sort(stats.median(medians_MR, axis=0))[[50, 1949]]
    value = float(stats.median(stats.median(times_MS, axis=1), axis=0))
    return Estimate(value, float(low), float(high))

"""Which strategy to take for a user's own pool, in sentences."""

from collections.abc import Sequence

import numpy as np

from bench import stats
from bench.contest.views import is_oracle
from bench.stats import LEAST_SEEDS, Estimate
from bench.store import CellResult
from bench.strategies import REFERENCE
from bench.summary import Row
from bench.visits import often_met
from bench.words import (
    INFORMATIVE,
    counted,
    listed,
    name,
    percent,
    percent_span,
    points,
    points_span,
)

_BEST = "ttb100_rollouts"
_SEEDS = 4


def sentences(rows: Sequence[Row], cell: CellResult) -> list[str]:
    """The strategy to take, what is not told apart from it, and how far to trust that.

    The strategy is the one that gains most over the reference for the same rollouts, of those whose
    gain is clear where there are any.

    Args:
        rows: of one setting, the reference's among them.
        cell: one of its cells.
    """
    file = str(cell.config["pool"]["path"])
    candidates = sorted(rivals(rows), key=promise, reverse=True)
    few = _often_met(rows, cell)
    if not candidates:
        said = [f"For {file} only {REFERENCE} was run, so there is nothing to choose from."]
    else:
        best = candidates[0]
        others = _others(candidates) if best.above else []
        said = [*_chosen(file, best), *others, *_groups(rows, best)]
    said.append(
        "The learner is simulated from the rates of the same file. It says what the difficulties "
        "of these tasks allow, not what your model will do."
    )
    return [*said, *few]


def rivals(rows: Sequence[Row]) -> list[Row]:
    """The rows of strategies that could be chosen: neither the reference nor an oracle."""
    return [row for row in rows if row.strategy != REFERENCE and not is_oracle(row.strategy)]


def promise(row: Row) -> tuple[bool, float]:
    """Orders rows: clear gains above all others, then by the gain."""
    return row.above, row.figures["difference"].value


def _chosen(file: str, best: Row) -> list[str]:
    gain = best.figures["difference"]
    size = f"{points(gain.value)}{points_span(gain)} of held-out solve rate"
    if len(best.seeds) < LEAST_SEEDS and gain.value > 0:
        return [
            f"For {file} {name(best.strategy)} came first, {size} above {REFERENCE}.",
            f"There is no interval over {counted(len(best.seeds), 'seed')}: give --seeds {_SEEDS} "
            "or more.",
        ]
    if not best.above:
        return [
            f"For {file} keep {REFERENCE}: no strategy is clearly better.",
            f"The nearest is {name(best.strategy)}: for the same rollouts it ended {size} from "
            f"{REFERENCE}.",
        ]
    return [
        f"For {file} take {name(best.strategy)}: {_need(best.figures[_BEST])}.",
        f"For the same rollouts it ended {size} above {REFERENCE}.",
    ]


def _need(need: Estimate) -> str:
    if not np.isfinite(need.value):
        return f"it ended above {REFERENCE}, though it never reached {REFERENCE}'s best"
    return (
        f"it reached {REFERENCE}'s best with {percent(need.value)}{percent_span(need)} of "
        f"{REFERENCE}'s rollouts"
    )


def _others(candidates: Sequence[Row]) -> list[str]:
    """How the others stand to the first."""
    best, *rest = candidates
    if not rest or len(best.seeds) < LEAST_SEEDS:
        return []
    alike = [row for row in rest if not _lead(best, row).low > 0]
    said = []
    if alike:
        said.append(f"Not told apart from it: {listed([name(row.strategy) for row in alike])}.")
    else:
        lead = _lead(best, rest[0])
        said.append(
            f"{name(rest[0].strategy)} comes second, {points(lead.value)}{points_span(lead)} "
            "behind."
        )
    said.append(
        f"The best of {len(candidates)} was chosen on the runs that judge it: expect a little less."
    )
    return said


def _lead(best: Row, other: Row) -> Estimate:
    """What the best gains over another strategy on their common seeds, paired."""
    gains = dict(zip(other.seeds, other.values["difference"], strict=True))
    own = zip(best.seeds, best.values["difference"], strict=True)
    return stats.paired(np.array([gain - gains[seed] for seed, gain in own if seed in gains]))


def _groups(rows: Sequence[Row], best: Row) -> list[str]:
    reference = next(row for row in rows if row.strategy == REFERENCE)
    shares = [
        f"{name(row.strategy)} {percent(1 - row.figures['etr'].value)}" for row in (best, reference)
    ]
    return [f"{INFORMATIVE}: {'; '.join(shares)}."]


def _often_met(rows: Sequence[Row], cell: CellResult) -> list[str]:
    """A warning where the pool is met many times over, as the reference's visits tell."""
    reference = next(row for row in rows if row.strategy == REFERENCE)
    met = round(reference.figures["distinct_tasks"].value)
    warning = often_met("The pool", met, cell.config["batch_size"], cell.config["steps"])
    if warning is None:
        return []
    free = reference.repetition_visits == float("inf")
    hedge = (
        ["The simulated learner takes repetition for free; a real one does not."] if free else []
    )
    return [
        warning,
        *hedge,
        "For such a run add --redo, or give it a folder of its own with --out.",
    ]

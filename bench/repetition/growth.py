"""What lessons are worth by how many came before, from the growth of the held-out solve rate."""

from collections.abc import Sequence

import numpy as np

from bench import stats
from bench.repetition.measure import Weighed
from bench.repetition.price import BINS, Worth, fitted
from bots._types import Floats


def worth_by_growth(runs: Sequence[Weighed]) -> tuple[Worth, ...]:
    """Growth per lesson on small pools, over that on the largest at the same held-out rate.

    Growth slows as a model gets better, so the largest pool in random order says what a lesson
    brings at a held-out rate J: r(J) = a + b J, by least squares over the stretches between its
    evaluations, seed by seed. On a smaller pool, over the stretches in which a task had been taught
    about v times,

        worth(v) = sum (growth) / sum (lessons r(J))

    which holds all that repetition does to a lesson: also what it makes the model forget.

    Args:
        runs: in random order, on pools of several sizes; others are left out.

    Returns:
        By bin of `BINS`, the mean over seeds with Student's interval; bins that fewer than three
        seeds reach have none.
    """
    by_seed = _by_seed(runs).values()
    found = []
    for place in range(1, len(BINS)):
        rows = [seed[place] for seed in by_seed if place in seed]
        if rows:
            lessons, ratios = np.array(rows).T
            found.append(Worth(float(lessons.mean()), len(rows), stats.paired(ratios)))
    return tuple(found)


def visits_by_growth(runs: Sequence[Weighed]) -> dict[int, float]:
    """By seed, the nu of 1 / (1 + v / nu) with the least squared error over its bins."""
    found = {}
    for seed, rows in _by_seed(runs).items():
        if rows:
            lessons, ratios = np.array(list(rows.values())).T
            found[seed] = fitted(lessons, ratios, np.ones(lessons.size))
    return found


def _by_seed(runs: Sequence[Weighed]) -> dict[int, dict[int, tuple[float, float]]]:
    """`_ratios` of the runs in random order, by seed."""
    random_order = [one for one in runs if one.run.strategy == "shuffle"]
    whole = max(one.run.pool_size for one in random_order)
    return {
        seed: _ratios([one for one in random_order if one.run.seed == seed], whole)
        for seed in sorted({one.run.seed for one in random_order})
    }


def _ratios(runs: Sequence[Weighed], whole: int) -> dict[int, tuple[float, float]]:
    """By bin, mean lessons before and the ratio, of one seed."""
    large = [one for one in runs if one.run.pool_size == whole]
    if not large:
        return {}
    rates, growth, lessons, _ = _stretches(large[0])
    design = lessons[:, None] * np.stack([np.ones(rates.size), rates], axis=1)
    line = np.linalg.lstsq(design, growth, rcond=None)[0]
    parts = [_stretches(one) for one in runs if one.run.pool_size < whole]
    if not parts:
        return {}
    rates, growth, lessons, before = (np.concatenate(part) for part in zip(*parts, strict=True))
    expected = lessons * (line[0] + line[1] * rates)
    places = np.digitize(before, BINS)
    return {
        int(place): (
            float(np.average(before[places == place], weights=lessons[places == place] + 1e-9)),
            float(growth[places == place].sum() / expected[places == place].sum()),
        )
        for place in np.unique(places)
        if expected[places == place].sum() > 0
    }


def _stretches(found: Weighed) -> tuple[Floats, Floats, Floats, Floats]:
    """Between evaluations: mean held-out rate, its growth, lessons, and lessons per task before."""
    heldout, total = (np.array(found.curve[name], dtype=float) for name in ("heldout", "lessons"))
    middle = (total[1:] + total[:-1]) / 2 / found.run.pool_size
    return (heldout[1:] + heldout[:-1]) / 2, np.diff(heldout), np.diff(total), middle

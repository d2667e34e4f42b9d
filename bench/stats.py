"""Averages and intervals over paired seeds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RESAMPLES = 10_000
LEAST_SEEDS = 3
_Z = 1.96


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval, of 95 % unless something else is said."""

    value: float
    low: float
    high: float


def mean(values: Floats, axis: int = -1) -> Floats:
    """Plain mean, in the form that `bootstrap` takes."""
    return values.mean(axis=axis)


def median(values: npt.NDArray[Any], axis: int = -1) -> npt.NDArray[Any]:
    """Middle value, or the upper of the two; always one of the values, so some may be infinite."""
    ordered = np.sort(values, axis=axis)
    return np.take(ordered, ordered.shape[axis] // 2, axis=axis)


def bootstrap(
    values_S: Floats, statistic: Callable[..., Floats], seed: int = 0, resamples: int = RESAMPLES
) -> Estimate:
    """A statistic over seeds with its 95 % percentile-bootstrap interval.

    Seeds are resampled with replacement. Give paired differences or paired ratios, one per seed:
    what the seeds share, the pool and the rollouts' random numbers, then cancels. With S = 20 seeds
    of normal noise the interval of a mean covers the truth some 93 % of the time; 90 % with S = 10.

    Args:
        values_S: shape (S,), one value per seed.
        statistic: called as `statistic(values, axis=0)`.
        seed: of the resampling.
        resamples: how many.

    Returns:
        Without an interval (NaN) for fewer than `LEAST_SEEDS` seeds.
    """
    values_S = np.asarray(values_S, dtype=np.float64)
    if values_S.size == 0 or np.isnan(values_S).any():
        return Estimate(float("nan"), float("nan"), float("nan"))
    value = float(statistic(values_S, axis=0))
    if values_S.size < LEAST_SEEDS:
        return Estimate(value, float("nan"), float("nan"))
    if (values_S == values_S[0]).all():
        return Estimate(value, value, value)
    places_SR = _places(values_S.size, seed, resamples)
    return Estimate(value, *_percentiles(statistic(values_S[places_SR], axis=0)))


def bootstrap_median(values_S: Floats, seed: int = 0) -> Estimate:
    """The `median` over seeds with its 95 % percentile-bootstrap interval, as in `bootstrap`.

    The median of a resample is the value at the median of the ranks it took, and ranks are drawn
    once for all figures.
    """
    ordered_S = np.sort(np.asarray(values_S, dtype=np.float64))
    if ordered_S.size < LEAST_SEEDS or np.isnan(ordered_S).any():
        return bootstrap(ordered_S, median, seed)
    return Estimate(
        float(median(ordered_S)),
        *_percentiles(ordered_S[_median_places(ordered_S.size, seed, RESAMPLES)]),
    )


def mean_of_ratios(
    numerators: Sequence[Floats], denominators: Sequence[Floats], seed: int = 0
) -> Estimate:
    """Mean over strata of (mean numerator / mean denominator), with a 95 % bootstrap interval.

    Numerator and denominator of a stratum (setting) have one value per seed and are resampled
    together, so what they share cancels and the denominator's own noise is counted. Strata are
    taken as given: the interval says nothing about other settings.

    Args:
        numerators: one array of shape (S,) per stratum.
        denominators: likewise.
        seed: of the resampling.
    """
    rng = np.random.default_rng(seed)
    value, resampled = 0.0, np.zeros(RESAMPLES)
    for above_S, below_S in zip(numerators, denominators, strict=True):
        places = rng.integers(above_S.size, size=(RESAMPLES, above_S.size))
        value += float(above_S.mean() / below_S.mean()) / len(numerators)
        resampled += above_S[places].mean(axis=1) / below_S[places].mean(axis=1) / len(numerators)
    if min(array.size for array in numerators) < LEAST_SEEDS:
        return Estimate(value, float("nan"), float("nan"))
    return Estimate(value, *_percentiles(resampled))


def paired(differences_S: Floats, level: float = 0.95) -> Estimate:
    """Mean of paired differences with Student's interval, for verdicts on few seeds.

    It takes the differences for normal, and pays for it with width: with 3 seeds it covers the
    truth 95 % of the time, where a percentile bootstrap covers 75 %.

    Args:
        differences_S: shape (S,), one per seed.
        level: how often the interval shall cover the truth.

    Returns:
        Without an interval (NaN) for fewer than `LEAST_SEEDS` seeds.

    Example:
        >>> estimate = paired(np.array([1.0, 2.0, 3.0]))
        >>> estimate.value, round(estimate.low, 2), round(estimate.high, 2)
        (2.0, -0.48, 4.48)
    """
    differences_S = np.asarray(differences_S, dtype=np.float64)
    size = differences_S.size
    value = float(differences_S.mean()) if size else float("nan")
    if size < LEAST_SEEDS:
        return Estimate(value, float("nan"), float("nan"))
    half = float(_student_quantile(size - 1, level) * differences_S.std(ddof=1) / np.sqrt(size))
    return Estimate(value, value - half, value + half)


def proportion(wins: Floats) -> Estimate:
    """Share of wins (1, 1/2 for a tie, 0) with its 95 % Wilson interval.

    Unlike a bootstrap, it does not shrink to a point when every seed wins.

    Example:
        >>> estimate = proportion(np.ones(20))
        >>> round(estimate.low, 3), round(estimate.high, 3)
        (0.839, 1.0)
    """
    share, weight = float(wins.mean()), _Z**2 / wins.size
    centre = (share + weight / 2) / (1 + weight)
    half = _Z * np.sqrt(share * (1 - share) / wins.size + weight / (4 * wins.size)) / (1 + weight)
    return Estimate(share, float(centre - half), min(float(centre + half), 1.0))


@lru_cache(maxsize=8)
def _places(size: int, seed: int, resamples: int) -> npt.NDArray[np.int64]:
    """Which seeds each resample takes, shape (size, resamples)."""
    places = np.random.default_rng(seed).integers(size, size=(resamples, size))
    return np.ascontiguousarray(places.T)


@lru_cache(maxsize=8)
def _median_places(size: int, seed: int, resamples: int) -> npt.NDArray[np.int64]:
    """The median rank of each resample, shape (resamples,)."""
    return median(_places(size, seed, resamples), axis=0)


@lru_cache
def _student_quantile(freedom: int, level: float) -> float:
    """What |t| of Student stays below with chance `level`."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + level) / 2))


def _percentiles(resampled: Floats) -> tuple[float, float]:
    """The 2.5th and 97.5th percentile, without interpolation: values may be infinite."""
    low, high = (round(share * (resampled.size - 1)) for share in (0.025, 0.975))
    ordered = np.partition(resampled, [low, high])
    return float(ordered[low]), float(ordered[high])

"""Averages over scenarios and seeds with stratified, paired bootstrap intervals; ranks; profiles.

After Agarwal et al. 2021 (arXiv 2108.13264), with two differences. Seeds are resampled jointly for
all strategies, because runs with one seed share pool and random numbers. Variants of one scenario
share those too, so they are resampled together; other scenarios each on their own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.metrics import Floats
from bench.scenario_choice import split

RESAMPLES = 2_000
_CHUNK = 250  # resamples held at a time
_LEVEL = (0.025, 0.975)

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """Figures, one per strategy or more, with 95 % intervals."""

    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Scores of K strategies that were all run on the same scenarios and seeds.

    Attributes:
        scenarios: their names.
        blocks: one array (K, S) of scores per scenario; S may differ between scenarios.
    """

    scenarios: tuple[str, ...]
    blocks: tuple[Floats, ...]


def sample(scenarios: Sequence[str], scores_KMS: Floats) -> Sample:
    """Scores without the seeds that a scenario was not run with.

    Raises:
        ValueError: when a strategy lacks a cell that another has.
    """
    blocks = []
    for name, scores_KS in zip(scenarios, scores_KMS.swapaxes(0, 1), strict=True):
        there_KS = np.isfinite(scores_KS)
        if (there_KS.any(axis=0) != there_KS.all(axis=0)).any():
            raise ValueError(f"a strategy lacks cells of {name}: list it apart from the others")
        blocks.append(scores_KS[:, there_KS.all(axis=0)])
    return Sample(tuple(scenarios), tuple(blocks))


def iqm(values: Floats) -> Floats:
    """Interquartile mean over the last axis: a quarter of the values, rounded down, off each end.

    Example:
        >>> float(iqm(np.array([0.0, 1.0, 2.0, 9.0])))
        1.5
    """
    size = values.shape[-1]
    cut = size // 4
    if cut == 0:
        return values.mean(axis=-1)
    ordered = np.partition(values, (cut, size - cut - 1), axis=-1)
    return ordered[..., cut : size - cut].mean(axis=-1)


def pooled_iqm(sample: Sample, rng: np.random.Generator) -> Band:
    """IQM over all scenarios x seeds, by strategy."""
    resampled_KR = np.concatenate(
        [
            iqm(np.concatenate([b[:, at] for b, at in zip(sample.blocks, places, strict=True)], -1))
            for places in resamples(sample, rng)
        ],
        axis=1,
    )
    return band(iqm(np.concatenate(sample.blocks, axis=1)), resampled_KR)


def scenario_means(sample: Sample, rng: np.random.Generator) -> Band:
    """Mean over scenarios of the mean over seeds, by strategy."""
    drawn_KR = [drawn_MKR.mean(axis=0) for drawn_MKR in _resampled_means(sample, rng)]
    return band(_means(sample).mean(axis=0), np.concatenate(drawn_KR, axis=1))


def mean_ranks(sample: Sample, rng: np.random.Generator) -> Band:
    """Mean over scenarios of the rank by the mean over seeds; 1 is best, ties share theirs.

    Resampling adds noise to ranks, so intervals of strategies that hardly differ lean towards each
    other.
    """
    drawn_KR = [ranks(drawn_MKR).mean(axis=0) for drawn_MKR in _resampled_means(sample, rng)]
    value_K = ranks(_means(sample)[..., None])[..., 0].mean(axis=0)
    return band(value_K, np.concatenate(drawn_KR, axis=1))


def profile(sample: Sample, levels_T: Floats, rng: np.random.Generator) -> Band:
    """Share of scenario x seed scores above each level, shape (K, T)."""
    above = [(block[..., None] > levels_T).astype(np.float64) for block in sample.blocks]
    size = sum(block.shape[1] for block in sample.blocks)
    drawn_KTR = []
    for places in resamples(sample, rng):
        weights = [counts(at, block.shape[1]) for at, block in zip(places, above, strict=True)]
        drawn_KTR.append(
            sum(np.einsum("kst,rs->ktr", a, w) for a, w in zip(above, weights, strict=True)) / size
        )
    value_KT = np.concatenate(above, axis=1).mean(axis=1)
    return band(value_KT, np.concatenate(drawn_KTR, axis=2))


def resamples(sample: Sample, rng: np.random.Generator) -> Iterator[list[Places]]:
    """Chunks of resamples: by scenario, which seeds they take, shape (chunk, S)."""
    for start in range(0, RESAMPLES, _CHUNK):
        drawn: dict[tuple[str, int], Places] = {}
        places = []
        for name, block in zip(sample.scenarios, sample.blocks, strict=True):
            key = split(name)[0], block.shape[1]
            if key not in drawn:
                rows = min(_CHUNK, RESAMPLES - start)
                drawn[key] = rng.integers(key[1], size=(rows, key[1]))
            places.append(drawn[key])
        yield places


def counts(places_RS: Places, size: int) -> Floats:
    """How often each resample takes each seed, shape (R, size)."""
    return (places_RS[..., None] == np.arange(size)).sum(axis=1).astype(np.float64)


def ranks(values_MKR: Floats) -> Floats:
    """Ranks along the second axis, 1 for the largest; ties share the mean of theirs."""
    above = values_MKR[:, None] > values_MKR[:, :, None]
    equal = values_MKR[:, None] == values_MKR[:, :, None]
    return 0.5 + above.sum(axis=2) + 0.5 * equal.sum(axis=2)


def band(value: Floats, resampled: Floats) -> Band:
    """Figures with percentile intervals of their resamples, which lie along the last axis."""
    low, high = np.quantile(resampled, _LEVEL, axis=-1)
    return Band(value, low, high)


def _means(sample: Sample) -> Floats:
    """Means over seeds, shape (M, K)."""
    return np.stack([block.mean(axis=1) for block in sample.blocks])


def _resampled_means(sample: Sample, rng: np.random.Generator) -> Iterator[Floats]:
    """Means over resampled seeds, in chunks of shape (M, K, R)."""
    for places in resamples(sample, rng):
        yield np.stack(
            [
                block @ counts(at, block.shape[1]).T / block.shape[1]
                for block, at in zip(sample.blocks, places, strict=True)
            ]
        )

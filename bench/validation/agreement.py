"""How well predicted outcomes agree with real ones."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench import stats
from bench.metrics import Floats
from bench.stats import LEAST_SEEDS, Estimate
from bench.strategies import REFERENCE
from bench.validation.outcomes import Outcomes

_RESAMPLES, _SEED = 2_000, 0
_INTERVAL = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Agreement:
    """A prediction beside what happened.

    Attributes:
        kendall: rank correlation of gains over shuffle, all strategies and shuffle itself.
        spearman: likewise.
        gain_error: mean absolute error of gains, in units of what shuffle learns.
        signs: strategies whose gain has the predicted sign, and of how many.
        decided: the same of strategies whose real gain is not in doubt.
        etr_error: mean absolute error of the share of informative groups, over windows.
        etr_bias: predicted minus real, likewise.
        ttb_errors: mean absolute log-ratio of TTB at 50, 75 and 100 %, where both are finite.
        reached: how often both reach the target or both do not, and of how many.
    """

    kendall: Estimate
    spearman: Estimate
    gain_error: Estimate
    signs: tuple[int, int]
    decided: tuple[int, int]
    etr_error: float
    etr_bias: float
    ttb_errors: tuple[float, ...]
    reached: tuple[int, int]


def agreement(real: Outcomes, predicted: Outcomes) -> Agreement:
    """Of two outcomes of the same strategies; intervals resample real and simulated seeds."""
    gap_PW = predicted.etr_PW() - real.etr_PW()
    rivals = _rivals(real)
    pair = real.ttb_FP()[:, rivals], predicted.ttb_FP()[:, rivals]
    return Agreement(
        _resampled(kendall, real, predicted),
        _resampled(spearman, real, predicted),
        _resampled(_distance, real, predicted),
        *_signs(real, predicted),
        float(np.abs(gap_PW).mean()),
        float(gap_PW.mean()),
        tuple(_log_ratio(*of) for of in zip(*pair, strict=True)),
        _both_reach(real, predicted),
    )


def kendall(first_RP: Floats, second_RP: Floats) -> Floats:
    """Kendall's tau-a, row by row: the share of concordant minus that of discordant pairs.

    A tie in either is neither.

    Example:
        >>> kendall(np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 3.0, 2.0]])).round(3).tolist()
        [0.333]
    """
    upper = np.triu_indices(first_RP.shape[-1], 1)
    signs = [
        np.sign(values_RP[..., upper[0]] - values_RP[..., upper[1]])
        for values_RP in (first_RP, second_RP)
    ]
    return (signs[0] * signs[1]).mean(axis=-1)


def spearman(first_RP: Floats, second_RP: Floats) -> Floats:
    """Correlation of ranks, row by row, ties sharing their mean rank; 0 without spread."""
    ranks = [_ranks(values_RP) for values_RP in (first_RP, second_RP)]
    centred = [rank_RP - rank_RP.mean(axis=-1, keepdims=True) for rank_RP in ranks]
    scale = np.sqrt((centred[0] ** 2).sum(axis=-1) * (centred[1] ** 2).sum(axis=-1))
    return (centred[0] * centred[1]).sum(axis=-1) / np.where(scale > 0, scale, 1.0)


def ceiling(real: Outcomes) -> Floats:
    """Kendall's tau of each real seed with the mean of the others, shape (S,).

    What a perfect simulator could hope for when it is judged by one seed; by the mean of all, it is
    more. Empty with fewer than two seeds.
    """
    gains_PS, size = real.gains_PS, len(real.seeds)
    others = [np.delete(gains_PS, s, axis=1).mean(axis=1) for s in range(size)] if size > 1 else []
    return np.array(
        [kendall(gains_PS[None, :, s], other_P[None])[0] for s, other_P in enumerate(others)]
    )


def _resampled(
    statistic: Callable[[Floats, Floats], Floats], real: Outcomes, predicted: Outcomes
) -> Estimate:
    """A statistic of relative gains, with a percentile interval over seeds of both."""
    value = statistic(real.relative_P()[None], predicted.relative_P()[None])[0]
    if min(len(real.seeds), len(predicted.seeds)) < LEAST_SEEDS:
        return Estimate(float(value), np.nan, np.nan)
    rng = np.random.default_rng(_SEED)
    drawn = statistic(_redrawn(real, rng), _redrawn(predicted, rng))
    low, high = np.percentile(drawn, _INTERVAL)
    return Estimate(float(value), float(low), float(high))


def _redrawn(of: Outcomes, rng: np.random.Generator) -> Floats:
    """Relative gains of resampled seeds, shape (R, P)."""
    places_RS = rng.integers(len(of.seeds), size=(_RESAMPLES, len(of.seeds)))
    gains_PR = of.gains_PS[:, places_RS].mean(axis=2)
    return (gains_PR / of.learnt_S[places_RS].mean(axis=1)).T


def _distance(first_RP: Floats, second_RP: Floats) -> Floats:
    """Mean absolute difference over strategies; that of shuffle is 0 and left out."""
    return np.abs(first_RP - second_RP).sum(axis=-1) / max(first_RP.shape[-1] - 1, 1)


def _rivals(of: Outcomes) -> list[int]:
    return [p for p, name in enumerate(of.strategies) if name != REFERENCE]


def _signs(real: Outcomes, predicted: Outcomes) -> tuple[tuple[int, int], tuple[int, int]]:
    rivals = _rivals(real)
    same_P = np.sign(real.relative_P()) == np.sign(predicted.relative_P())
    clear = [p for p in rivals if (e := stats.paired(real.gains_PS[p])).low > 0 or e.high < 0]
    count = tuple((int(same_P[of].sum()), len(of)) for of in (rivals, clear))
    return count[0], count[1]


def _log_ratio(real_P: Floats, predicted_P: Floats) -> float:
    """Mean |log (predicted / real)| where both are finite and positive; NaN if nowhere."""
    known_P = np.isfinite(real_P) & np.isfinite(predicted_P) & (real_P > 0) & (predicted_P > 0)
    ratios = predicted_P[known_P] / real_P[known_P]
    return float(np.abs(np.log(ratios)).mean()) if ratios.size else np.nan


def _both_reach(real: Outcomes, predicted: Outcomes) -> tuple[int, int]:
    rivals = _rivals(real)
    reach = [np.isfinite(of.ttb_FP()[-1])[rivals] for of in (real, predicted)]
    return int((reach[0] == reach[1]).sum()), len(rivals)


def _ranks(values_RP: Floats) -> Floats:
    """Ranks from 0, ties sharing their mean."""
    below = (values_RP[..., :, None] > values_RP[..., None, :]).sum(axis=-1)
    same = (values_RP[..., :, None] == values_RP[..., None, :]).sum(axis=-1)
    return below + (same - 1) / 2

"""What a run's log looks like, in numbers: the statistics by which a scenario is judged.

All are functions of the mean rewards of K tasks at V visits each.
"""

from itertools import pairwise

import numpy as np

from simulator.calibration.backward import Floats

PATHS = ("mean reward", "all wrong", "all right", "informative")
LAGS = (1, 5, 10, 20, 40)
BINS = (0.0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)  # edges of the initial rate
_MOMENTS = 5  # visits at which paths are compared
WINDOW = 4  # visits that are pooled into one rate
FEWEST_VISITS = 2 * WINDOW
_MASTERED, _LOST = 0.75, 0.5
_BLOCKS = 10  # of visits, for the paths' principal component


def statistics(rates_KV: Floats, group_size: int) -> dict[str, float]:
    """All statistics by name; NaN where there is nothing to compute one from.

    Args:
        rates_KV: mean rewards, shape (K, V), at least 8 visits.
        group_size: rollouts per visit.
    """
    return {
        **_along(rates_KV),
        **_persistence(rates_KV),
        **_correlations(rates_KV),
        **_changes(rates_KV),
        **_extremes(rates_KV),
        "share of the first principal component": _principal_share(rates_KV, group_size),
    }


def paths(rates_KV: Floats) -> dict[str, Floats]:
    """Mean reward and the shares of groups that are all wrong, all right or neither, by visit."""
    wrong_V, right_V = (rates_KV == 0).mean(axis=0), (rates_KV == 1).mean(axis=0)
    values = rates_KV.mean(axis=0), wrong_V, right_V, 1 - wrong_V - right_V
    return dict(zip(PATHS, values, strict=True))


def moments(visits: int) -> list[int]:
    """The visits at which paths are compared."""
    return np.linspace(0, visits - 1, _MOMENTS).round().astype(int).tolist()


def lags(visits: int) -> list[int]:
    """The lags at which visits are correlated; the longest leave a few pairs."""
    return [lag for lag in LAGS if lag <= visits - WINDOW]


def bin_names() -> list[str]:
    """Names of the bins of initial rates."""
    names = [f"[{low:g}, {high:g})" for low, high in pairwise(BINS)]
    return [*names[:-1], names[-1].replace(")", "]")]


def _along(rates_KV: Floats) -> dict[str, float]:
    visits = moments(rates_KV.shape[1])
    return {
        f"{name}, visit {visit}": float(values_V[visit])
        for name, values_V in paths(rates_KV).items()
        for visit in visits
    }


def _persistence(rates_KV: Floats) -> dict[str, float]:
    """Of the groups of a kind, the share whose task's next group is of the same kind."""
    wrong_KV, right_KV = rates_KV == 0, rates_KV == 1
    kinds = {
        "no signal again": wrong_KV | right_KV,
        "all wrong again": wrong_KV,
        "all right again": right_KV,
    }
    return {name: _mean(kind[:, 1:][kind[:, :-1]]) for name, kind in kinds.items()}


def _correlations(rates_KV: Floats) -> dict[str, float]:
    """Correlations over tasks and visits of rates that lie so many visits apart."""
    return {
        f"correlation at lag {lag}": _correlation(rates_KV[:, :-lag], rates_KV[:, lag:])
        for lag in lags(rates_KV.shape[1])
    }


def _changes(rates_KV: Floats) -> dict[str, float]:
    """Mean and sd over tasks of the change from the first to the last visits, by initial rate."""
    first_K, last_K = rates_KV[:, :WINDOW].mean(axis=1), rates_KV[:, -WINDOW:].mean(axis=1)
    bin_K = np.clip(np.searchsorted(BINS, first_K, side="right") - 1, 0, len(BINS) - 2)
    figures: dict[str, float] = {}
    for place, name in enumerate(bin_names()):
        change = (last_K - first_K)[bin_K == place]
        figures[f"mean change from {name}"] = _mean(change)
        figures[f"sd of change from {name}"] = float(change.std()) if change.size > 1 else np.nan
    return figures


def _extremes(rates_KV: Floats) -> dict[str, float]:
    """Tasks that were never solved, and tasks that were mastered and lost again."""
    windows = np.lib.stride_tricks.sliding_window_view(rates_KV, WINDOW, axis=1).mean(axis=2)
    lost_K = (windows.max(axis=1) >= _MASTERED) & (windows[:, -1] < _LOST)
    return {
        "never solved": float((rates_KV.max(axis=1) == 0).mean()),
        f"once at {_MASTERED:g}, below {_LOST:g} at the end": float(lost_K.mean()),
    }


def _principal_share(rates_KV: Floats, group_size: int) -> float:
    """Share of the largest singular value in the logit paths of ten blocks of visits.

    Squared, of the matrix of empirical logits after each task's mean over the blocks is taken off.
    """
    blocks = np.array_split(np.arange(rates_KV.shape[1]), min(_BLOCKS, rates_KV.shape[1]))
    trials_D = np.array([group_size * block.size for block in blocks])
    solved_KD = np.stack([rates_KV[:, block].mean(axis=1) for block in blocks], axis=1) * trials_D
    logits_KD = np.log((solved_KD + 0.5) / (trials_D - solved_KD + 0.5))
    values = np.linalg.svd(logits_KD - logits_KD.mean(axis=1, keepdims=True), compute_uv=False)
    total = float((values**2).sum())
    return float(values[0] ** 2 / total) if total > 0 else np.nan


def _mean(values: Floats) -> float:
    return float(values.mean()) if values.size else np.nan


def _correlation(first: Floats, second: Floats) -> float:
    if first.std() == 0 or second.std() == 0:
        return np.nan
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])

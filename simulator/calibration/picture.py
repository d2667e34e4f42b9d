"""The check of a scenario as a picture: the real line over simulated bands."""

from pathlib import Path
from typing import Any

import numpy as np

from simulator.calibration.backward import Floats
from simulator.calibration.check import BAND, Check
from simulator.calibration.statistics import PATHS

_REAL, _BAND, _OUTSIDE = "#1b1b1b", "#9ecae1", "#c62828"
_GROUPS = {
    "correlation at lag ": "correlation, by lag",
    "mean change from ": "mean change, by initial rate",
    "sd of change from ": "sd of change, by initial rate",
}
_SHORT = {
    "no signal again": "no signal again",
    "all wrong again": "all wrong again",
    "all right again": "all right again",
    "never solved": "never solved",
    "share of the first principal component": "first component",
}


def draw(check: Check, path: str | Path, title: str) -> None:
    """Writes a PNG of eight panels: paths by visit, then what is said in single numbers."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    with plt.rc_context({"font.size": 8, "axes.titlesize": 8.5, "axes.spines.right": False}):
        figure, axes = plt.subplots(2, 4, figsize=(10, 4.8), layout="constrained")
        for axis, name in zip(axes[0], PATHS, strict=True):
            _path(axis, check, name)
        for axis, (prefix, heading) in zip(axes[1], _GROUPS.items(), strict=False):
            _dots(
                axis,
                check,
                {name: name[len(prefix) :] for name in check.names if name.startswith(prefix)},
            )
            axis.set_title(heading)
        _dots(axes[1, 3], check, {name: _SHORT.get(name, "lost again") for name in _singles(check)})
        axes[1, 3].set_title("single numbers")
        figure.suptitle(title, fontsize=9)
        figure.savefig(path, dpi=110)
        plt.close(figure)


def _path(axis: Any, check: Check, name: str) -> None:
    values_RV = check.replica_paths[name]
    low_V, high_V = np.percentile(values_RV, BAND, axis=0)
    visits = np.arange(values_RV.shape[1])
    axis.fill_between(visits, low_V, high_V, color=_BAND, linewidth=0, label="simulated, 5 to 95 %")
    axis.plot(visits, check.real_paths[name], color=_REAL, linewidth=1, label="real")
    axis.set_title(f"{name}, by visit")
    axis.spines.top.set_visible(False)
    if name == PATHS[0]:
        axis.legend(frameon=False, loc="upper left", fontsize=7)
        low, high = axis.get_ylim()
        axis.set_ylim(low, high + 0.25 * (high - low))  # room for the legend


def _dots(axis: Any, check: Check, labels: dict[str, str]) -> None:
    places = [check.names.index(name) for name in labels]
    band_2M: Floats = check.band_2M[:, places]
    at = np.arange(len(places))
    axis.vlines(at, *band_2M, color=_BAND, linewidth=7)
    inside_M, judged_M = check.inside_M[places], check.judged_M[places]
    for chosen, color in ((inside_M, _REAL), (judged_M & ~inside_M, _OUTSIDE)):
        axis.plot(at[chosen], check.real_M[places][chosen], "o", color=color, markersize=4)
    axis.set_xticks(at, list(labels.values()), rotation=40, ha="right", rotation_mode="anchor")
    axis.margins(x=0.08)
    axis.spines.top.set_visible(False)


def _singles(check: Check) -> list[str]:
    lost = [name for name in check.names if name.startswith("once at")]
    return [name for name in _SHORT if name in check.names] + lost

"""What the contest needs of each cell, read one file at a time."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bench import metrics, run_figures
from bench.metrics import Floats

# `Store.load` holds every column of every cell at once: gigabytes for ten thousand cells.
from bench.store import CellId, CellResult, read_cell

ROLLOUTS = "rollouts"
CHARGED = "rollouts, offline charged"
AXES = (ROLLOUTS, "steps", "tokens", "seconds", CHARGED)
_OWN = ("strategy", "strategy_source", "options", "seed")


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A cell reduced to its curve and its costs.

    Attributes:
        cell: which.
        heldout_E: held-out solve rate at each evaluation, the first before training.
        costs: by axis of `AXES`, what had been spent at each evaluation, shape (E,).
        budgets: by axis, what the run spends in its nominal steps; of use for the reference's.
        offline_rollouts: rollouts behind the reference rates that the strategy may see.
        forward_passes: prompts read by a model for selection, within the budget of rollouts.
        shares: mean shares of generated groups (`etr`: informative) and of rollouts
            (`trained_share`), and counts (`distinct_tasks`, `most_visits`), within that budget.
        selection_ms: mean milliseconds of selection and update per step, within that budget.
        alike: digest of the configuration, strategy and seed left out.
        made_by: versions and commit.
        day: when its file was written, in UTC, as YYYY-MM-DD.
    """

    cell: CellId
    heldout_E: Floats
    costs: Mapping[str, Floats]
    budgets: Mapping[str, float]
    offline_rollouts: float
    forward_passes: float
    selection_ms: float
    shares: Mapping[str, float]
    alike: str
    made_by: Mapping[str, str]
    day: str

    def rate(self, axis: str, budget: float) -> float:
        """Held-out solve rate for `budget`; that at the start when not even the first step is paid.

        Interpolated linearly; the last rate when the run cost less.
        """
        return metrics.value_at(self.costs[axis], self.heldout_E, budget)


def read_runs(folder: Path) -> list[Run]:
    """All finished cells of a folder.

    Raises:
        ValueError: when there is none, a file is no cell, or cells of one setting were made with
            different configurations.
    """
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise ValueError(f"{folder} holds no finished cell: let `python -m bench run` write there")
    runs = [reduced(read_cell(file), _day(file)) for file in files]
    first: dict[str, Run] = {}
    for run in runs:
        other = first.setdefault(run.cell.setting, run)
        if run.alike != other.alike:
            raise ValueError(
                f"{run.cell} and {other.cell} are cells of {run.cell.setting!r} with different "
                "configurations; they cannot be compared: keep them in folders of their own"
            )
    return runs


def reduced(result: CellResult, day: str = "") -> Run:
    """The run of one cell."""
    columns, config, offline = result.columns, result.config, result.extra["offline_rollouts"]
    size, steps = config["batch_size"] * config["group_size"], config["steps"]
    seen = ~np.isnan(columns["heldout"])
    found = metrics.axes(columns, run_figures.is_real(result))
    spent = {axis: metrics.costs(columns, axis) for axis in found}
    costs = {axis: cost[seen] for axis, cost in spent.items()}
    budgets = {"steps": float(steps), ROLLOUTS: float(steps * size)}
    budgets |= {axis: float(spent[axis][steps]) for axis in found if axis not in budgets}
    paid = slice(1, int(np.searchsorted(spent[ROLLOUTS], budgets[ROLLOUTS])) + 1)
    passes = columns.get("forward_passes", np.zeros(len(seen)))
    trained = columns["rollouts_trained"][paid] / spent[ROLLOUTS][paid]
    return Run(
        result.cell,
        columns["heldout"][seen],
        costs | {CHARGED: costs[ROLLOUTS] + offline},
        budgets | {CHARGED: budgets[ROLLOUTS]},
        float(offline),
        float(np.nansum(passes[paid])),
        1e3 * float(np.mean(columns["seconds/select"][paid] + columns["seconds/update"][paid])),
        {
            "etr": float(columns["informative"][paid].mean()),
            "trained_share": float(trained[-1]),
            "distinct_tasks": float(columns["distinct_tasks"][paid][-1]),
            "most_visits": float(columns["most_visits"][paid][-1]),
        },
        _digest({name: value for name, value in config.items() if name not in _OWN}),
        result.extra["made_by"],
        day,
    )


def _digest(config: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def _day(file: Path) -> str:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC).date().isoformat()

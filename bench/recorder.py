"""What is measured on a run, row by row, as it goes on."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from backends import AbstractBackend, AbstractTruth, StepRecord
from bench.metrics import belief_scores
from bots import AbstractSelector

DIFFICULTY_BINS = 10


class Recorder:
    """Turns step records into columns, one row before training and one per step.

    Args:
        backend: is evaluated.
        selector: its beliefs and figures are read.
        truth: the solve rates behind the rollouts; None where nobody can know them.
        evaluate_every: steps between evaluations.
        truth_every: steps between the measurements that look at the whole pool.
    """

    def __init__(
        self,
        backend: AbstractBackend,
        selector: AbstractSelector,
        truth: AbstractTruth | None,
        evaluate_every: int,
        truth_every: int,
    ) -> None:
        self._backend, self._selector, self._truth = backend, selector, truth
        self._evaluate_every, self._truth_every = evaluate_every, truth_every
        self._visits_N = np.zeros(backend.pool.num_tasks, dtype=np.int64)
        self._rows: list[dict[str, Any]] = []

    def begin(self) -> None:
        """The row before training."""
        self._add_row({"step": 0, "rollouts_generated": 0, "rollouts_trained": 0})

    def add(self, record: StepRecord) -> dict[str, Any]:
        """The row of one step."""
        np.add.at(self._visits_N, record.trained_ids_B, 1)
        generated, progress = record.generated, record.progress
        row = {
            "step": progress.steps,
            "rollouts_generated": progress.rollouts_generated,
            "rollouts_trained": progress.rollouts_trained,
            "forward_passes": record.forward_passes,
            "reward": generated.mean_reward,
            "informative": generated.informative_B.mean(),
            "all_wrong": generated.unanimous_B(0.0).mean(),
            "all_right": generated.unanimous_B(1.0).mean(),
            **{f"seconds/{name}": value for name, value in record.seconds.items()},
            **record.train_metrics,
        }
        if self._truth is not None:
            row["difficulty"] = self._difficulty(record, self._truth)
        return self._add_row(row)

    def columns(self) -> dict[str, np.ndarray]:
        """All rows, column by column; NaN where a row lacks a figure. The last row has them all."""
        self._measure(self._rows[-1])
        names = dict.fromkeys(name for row in self._rows for name in row if name != "difficulty")
        columns = {name: np.array([row.get(name, np.nan) for row in self._rows]) for name in names}
        blank = np.zeros(DIFFICULTY_BINS, dtype=np.int64)
        columns["difficulty"] = np.array([row.get("difficulty", blank) for row in self._rows])
        return columns

    def beliefs(self) -> np.ndarray | None:
        """The strategy's predicted solve rates, if it makes any, and they are solve rates."""
        predicted = self._selector.solve_rates()
        if predicted is None:
            return None
        predicted_N = np.asarray(predicted, dtype=np.float64)
        if predicted_N.shape != self._visits_N.shape:
            raise ValueError(
                f"solve_rates() has shape {predicted_N.shape}; it must be {self._visits_N.shape}, "
                "one rate per task, or None"
            )
        if not ((predicted_N >= 0) & (predicted_N <= 1)).all():
            raise ValueError(
                f"solve_rates() spans [{predicted_N.min():g}, {predicted_N.max():g}]; predicted "
                "solve rates must lie in [0, 1]"
            )
        return predicted_N

    def state_dict(self) -> dict[str, Any]:
        """All rows so far."""
        return {"rows": json.dumps(self._rows, default=_plain), "visits": self._visits_N.copy()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Puts them back."""
        self._rows = json.loads(state["rows"])
        self._visits_N = np.array(state["visits"])

    def _add_row(self, row: dict[str, Any]) -> dict[str, Any]:
        row["distinct_tasks"] = np.count_nonzero(self._visits_N)
        row["most_visits"] = self._visits_N.max()
        self._rows.append(row)
        evaluates = row["step"] % self._evaluate_every == 0
        looks = row["step"] % self._truth_every == 0
        self._measure(row, evaluates, looks)
        return row

    def _measure(self, row: dict[str, Any], evaluates: bool = True, looks: bool = True) -> None:
        if evaluates and "heldout" not in row:
            row["heldout"] = self._backend.evaluate()
        if looks and "pool" not in row:
            row.update(self._pool_figures())

    def _pool_figures(self) -> dict[str, float]:
        figures = {"pool": np.nan}
        predicted_N = self.beliefs()
        if self._truth is not None:
            true_N = self._truth.solve_rates()
            figures["pool"] = float(true_N.mean())
            if predicted_N is not None:
                figures |= belief_scores(predicted_N, true_N)
        return figures | {f"selector/{k}": v for k, v in self._selector.metrics().items()}

    def _difficulty(self, record: StepRecord, truth: AbstractTruth) -> np.ndarray:
        """How many trained groups had a true solve rate in each tenth of [0, 1], after the step."""
        rates_B = truth.solve_rates(record.trained_ids_B)
        bins_B = np.minimum((rates_B * DIFFICULTY_BINS).astype(int), DIFFICULTY_BINS - 1)
        return np.bincount(bins_B, minlength=DIFFICULTY_BINS)


def _plain(value: Any) -> Any:
    """NumPy's numbers and arrays as JSON values."""
    return value.tolist()

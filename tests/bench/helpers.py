"""Small settings, strategies that misbehave, and a look at processes."""

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from bench.engines import local
from bench.runner import Plan, plans
from bench.settings import Setting, scenario_setting
from bench.store import CellId, CellResult
from bots import Pool
from bots.baselines import UniformSelector
from simulator import LearnerLaw, Population, Scenario

TINY = Scenario(
    "tiny",
    "",
    Population(),
    LearnerLaw(learning_rate=0.2),
    num_tasks=300,
    num_heldout=60,
    batch_size=16,
    group_size=8,
    steps=12,
)


def tiny_setting() -> Setting:
    return scenario_setting(TINY)


def tiny_plans(strategies=("shuffle", "bots"), seeds=2) -> list[Plan]:
    return plans([tiny_setting()], strategies, range(seeds), truth_every=4)


class FailingSelector(UniformSelector):
    """Raises at the first update."""

    def update(self, feedback):
        raise RuntimeError("this selector always fails")


def failing(pool: Pool, rng):
    return FailingSelector(pool, rng)


class ExitingSelector(UniformSelector):
    """Tries to end the program."""

    def update(self, feedback):
        sys.exit(3)


def exiting(pool: Pool, rng):
    return ExitingSelector(pool, rng)


def broken_factory(pool: Pool, rng):
    raise ValueError("this factory cannot build")


class BoastingSelector(UniformSelector):
    """Believes in solve rates above 1."""

    def solve_rates(self):
        return np.full(300, 1.7)


def boasting(pool: Pool, rng):
    return BoastingSelector(pool, rng)


class DyingSelector(UniformSelector):
    """Takes its process down at the first update."""

    def update(self, feedback):
        os._exit(9)


def dying(pool: Pool, rng):
    return DyingSelector(pool, rng)


class WaitingSelector(UniformSelector):
    """At its fifth batch says so by a file in the folder HOLD, and waits until its run is stopped.

    Without HOLD in the environment it waits for nothing.
    """

    batches = 0

    def select(self, batch_size, exclude=None):
        self.batches += 1
        if self.batches == 5 and "HOLD" in os.environ:
            self.hold(Path(os.environ["HOLD"]))
        return super().select(batch_size, exclude)

    def hold(self, folder):
        mark(folder, "arrived")
        while not local._told_to_stop():
            time.sleep(0.01)


def waiting(pool: Pool, rng):
    return WaitingSelector(pool, rng)


class StubbornSelector(WaitingSelector):
    """Never goes on: it only says that its run was told to stop."""

    def hold(self, folder):
        super().hold(folder)
        mark(folder, "told")
        while True:
            time.sleep(0.01)


def stubborn(pool: Pool, rng):
    return StubbornSelector(pool, rng)


def mark(folder: Path, event: str) -> None:
    (folder / f"{event}-{os.getpid()}").touch()


def marks(folder: Path, event: str) -> list[int]:
    """The processes that have come to this event."""
    return [int(path.name.partition("-")[2]) for path in folder.glob(f"{event}-*")]


def gone(pids: Iterable[int]) -> bool:
    """Whether all these processes have ended, whether or not somebody has asked how."""
    return not any(_runs(pid) for pid in pids)


def _runs(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task")
    return [
        int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()
    ]


def synthetic_cell(
    setting: str, strategy: str, seed: int, end: float, tokens: float = 100.0
) -> CellResult:
    """A run of 10 steps of 8 rollouts whose held-out rate rises evenly from 0.2 to `end`.

    A step generates `tokens` tokens and takes as many simulated seconds, a tenth of them selection.
    """
    steps = np.arange(16.0)
    rising = 0.2 + (end - 0.2) * steps / 10
    began = steps > 0
    columns = {
        "step": steps,
        "rollouts_generated": 8 * steps,
        "rollouts_trained": 8 * steps,
        "heldout": rising,
        "pool": rising,
        "informative": np.where(began, 0.5, np.nan),
        "all_wrong": np.where(began, 0.3, np.nan),
        "all_right": np.where(began, 0.2, np.nan),
        "distinct_tasks": 4 * steps,
        "most_visits": np.ones(16),
        "generated_tokens": np.where(began, tokens, np.nan),
        "time/generation": np.where(began, 0.8 * tokens, np.nan),
        "time/training": np.where(began, 0.1 * tokens, np.nan),
        "time/step": np.where(began, 0.9 * tokens, np.nan),
        "seconds/select": np.where(began, 0.1 * tokens, np.nan),
        "seconds/update": np.where(began, 0.0, np.nan),
        "seconds/rollout": np.where(began, 7.0, np.nan),
        "seconds/train": np.where(began, 7.0, np.nan),
        "difficulty": np.ones((16, 10), dtype=np.int64),
    }
    visits = 8.0 if "steep" in setting else float("inf")
    config = {
        "setting": setting,
        "strategy": strategy,
        "seed": seed,
        "steps": 10,
        "batch_size": 2,
        "group_size": 4,
        "horizon": 1.5,
        "scenario": {"name": setting, "law": {"repetition_visits": visits}},
    }
    maker = {"version": "0", "commit": "none", "python": "3", "numpy": "2"}
    extra = {"offline_rollouts": 0, "made_by": maker}
    return CellResult(CellId(setting, strategy, seed), config, columns, extra)


def synthetic_cells(ends: dict[str, dict[str, float]], seeds: int = 5) -> list[CellResult]:
    """Runs by setting and strategy; what all runs of a seed share differs between seeds by 0.01."""
    return [
        synthetic_cell(setting, strategy, seed, end + 0.01 * seed)
        for setting, by_strategy in ends.items()
        for strategy, end in by_strategy.items()
        for seed in range(seeds)
    ]

"""What an engine is given: cells to run, and what to keep of them besides their results."""

from dataclasses import dataclass

from bench.settings import Setting
from bench.store import CellId


@dataclass(frozen=True, slots=True)
class Plan:
    """One cell to run."""

    setting: Setting
    strategy: str
    seed: int
    truth_every: int

    @property
    def cell(self) -> CellId:
        """Its name."""
        return CellId(self.setting.name, self.strategy, self.seed)


@dataclass(frozen=True, slots=True)
class Extras:
    """What cells do besides their results.

    Attributes:
        tensorboard: write their figures for TensorBoard.
        models: keep the trained models, where there are any.
        log_seconds: time between lines about a running cell on standard error; None: no lines.
        resume: go on from checkpoints.
    """

    tensorboard: bool = False
    models: bool = False
    log_seconds: float | None = None
    resume: bool = True

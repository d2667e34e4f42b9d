"""One interface, and the learners behind it."""

from backends.base import AbstractBackend, AbstractTruth
from backends.loop import Progress, StepRecord, run
from backends.replay import TraceBackend, TraceTruth, replay
from backends.simulated import SimulatedBackend, SimulatedTruth, simulate

__all__ = [
    "AbstractBackend",
    "AbstractTruth",
    "Progress",
    "SimulatedBackend",
    "SimulatedTruth",
    "StepRecord",
    "TraceBackend",
    "TraceTruth",
    "replay",
    "run",
    "simulate",
]

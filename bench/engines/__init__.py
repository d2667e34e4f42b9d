"""Where cells run: processes of this machine, or a Ray cluster."""

from bench.engines.abstract import AbstractEngine
from bench.engines.choice import add_engine_options, chosen_engine
from bench.engines.local import LocalEngine
from bench.engines.on_ray import RayEngine
from bench.engines.plan import Extras, Plan
from bench.engines.signals import Signals, listening
from bench.engines.watch import Watch

__all__ = [
    "AbstractEngine",
    "Extras",
    "LocalEngine",
    "Plan",
    "RayEngine",
    "Signals",
    "Watch",
    "add_engine_options",
    "chosen_engine",
    "listening",
]

"""What samples completions: vLLM, or transformers where there is none."""

from backends.rft.engines.base import AbstractEngine, EngineError, Request, Sampling
from backends.rft.engines.choice import ENGINES, engine_name, make_engine

__all__ = [
    "ENGINES",
    "AbstractEngine",
    "EngineError",
    "Request",
    "Sampling",
    "engine_name",
    "make_engine",
]

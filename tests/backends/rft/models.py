"""Small models: one that is trained, made once per test run, and smaller ones that are not."""

from __future__ import annotations

import copy
import fcntl
import os
import tempfile
import uuid
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MethodType
from typing import Any

import numpy as np

from backends.rft.config import RolloutConfig, TrainConfig
from backends.rft.families import make_tasks
from backends.rft.tasks import TaskSet
from tests.lazy import lazily
from tests.rounding import FLOAT32, rounding

with lazily():
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from backends.rft.backend import RFTBackend
    from backends.rft.policy import Policy, load_policy
    from backends.rft.sft import SFTConfig, is_made, make_model

FAMILIES, POOL_PER_CELL, HELDOUT_PER_CELL = "RO", 20, 6
TRANSFORMERS = RolloutConfig(engine="transformers")
TRAIN = TrainConfig(learning_rate=3e-4)


VOCABULARY = 13


def untrained(spread: float, seed: int = 0, **changes: Any) -> Any:
    """Two layers of random weights, `spread` their standard deviation."""
    torch.manual_seed(seed)
    config = Qwen2Config(
        vocab_size=VOCABULARY,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=32,
        initializer_range=spread,
        **changes,
    )
    return Qwen2ForCausalLM(config).eval()


def precise(model: Any) -> Any:
    """The model, changed in place to compute in float64 throughout.

    Laws hold for it whatever the order of the sums in a kernel. `double()` alone would leave the
    norms and the angles of positions in float32, because the model's code says so.
    """
    model.double()
    for module in model.modules():
        if type(module).__name__ == "Qwen2RMSNorm":
            module.forward = MethodType(_norm, module)
        elif type(module).__name__ == "Qwen2RotaryEmbedding":
            module.forward = MethodType(_rotary, module)
    return model


def _norm(self: Any, hidden: torch.Tensor) -> torch.Tensor:
    variance = hidden.square().mean(-1, keepdim=True)
    return self.weight * hidden * torch.rsqrt(variance + self.variance_epsilon)


def _rotary(self: Any, x: torch.Tensor, position_ids: torch.Tensor) -> tuple[torch.Tensor, ...]:
    angles = (position_ids[..., None].to(x.dtype) * self.inv_freq).repeat(1, 1, 2)
    return angles.cos() * self.attention_scaling, angles.sin() * self.attention_scaling


@cache
def folder() -> Path:
    """Where `weak`, `start` and `strong` are; the workers of one run share it."""
    torch.set_num_threads(1)
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)
    made = Path(tempfile.gettempdir(), f"bots-test-{run}")
    made.mkdir(exist_ok=True)
    recipe = SFTConfig(
        families=FAMILIES,
        pool_per_cell=POOL_PER_CELL,
        heldout_per_cell=HELDOUT_PER_CELL,
        hidden=64,
        steps=200,
        weak_step=40,
        start_step=90,
        learning_rate=4e-3,
    )
    with (made / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_made(made, recipe):
            make_model(made, recipe)
    return made


@cache
def _loaded(checkpoint: str) -> Policy:
    return load_policy(folder() / checkpoint, "cpu")


def policy(checkpoint: str = "start", lora_rank: int = 0) -> Policy:
    """A copy of its own of the model; the tokenizer is shared."""
    if lora_rank:
        return load_policy(folder() / checkpoint, "cpu", lora_rank)
    loaded = _loaded(checkpoint)
    return replace(loaded, model=copy.deepcopy(loaded.model))


def precise_policy(checkpoint: str = "start") -> Policy:
    """The model in float64."""
    found = policy(checkpoint)
    precise(found.model)
    return found


def reported(policy: Policy) -> float:
    """How far a log-probability that an engine reports may be from that of a model in float64.

    The engine takes the logarithm of a sum over the vocabulary in float32. Its terms' total is 1
    after the largest is divided out; logits and results are rounded to float32 too, and none is
    larger than 30, which is a probability of 1e-13.
    """
    vocabulary = policy.model.get_input_embeddings().num_embeddings
    return rounding(FLOAT32, vocabulary, 1.0) + rounding(FLOAT32, 3, 30.0)


@cache
def tasks() -> TaskSet:
    """200 tasks to train on."""
    pool, heldout = make_tasks(FAMILIES, POOL_PER_CELL, HELDOUT_PER_CELL, 0)
    rates_N = np.random.default_rng(0).binomial(16, 0.4, 200) / 16
    return TaskSet(pool[:200], heldout, {"weak": rates_N, "strong": rates_N})


def backend(
    seed: int = 0,
    train: TrainConfig = TRAIN,
    rollouts: RolloutConfig = TRANSFORMERS,
    lora_rank: int = 0,
    **options: Any,
) -> RFTBackend:
    return RFTBackend(policy(lora_rank=lora_rank), tasks(), train, rollouts, seed, **options)


def precise_backend(
    train: TrainConfig = TRAIN, rollouts: RolloutConfig = TRANSFORMERS
) -> RFTBackend:
    """One that samples from, and trains, a model in float64; its state is in float32."""
    return RFTBackend(precise_policy(), tasks(), train, rollouts, 0)

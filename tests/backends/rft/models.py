"""Small models: one that is trained, made once per test run, and smaller ones that are not."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from backends.rft.backend import RFTBackend
from backends.rft.config import RolloutConfig, TrainConfig
from backends.rft.families import make_tasks
from backends.rft.policy import Policy, load_policy
from backends.rft.sft import SFTConfig, make_model
from backends.rft.tasks import TaskSet

RECIPE = SFTConfig(
    families="RO",
    pool_per_cell=20,
    heldout_per_cell=6,
    hidden=64,
    steps=200,
    weak_step=40,
    start_step=90,
    learning_rate=4e-3,
)
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


@cache
def folder() -> Path:
    """Where `weak`, `start` and `strong` are."""
    torch.set_num_threads(1)
    made = Path(tempfile.mkdtemp(prefix="bots-test-"))
    make_model(made, RECIPE)
    return made


def policy(checkpoint: str = "start", lora_rank: int = 0) -> Policy:
    return load_policy(folder() / checkpoint, "cpu", lora_rank)


def tasks() -> TaskSet:
    """200 tasks to train on."""
    pool, heldout = make_tasks(
        RECIPE.families, RECIPE.pool_per_cell, RECIPE.heldout_per_cell, RECIPE.seed
    )
    rates_N = np.random.default_rng(0).binomial(16, 0.4, 200) / 16
    return TaskSet(pool[:200], heldout, {"weak": rates_N, "strong": rates_N})


def backend(
    seed: int = 0,
    train: TrainConfig = TRAIN,
    rollouts: RolloutConfig = TRANSFORMERS,
    lora_rank: int = 0,
    **options,
) -> RFTBackend:
    return RFTBackend(policy(lora_rank=lora_rank), tasks(), train, rollouts, seed, **options)

"""A small trained model, made once per test run."""

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import torch

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

"""What the commands of `python -m backends.rft` do; needs torch."""

import argparse
import logging
import os
import shlex
import time
from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from backends.rft.config import ReferenceConfig, RolloutConfig
from backends.rft.exact import ExactRates
from backends.rft.families import make_tasks
from backends.rft.policy import load_policy
from backends.rft.recipe import SMALL, SFTConfig
from backends.rft.references import measure_references, parse_models
from backends.rft.sft import is_made, make_model
from backends.rft.sources import TaskSource, load_tasks, parse_tasks
from bots import checks

_LOGGER = logging.getLogger(__name__)


def make(options: argparse.Namespace) -> int:
    """Makes a model unless it is there, prints its checkpoints' solve rates and what to do next; 0.

    Raises:
        ValueError: for a recipe that cannot be, or a folder that holds another model.
    """
    from transformers.utils import logging as of_transformers

    of_transformers.disable_progress_bar()
    _use_threads(options.threads)
    given = {name: v for name, v in _given(options, SFTConfig).items() if v is not None}
    config = replace(SMALL if options.small else SFTConfig(), **given)
    if is_made(options.out, config):
        print(f"{options.out} holds this model already")
    else:
        began = time.perf_counter()
        _train(options.out, config)
        print(f"made {options.out} in {time.perf_counter() - began:.0f} s, {config.steps} steps")
    _print_rates(options.out, config)
    _print_next(options.out, config)
    return 0


def measure(options: argparse.Namespace) -> int:
    """Measures solve rates of models on tasks, and prints their means; 0.

    Raises:
        ValueError: for models, tasks or settings that cannot be used.
        EngineError: when the engine died.
        MemoryExhaustedError: when memory does not suffice.
    """
    _use_threads(options.threads)
    models = parse_models(options.model)
    source = parse_tasks(options.tasks, **_given(options, TaskSource))
    rollouts = RolloutConfig(**_given(options, RolloutConfig))
    config = ReferenceConfig(**_given(options, ReferenceConfig))
    tasks = load_tasks(source)
    found = measure_references(models, tasks, options.out, config, rollouts, options.redo)
    for label, counts in found.items():
        successes_N, trials_N, failures_N = np.array(list(counts.values())).T
        tried_N = trials_N > 0
        mean = (successes_N[tried_N] / trials_N[tried_N]).mean() if tried_N.any() else np.nan
        print(
            f"{label}: mean solve rate {mean:.4f} over {tried_N.sum()} of {len(counts)} tasks, "
            f"{trials_N.sum()} trials, {failures_N.sum()} lost to the verifier"
        )
    print(f"wrote {options.out}")
    return 0


def _use_threads(threads: int) -> None:
    torch.set_num_threads(checks.integer("threads", threads, 1))
    os.environ["OMP_NUM_THREADS"] = str(threads)  # of vLLM, and of processes begun


def _given(options: argparse.Namespace, config: type[Any]) -> dict[str, Any]:
    """The fields of a configuration that have an option."""
    names: Iterable[str] = (field.name for field in fields(config))
    return {name: getattr(options, name) for name in names if hasattr(options, name)}


def _train(folder: Path, config: SFTConfig) -> None:
    """With steps, their rate and the loss on a line; silent when the output is not a terminal."""
    from tqdm import tqdm

    _LOGGER.debug("training %s with %s", folder, config)
    with tqdm(total=config.steps, unit="step", disable=None) as bar:

        def show(step: int, loss: float) -> None:
            bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
            bar.update()

        make_model(folder, config, show)


def _print_rates(folder: Path, config: SFTConfig) -> None:
    """Mean exact solve rates of the checkpoints."""
    parts = make_tasks(config.families, config.pool_per_cell, config.heldout_per_cell, config.seed)
    print(f"solve rate    pool of {len(parts[0])} tasks    {len(parts[1])} held-out tasks")
    for name in config.checkpoints:
        policy = load_policy(folder / name, "cpu")
        means = [ExactRates(policy, part, RolloutConfig()).solve_rates().mean() for part in parts]
        print(f"  {name:12}{means[0]:.4f}{'':14}{means[1]:.4f}")


def _print_next(folder: Path, config: SFTConfig) -> None:
    words = [
        *(f"--model={folder / name}" for name in ("weak", "strong")),
        f"--tasks=families:{config.families}",
        f"--pool-per-cell={config.pool_per_cell}",
        f"--heldout-per-cell={config.heldout_per_cell}",
        f"--seed={config.seed}",
        f"--out={folder / 'references.parquet'}",
    ]
    print(f"train {folder / 'start'}; rates of the others, measured on the same tasks:")
    print(f"  python -m backends.rft references {shlex.join(words)}")

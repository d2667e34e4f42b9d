"""`python -m backends.rft make-model | references`."""

import argparse
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from backends.rft.config import RolloutConfig
from backends.rft.engines import ENGINES, EngineError
from backends.rft.errors import MemoryExhaustedError
from backends.rft.exact import ExactRates
from backends.rft.families import make_tasks
from backends.rft.policy import DEVICES, load_policy
from backends.rft.reference_counts import ReferenceConfig
from backends.rft.references import measure_references, parse_models
from backends.rft.sft import SMALL, SFTConfig, is_made, make_model
from backends.rft.sources import TaskSource, load_tasks, parse_tasks
from bots import checks

_MODEL_HELP = {
    "families": "letters of the families to learn",
    "pool_per_cell": "tasks of one family and level to train on by reinforcement",
    "heldout_per_cell": "the same, held out",
    "hidden": "width, a multiple of 32",
    "layers": "depth",
    "steps": "of supervised training",
    "weak_step": "whose checkpoint is the weak reference",
    "start_step": "whose checkpoint reinforcement starts from",
    "batch": "examples per step",
    "learning_rate": "of AdamW",
    "seed": "of tasks, examples and weights",
}
_TASK_HELP = {
    "per_cell": "of reasoning-gym: tasks of one family and level, held-out ones included",
    "compact": "of reasoning-gym: short prompts for tiny models",
    "pool_per_cell": "of families: tasks of one family and level to train on",
    "heldout_per_cell": "the same, held out",
    "heldout_share": "of a file or reasoning-gym: share of the tasks to hold out",
    "heldout_path": "a file whose tasks are held out, instead of a share",
    "verifier": "for rows of a file without one of their own",
    "seed": "of the tasks and of the draws",
}
_REFERENCE_HELP = {
    "samples": "completions per task and model",
    "chunk": "tasks whose counts are written together",
    "device": f"one of {', '.join(DEVICES)}",
}
_ROLLOUT_HELP = {
    "engine": f"one of {', '.join(ENGINES)}",
    "max_new_tokens": "the longest completion",
    "temperature": "of the draws",
    "max_rows": "the most completions that grow at the same time",
    "memory_share": "of the GPU's memory, for vLLM",
}


class _Terminated(KeyboardInterrupt):
    """SIGTERM."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; its exit status: 0, 2 for bad input, 130 or 143 when stopped."""
    options = _parser().parse_args(arguments)
    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        torch.set_num_threads(checks.integer("threads", options.threads, 1))
        os.environ["OMP_NUM_THREADS"] = str(options.threads)  # of vLLM, and of processes begun
        return options.command(options)
    except (ValueError, OSError, EngineError, MemoryExhaustedError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print(f"stopped; the same command {options.again}", file=sys.stderr)
        return 143 if isinstance(stop, _Terminated) else 130
    finally:
        signal.signal(signal.SIGTERM, previous)


def _terminate(number: int, frame: object) -> None:
    raise _Terminated


def _make_model(options: argparse.Namespace) -> int:
    from transformers.utils import logging

    logging.disable_progress_bar()
    given = {name: v for name, v in _given(options, _MODEL_HELP).items() if v is not None}
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


def _train(folder: Path, config: SFTConfig) -> None:
    """With steps, their rate and the loss on a line; silent when the output is not a terminal."""
    from tqdm import tqdm

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


def _given(options: argparse.Namespace, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(options, name) for name in names}


def _references(options: argparse.Namespace) -> int:
    models = parse_models(options.model)
    source = parse_tasks(options.tasks, **_given(options, _TASK_HELP))
    rollouts = RolloutConfig(**_given(options, _ROLLOUT_HELP))
    config = ReferenceConfig(**_given(options, _REFERENCE_HELP), seed=options.seed)
    found = measure_references(
        models, load_tasks(source), options.out, config, rollouts, options.redo
    )
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m backends.rft", description="Models and tasks of real runs."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    made = commands.add_parser("make-model", help="train a small language model from nothing")
    made.add_argument("--small", action="store_true", help="half a minute instead of minutes")
    _add_fields(made, SFTConfig, _MODEL_HELP, given_only=True)
    made.set_defaults(command=_make_model, again="begins again")
    measured = commands.add_parser("references", help="measure solve rates of models on tasks")
    measured.add_argument(
        "--model",
        action="append",
        required=True,
        metavar="[LABEL=]PATH",
        help="a Hugging Face folder; may be given several times",
    )
    measured.add_argument(
        "--tasks",
        required=True,
        help="FILE.jsonl, FILE.parquet, families:LETTERS or reasoning:NAME,NAME@LEVELS",
    )
    _add_fields(measured, TaskSource, _TASK_HELP)
    _add_fields(measured, ReferenceConfig, _REFERENCE_HELP)
    _add_fields(measured, RolloutConfig, _ROLLOUT_HELP)
    measured.add_argument("--redo", action="store_true", help="replace rates of other settings")
    measured.set_defaults(command=_references, again="goes on from here")
    for command in (made, measured):
        command.add_argument("--out", type=Path, required=True)
        command.add_argument("--threads", type=int, default=1, help="of the CPU (default: 1)")
    return parser


def _add_fields(
    parser: argparse.ArgumentParser,
    config: type[Any],
    texts: Mapping[str, str],
    given_only: bool = False,
) -> None:
    """One flag per field that has a text; its default is the field's, or None if asked for."""
    for field in fields(config):
        if field.name in texts:
            default: Any = None if given_only else field.default
            kind: dict[str, Any] = {"type": str if field.default is None else type(field.default)}
            if isinstance(field.default, bool):
                kind = {"action": "store_true"}
            shown = "" if field.default is None else f" (default: {field.default})"
            parser.add_argument(
                f"--{field.name.replace('_', '-')}",
                default=default,
                help=texts[field.name] + shown,
                **kind,
            )


if __name__ == "__main__":
    sys.exit(main())

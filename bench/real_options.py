"""Command-line options of real runs."""

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bench.real import REFERENCE_TRIALS, real_setting
from bench.settings import Setting

if TYPE_CHECKING:
    from bench.suites import RealRun

# By option: the field of `TrainConfig` or `RolloutConfig`, and its type.
_TRAIN: dict[str, Any] = {
    "algorithm": str,
    "learning_rate": float,
    "clip_low": float,
    "clip_high": float,
    "importance_cap": float,
    "kl_weight": float,
    "max_grad_norm": float,
    "warmup_steps": int,
    "minibatches": int,
    "tokens_per_microbatch": int,
    "loss_level": str,
    "normalise_std": None,
}
_ROLLOUTS: dict[str, Any] = {
    "engine": str,
    "max_new_tokens": int,
    "temperature": float,
    "max_rows": int,
    "memory_share": float,
    "eval_samples": int,
    "graders": int,
}
_TASKS: dict[str, Any] = {"per_cell": int, "pool_per_cell": int, "heldout_per_cell": int}
_SWITCHES = {"gradient_checkpointing": "train", "sleep": "rollouts"}
_SOURCE: dict[str, Any] = {"device": str, "lora_rank": int, "threads": int, "models": str}
_RUN: dict[str, Any] = {
    "horizon": float,
    "evaluate_every": int,
    "truth_every": int,
    "checkpoint_seconds": float,
}
_USUAL_SHARE = 0.1
_OF_MODEL = ("model", "tasks", "references", "heldout", "verifier")


def add_real_options(parser: argparse.ArgumentParser) -> None:
    """The options that go with the suites `real` and `real-tiny`."""
    group = parser.add_argument_group("real finetuning (suites real and real-tiny)")
    group.add_argument("--model", metavar="FOLDER", help="a local Hugging Face folder")
    group.add_argument(
        "--tasks",
        metavar="SOURCE",
        help="FILE.jsonl, FILE.parquet, families:LETTERS or reasoning:FAMILY,...@LEVELS",
    )
    group.add_argument("--heldout", metavar="FILE", help="tasks of a file to hold out")
    group.add_argument("--verifier", help="for tasks of a file that name none")
    group.add_argument(
        "--references", metavar="FILE", help="from `python -m backends.rft references`"
    )
    for name, kind in {**_TASKS, **_TRAIN, **_ROLLOUTS, **_SOURCE, **_RUN}.items():
        if kind is None:  # not a value but a choice, added below
            continue
        group.add_argument(f"--{name.replace('_', '-')}", type=kind)
    group.add_argument(
        "--normalise-std",
        action=argparse.BooleanOptionalAction,
        help="divide advantages by the group's standard deviation, or do not",
    )
    group.add_argument(
        "--gradient-checkpointing", action="store_true", help="less memory, more time in training"
    )
    group.add_argument(
        "--sleep", action="store_true", help="vLLM gives the GPU's memory back while training"
    )
    group.add_argument("--save-model", action="store_true", help="keep each cell's trained model")
    group.add_argument(
        "--resume",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="go on from checkpoints of unfinished cells (the default), or start them anew",
    )
    group.add_argument(
        "--log-seconds", type=float, default=15.0, help="time between lines about a running cell"
    )


def real_settings(
    options: argparse.Namespace, run: "RealRun", sizes: dict[str, int], summary: str
) -> list[Setting]:
    """The setting that the options ask for.

    Raises:
        ValueError: for options that do not go together, or whatever `real_setting` refuses.
    """
    source = replace(
        run.source,
        train={**run.source.train, **_given(options, _TRAIN), **_switched(options, "train")},
        rollouts={
            **run.source.rollouts,
            **_given(options, _ROLLOUTS),
            **_switched(options, "rollouts"),
        },
        **_given(options, _SOURCE),
        **_of_model(options, run),
    )
    run = replace(run, source=source, **sizes, **_given(options, _RUN))
    return [
        real_setting(
            source,
            summary,
            run.batch_size,
            run.group_size,
            run.steps,
            run.horizon,
            run.evaluate_every,
            run.checkpoint_seconds,
            options.reference_trials or REFERENCE_TRIALS,
            run.truth_every,
        )
    ]


def real_defaults() -> dict[str, Any]:
    """Options that mean something in real runs alone, with the values that they have unasked."""
    names = (*_OF_MODEL, *_TASKS, *_TRAIN, *_ROLLOUTS, *_SOURCE, *_RUN)
    return {**dict.fromkeys(names), **dict.fromkeys(("save_model", *_SWITCHES), False)}


def _switched(options: argparse.Namespace, part: str) -> dict[str, bool]:
    return {name: True for name, of in _SWITCHES.items() if of == part and getattr(options, name)}


def _given(options: argparse.Namespace, names: dict[str, Any]) -> dict[str, Any]:
    found = {name: getattr(options, name) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _of_model(options: argparse.Namespace, run: "RealRun") -> dict[str, Any]:
    given = {name: getattr(options, name) for name in (*_OF_MODEL, *_TASKS)}
    if run.source.name != "real":
        stray = [name for name, value in given.items() if value is not None]
        if stray:
            name, own = stray[0].replace("_", "-"), run.source.name
            raise ValueError(f"--{name} goes with the suite `real`; {own} has its own model")
        return {}
    if options.model is None or options.tasks is None:
        raise ValueError(
            "the suite `real` needs --model FOLDER and --tasks SOURCE; `real-tiny` makes its own"
        )
    from backends.rft.sources import parse_tasks

    columns = {name: ",".join(getattr(options, name) or ()) or None for name in ("weak", "strong")}
    extra = {"heldout_path": options.heldout, "verifier": options.verifier, **columns}
    chosen = {name: value for name, value in extra.items() if value is not None}
    chosen |= _given(options, _TASKS)
    if options.heldout_share != _USUAL_SHARE:
        chosen["heldout_share"] = options.heldout_share
    tasks = parse_tasks(options.tasks, **chosen)
    return {"model": options.model, "tasks": tasks, "references": options.references}

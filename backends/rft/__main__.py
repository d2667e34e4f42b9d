"""`python -m backends.rft COMMAND`: models and solve rates for real runs.

Its help needs no torch: what does is imported when a command runs.
"""

import argparse
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from backends.rft.config import DEVICES, ENGINES, ReferenceConfig, RolloutConfig
from backends.rft.errors import EngineError, MemoryExhaustedError
from backends.rft.recipe import SMALL, SFTConfig
from backends.rft.sources import TaskSource
from bots.command_line import Command, Parser, command_line, named, number, perform, whole

PROG = "python -m backends.rft"
_TASKS = "FILE.jsonl, FILE.parquet, families:LETTERS or reasoning:NAME,NAME@LEVELS"
_MODEL_HELP = {
    "families": "letters of the families to learn",
    "pool_per_cell": "tasks of one family and level to train on by reinforcement",
    "heldout_per_cell": "tasks of one family and level to hold out",
    "hidden": "width, a multiple of 32",
    "layers": "depth",
    "steps": "steps of supervised training",
    "weak_step": "the step whose checkpoint is the weak reference",
    "start_step": "the step whose checkpoint reinforcement starts from",
    "batch": "examples per step",
    "learning_rate": "learning rate of AdamW",
    "seed": "seed of tasks, examples and weights",
}
_TASK_HELP = {
    "per_cell": "of reasoning-gym: tasks of one family and level, held-out ones included",
    "compact": "of reasoning-gym: short prompts for tiny models",
    "pool_per_cell": "of families: tasks of one family and level to train on",
    "heldout_per_cell": "of families: tasks of one family and level to hold out",
    "heldout_share": "of a file or reasoning-gym: share of the tasks to hold out",
    "heldout_path": "a file whose tasks are held out, instead of a share (default: none)",
    "verifier": "judges rows of a file that name no verifier: code, exact, math or reasoning "
    "(default: none)",
    "seed": "seed of the tasks and of the draws",
}
_REFERENCE_HELP = {
    "samples": "completions per task and model",
    "chunk": "tasks whose counts are written together",
    "device": f"where the model runs: {', '.join(DEVICES)}",
}
_ROLLOUT_HELP = {
    "engine": f"what samples completions: {', '.join(ENGINES)}",
    "max_new_tokens": "tokens of the longest completion",
    "temperature": "temperature of the draws",
    "max_rows": "the most completions that grow at the same time",
    "memory_share": "share of the GPU's memory, for vLLM",
}
_METAVARS = {
    "families": "LETTERS",
    "heldout_path": "FILE",
    "verifier": "NAME",
    "device": "NAME",
    "engine": "NAME",
    "learning_rate": "X",
}
_NAMED = {"device": named("device", DEVICES), "engine": named("engine", ENGINES)}
_FAMILIES = "--tasks families:OURSAG --pool-per-cell 40 --heldout-per-cell 20"
_MODELS = "--model weak=results/model/weak --model strong=results/model/strong"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; its exit status: 0, 2 for bad input, 130 or 143 when stopped."""
    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        return perform(parser(), arguments, (EngineError, MemoryExhaustedError))
    finally:
        signal.signal(signal.SIGTERM, previous)


def parser() -> Parser:
    """The command line."""
    return command_line(PROG, "Makes models, and measures solve rates, for real runs.", _COMMANDS)


def _terminate(number: int, frame: object) -> None:
    raise KeyboardInterrupt("SIGTERM")


def _make_model(options: argparse.Namespace) -> int:
    from backends.rft.commands import make

    return make(options)


def _references(options: argparse.Namespace) -> int:
    from backends.rft.commands import measure

    return measure(options)


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--small", action="store_true", help="a smaller model: half a minute instead of minutes"
    )
    small = {field.name: getattr(SMALL, field.name) for field in fields(SFTConfig)}
    for name, text in _MODEL_HELP.items():
        usual = SFTConfig.__dataclass_fields__[name].default
        shown = f"{usual}" if usual == small[name] else f"{usual}, with --small {small[name]}"
        _add_field(parser, name, usual, f"{text} (default: {shown})", None)
    _add_common(parser, "FOLDER", "folder of the model")


def _add_references(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        action="append",
        required=True,
        metavar="[LABEL=]PATH",
        help="a Hugging Face folder, and what it is called; may be given several times",
    )
    parser.add_argument("--tasks", required=True, metavar="SOURCE", help=f"the tasks: {_TASKS}")
    for config, texts in (
        (TaskSource, _TASK_HELP),
        (ReferenceConfig, _REFERENCE_HELP),
        (RolloutConfig, _ROLLOUT_HELP),
    ):
        _add_fields(parser, config, texts)
    parser.add_argument("--redo", action="store_true", help="replace rates of other settings")
    _add_common(parser, "FILE", "the solve rates, a Parquet file")


def _add_fields(
    parser: argparse.ArgumentParser, config: type[Any], texts: Mapping[str, str]
) -> None:
    """One option per field that has a text; its default is the field's."""
    for field in fields(config):
        if field.name in texts and field.default is not MISSING:
            _add_field(parser, field.name, field.default, texts[field.name], field.default)


def _add_field(
    parser: argparse.ArgumentParser, name: str, usual: Any, text: str, default: Any
) -> None:
    flag = f"--{name.replace('_', '-')}"
    if isinstance(usual, bool):
        parser.add_argument(flag, action="store_true", help=text)
        return
    metavar = _METAVARS.get(name, "X" if isinstance(usual, float) else "N")
    parser.add_argument(flag, type=_kind(name, usual), default=default, metavar=metavar, help=text)


def _kind(name: str, usual: Any) -> Callable[[str], Any]:
    """The settings themselves say which numbers are too small."""
    if name in _NAMED:
        return _NAMED[name]
    return {int: whole(0), float: number()}.get(type(usual), str)


def _add_common(parser: argparse.ArgumentParser, metavar: str, what: str) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar=metavar, help=what)
    parser.add_argument(
        "--threads", type=whole(), default=1, metavar="N", help="threads of the CPU"
    )


_COMMANDS = (
    Command(
        "make-model",
        "train a small language model from nothing",
        _add_model,
        _make_model,
        ("make-model --small --out results/model",),
        again="begins again",
    ),
    Command(
        "references",
        "measure how often models solve tasks",
        _add_references,
        _references,
        (f"references {_FAMILIES} {_MODELS} --out results/rates.parquet",),
        again="goes on from here",
    ),
)


if __name__ == "__main__":
    sys.exit(main())

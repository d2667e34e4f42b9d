"""Command-line options of real runs."""

import argparse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from backends.rft.advantages import ALGORITHMS, LOSS_LEVELS, SPELLINGS
from backends.rft.config import DEVICES, RolloutConfig, TrainConfig
from backends.rft.sources import TaskSource, parse_tasks
from bench.real import REFERENCE_TRIALS, RealSource, real_setting
from bench.settings import Setting
from bench.suites import RealRun
from bots.command_line import named, number, whole


@dataclass(frozen=True, slots=True)
class _Option:
    """An option whose default is that of the suite."""

    metavar: str
    kind: Callable[[str], Any]
    text: str
    usual: str | None = None  # what it is if neither suite nor algorithm says


def _field(config: type[Any], name: str) -> str:
    """A field's default, as it is shown."""
    value = config.__dataclass_fields__[name].default
    return f"{value:g}" if isinstance(value, float) else str(value)


_HABIT = "the algorithm's habit"
_TRAIN = {
    "algorithm": _Option(
        "NAME",
        named("algorithm", ALGORITHMS, aliases=SPELLINGS),
        f"how rewards become gradients: {', '.join(ALGORITHMS)}",
    ),
    "learning_rate": _Option("X", number(0), "learning rate of AdamW"),
    "clip_low": _Option("X", number(0, 1), "how far a probability ratio may fall below 1", _HABIT),
    "clip_high": _Option("X", number(0), "how far a probability ratio may rise above 1", _HABIT),
    "importance_cap": _Option(
        "X", number(0), "most that the correction between engine and trainer may weigh a token"
    ),
    "kl_weight": _Option("X", number(0), "weight of the penalty for leaving the first policy"),
    "max_grad_norm": _Option("X", number(0), "gradients are scaled down to this norm"),
    "warmup_steps": _Option("N", whole(0), "optimizer steps over which the learning rate rises"),
    "minibatches": _Option("N", whole(), "optimizer steps per batch"),
    "tokens_per_microbatch": _Option(
        "N", whole(), "tokens in one pass of the trainer; lower it when memory runs out"
    ),
    "loss_level": _Option(
        "NAME",
        named("loss level", LOSS_LEVELS),
        f"how tokens are summed: {', '.join(LOSS_LEVELS)}",
        _HABIT,
    ),
}
_SAMPLING = {
    "max_new_tokens": _Option("N", whole(), "tokens of the longest completion"),
    "temperature": _Option("X", number(0), "temperature of the draws"),
    "max_rows": _Option(
        "N", whole(), "completions that grow at the same time; lower it when memory runs out"
    ),
    "memory_share": _Option("X", number(0, 1), "share of the GPU's memory, for vLLM"),
    "eval_samples": _Option("N", whole(), "completions per held-out task in an evaluation"),
    "graders": _Option("N", whole(), "tasks whose completions are judged at the same time"),
}
_ROLLOUTS = ("engine", *_SAMPLING)  # `--engine` is among the engines
_TASKS = {
    "per_cell": _Option("N", whole(), "of reasoning-gym: tasks of one family and level"),
    "pool_per_cell": _Option(
        "N", whole(), "of families: tasks of one family and level to train on"
    ),
    "heldout_per_cell": _Option(
        "N", whole(), "of families: tasks of one family and level to hold out"
    ),
}
_SWITCHES = {"gradient_checkpointing": "train", "sleep": "rollouts"}
_SOURCE = {
    "device": _Option(
        "NAME", named("device", DEVICES), f"where the model runs: {', '.join(DEVICES)}"
    ),
    "lora_rank": _Option(
        "N", whole(0), "rank of adapters that are trained instead of the weights; 0: none"
    ),
    "threads": _Option("N", whole(), "threads of torch"),
    "models": _Option("FOLDER", str, "folder that keeps the models of our own suites"),
}
_RUN = {
    "horizon": _Option(
        "X", number(1), "how long a run goes on, as a multiple of its steps and of their rollouts"
    ),
    "evaluate_every": _Option("N", whole(), "steps between evaluations on held-out tasks"),
    "truth_every": _Option("N", whole(), "steps between looks at the whole pool"),
    "checkpoint_seconds": _Option("X", number(0), "seconds between checkpoints"),
}
_USUAL_SHARE = 0.1
_OF_MODEL = ("model", "tasks", "references", "heldout", "verifier")


def add_real_options(parser: argparse.ArgumentParser) -> None:
    """The options that go with the suites whose names begin with `real`."""
    _add_model(
        parser.add_argument_group(
            "real models", "These go with the suites of real runs, such as real and real-tiny."
        )
    )
    training = parser.add_argument_group("training of real models")
    _add(training, _TRAIN, TrainConfig)
    training.add_argument(
        "--normalise-std",
        action=argparse.BooleanOptionalAction,
        help="divide advantages by the group's standard deviation, or do not (default: the "
        "algorithm's habit)",
    )
    training.add_argument(
        "--gradient-checkpointing", action="store_true", help="less memory, more time in training"
    )
    rollouts = parser.add_argument_group("rollouts of real models")
    _add(rollouts, _SAMPLING, RolloutConfig)
    rollouts.add_argument(
        "--sleep", action="store_true", help="vLLM gives the GPU's memory back while training"
    )
    _add_course(parser.add_argument_group("course of real runs"))
    parser.set_defaults(resume=True)


def _add_model(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--model",
        metavar="FOLDER",
        help="a local Hugging Face folder (default: none; the suite real needs one)",
    )
    group.add_argument(
        "--tasks",
        metavar="SOURCE",
        help="FILE.jsonl, FILE.parquet, families:LETTERS or reasoning:FAMILY,...@LEVELS (default: "
        "none; the suite real needs them)",
    )
    group.add_argument(
        "--heldout",
        metavar="FILE",
        help="a file of tasks to hold out (default: none; a share of --tasks is held out)",
    )
    group.add_argument(
        "--verifier",
        metavar="NAME",
        help="judges tasks of a file that name no verifier: code, exact, math or reasoning "
        "(default: none)",
    )
    group.add_argument(
        "--references",
        metavar="FILE",
        help="solve rates from `python -m backends.rft references` (default: none)",
    )
    _add(group, _TASKS, TaskSource)
    _add(group, _SOURCE, RealSource)


def _add_course(group: argparse._ArgumentGroup) -> None:
    _add(group, _RUN, RealRun)
    group.add_argument("--save-model", action="store_true", help="keep each cell's trained model")
    group.add_argument(
        "--resume",
        action=argparse.BooleanOptionalAction,
        help="go on from checkpoints of unfinished cells, or start them anew (default: go on)",
    )
    group.add_argument(
        "--log-seconds",
        type=number(0),
        default=15.0,
        metavar="X",
        help="seconds between lines about a running cell",
    )


def _add(group: argparse._ArgumentGroup, options: Mapping[str, _Option], config: type[Any]) -> None:
    """Options that say whose default holds: the suite's, else that of the configuration."""
    for name, option in options.items():
        usual = option.usual or _field(config, name)
        group.add_argument(
            f"--{name.replace('_', '-')}",
            type=option.kind,
            metavar=option.metavar,
            help=f"{option.text} (default: the suite's, else {usual})",
        )


def real_settings(
    options: argparse.Namespace, run: RealRun, sizes: dict[str, int], summary: str
) -> list[Setting]:
    """The setting that the options ask for.

    Raises:
        ValueError: for options that do not go together, or whatever `real_setting` refuses.
    """
    source = replace(
        run.source,
        train={
            **run.source.train,
            **_given(options, (*_TRAIN, "normalise_std")),
            **_switched(options, "train"),
        },
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
    names = (*_OF_MODEL, *_TASKS, *_TRAIN, "normalise_std", *_ROLLOUTS, *_SOURCE, *_RUN)
    return {**dict.fromkeys(names), **dict.fromkeys(("save_model", *_SWITCHES), False)}


def _switched(options: argparse.Namespace, part: str) -> dict[str, bool]:
    return {name: True for name, of in _SWITCHES.items() if of == part and getattr(options, name)}


def _given(options: argparse.Namespace, names: Iterable[str]) -> dict[str, Any]:
    found = {name: getattr(options, name) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _of_model(options: argparse.Namespace, run: RealRun) -> dict[str, Any]:
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
    columns = {name: ",".join(getattr(options, name) or ()) or None for name in ("weak", "strong")}
    extra = {"heldout_path": options.heldout, "verifier": options.verifier, **columns}
    chosen = {name: value for name, value in extra.items() if value is not None}
    chosen |= _given(options, _TASKS)
    if options.heldout_share != _USUAL_SHARE:
        chosen["heldout_share"] = options.heldout_share
    tasks = parse_tasks(options.tasks, **chosen)
    return {"model": options.model, "tasks": tasks, "references": options.references}

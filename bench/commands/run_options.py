"""The options of `python -m bench run`, in groups."""

import argparse
from typing import Any

from bench.engines import add_engine_options
from bench.pool_file import MISSING
from bench.real_options import add_real_options
from bench.suites import SUITES
from bots.command_line import named, number, whole

SUITE = named("suite", SUITES, "`python -m bench list suites` shows all")
POOL_OPTIONS: dict[str, Any] = {
    "id": None,
    "weak": None,
    "strong": None,
    "domain": None,
    "no_items": False,
    "missing": "error",
    "reference_trials": None,
    "residual_sd": 1.0,
    "start_rate": None,
    "heldout_share": 0.1,
}
"""The options of `--pool`, with the values that they have unasked."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    _add_what(parser)
    _add_sizes(parser.add_argument_group("sizes"))
    _add_where(parser.add_argument_group("where"))
    _add_pool(
        parser.add_argument_group(
            "your own tasks", "A file of tasks takes the place of the suite's scenarios."
        )
    )
    add_real_options(parser)
    add_engine_options(parser)
    parser.set_defaults(**POOL_OPTIONS)


def _add_what(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "suite",
        type=SUITE,
        metavar="SUITE",
        help="which scenarios, strategies and seeds: smoke for a first look, core for a "
        "comparison, real-tiny for a real model; `python -m bench list suites` shows all",
    )
    what = parser.add_argument_group("what to run")
    what.add_argument(
        "--strategy",
        action="append",
        metavar="NAME[:OPTION=VALUE,...]",
        help="a strategy of `python -m bench list strategies`, or package.module:factory; "
        "repeatable (default: the suite's)",
    )
    what.add_argument(
        "--scenario",
        action="append",
        metavar="NAME[@VARIANT[+VARIANT]]",
        help="a scenario of `python -m bench list scenarios`, or a path ending in .toml; "
        "repeatable (default: the suite's)",
    )
    what.add_argument(
        "--seeds", type=whole(), metavar="N", help="run seeds 0 to N - 1 (default: the suite's)"
    )
    what.add_argument(
        "--redo", action="store_true", help="run cells again that were made with other settings"
    )


def _add_sizes(group: argparse._ArgumentGroup) -> None:
    for name, text in (
        ("num-tasks", "tasks in the pool"),
        ("batch-size", "tasks per step"),
        ("group-size", "rollouts per task"),
        ("steps", "training steps"),
    ):
        default = "the scenario's or the suite's"
        group.add_argument(
            f"--{name}", type=whole(), metavar="N", help=f"{text} (default: {default})"
        )


def _add_where(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--out",
        metavar="FOLDER",
        help="folder of the results (default: results/SUITE, with --pool results/pool-NAME)",
    )
    group.add_argument(
        "--report", action="store_true", help="write the report when done, and say what was found"
    )
    group.add_argument(
        "--workers",
        type=whole(),
        metavar="N",
        help="cells side by side (default: one per core, or one on a GPU)",
    )
    group.add_argument(
        "--tensorboard", action="store_true", help="write TensorBoard logs beside the results"
    )


def _add_pool(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--pool",
        metavar="FILE",
        help="a table with one task per row: CSV, TSV, JSON lines, a JSON list or Parquet, gzipped "
        "or not (default: none)",
    )
    group.add_argument(
        "--id",
        metavar="COLUMN",
        help="column of distinct names (default: id, task_id, key or uid, else the rows' numbers)",
    )
    for name in ("weak", "strong"):
        group.add_argument(
            f"--{name}",
            type=lambda text: [part.strip() for part in text.split(",")],
            metavar="COLUMN[,COLUMN...]",
            help=f"columns whose mean is the {name} reference's solve rate (default: a usual name "
            f"such as {name})",
        )
    group.add_argument(
        "--domain",
        metavar="COLUMN",
        help="column of the tasks' domains (default: domain, dataset or data_source)",
    )
    group.add_argument("--no-items", action="store_true", help="ignore item parameters in the file")
    group.add_argument(
        "--missing",
        choices=MISSING,
        metavar="WHAT",
        help="what a missing rate means: error stops, drop leaves the task out, keep keeps "
        "it without a rate",
    )
    group.add_argument(
        "--reference-trials",
        type=whole(),
        metavar="N",
        help="rollouts behind each reference rate; turns counts of successes into rates "
        "(default: 16, with counts those of a column named trials)",
    )
    group.add_argument(
        "--residual-sd",
        type=number(0),
        metavar="X",
        help="how far the learner strays from the references, in logits",
    )
    group.add_argument(
        "--start-rate",
        type=number(0, 1),
        metavar="X",
        help="mean solve rate of the untrained learner (default: the weak reference's)",
    )
    group.add_argument(
        "--heldout-share", type=number(0, 1), metavar="X", help="share of the tasks to hold out"
    )

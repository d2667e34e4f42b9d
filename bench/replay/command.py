"""`python -m bench replay LOG`."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.report import shown
from bots import checks

DEFAULT = (
    "shuffle",
    "mopps",
    "dps",
    "insight",
    "bots-explicit",
    "bots-unlabelled",
    "bots-unlabelled:thompson=False,utility=informative",
    "residual-memory",
    "bots",
    "bots-greedy",
    "bots-informative",
)
"""Judged where none is named; those that need reference rates only where the log has them."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "log", metavar="LOG", help="CSV, CSV.gz or Parquet: task, step or visit, successes, trials"
    )
    parser.add_argument(
        "--strategy",
        action="append",
        metavar="NAME[:OPTION=VALUE,...]",
        help="instead of a usual few; repeatable",
    )
    parser.add_argument("--seeds", type=int, default=5, help="paired runs on the replay")
    parser.add_argument(
        "--steps-per-visit", type=float, metavar="X", help="of a log by visit: steps between two"
    )
    parser.add_argument(
        "--logged",
        choices=("uniform", "shuffle"),
        help="how the log chose its batches, unless it has a column inclusion",
    )
    for name, words in (
        ("steps", "of a replayed run (default the log's)"),
        ("batch-size", "tasks per step (default the log's)"),
        ("group-size", "rollouts per task (default the log's)"),
    ):
        parser.add_argument(f"--{name}", type=int, help=words)
    parser.add_argument(
        "--runs", metavar="FOLDER", help="traces of runs that the strategies chose, for comparison"
    )
    parser.add_argument("--out", help="folder (default results/replay/NAME)")


def run(options: argparse.Namespace) -> int:
    """Judges, prints and writes `replay.md` and `replay.png`; the exit status."""
    from backends.files import atomic
    from bench.replay.chances import chances
    from bench.replay.judge import judge
    from bench.replay.log import read_log
    from bench.replay.own import own_runs
    from bench.replay.picture import draw
    from bench.replay.selected import Sizes
    from bench.replay.text import markdown

    path = Path(options.log)
    log = read_log(path, options.steps_per_visit)
    sizes = Sizes(
        _size("steps", options.steps, log.num_steps),
        _size("batch_size", options.batch_size, log.batch_size),
        _size("group_size", options.group_size, log.trace.group_size),
    )
    checks.batch_size(sizes.batch_size, log.pool.num_tasks)
    seeds = checks.integer("seeds", options.seeds, 1)
    chances_T = chances(log, options.logged)
    specs = _buildable(log, options.strategy or DEFAULT, requested=bool(options.strategy))
    own = own_runs(Path(options.runs), path) if options.runs else {}
    judged = judge(log, specs, sizes, seeds, chances_T)
    folder = Path(options.out or Path("results") / "replay" / path.name.split(".")[0])
    folder.mkdir(parents=True, exist_ok=True)
    text = markdown(log, judged, own, path.name, _command(options, path))
    with atomic(folder / "replay.md") as temporary:
        temporary.write_text(text, encoding="utf-8")
    draw(judged, folder / "replay.png")
    print(text)
    print(f"wrote {folder / 'replay.md'} and {folder / 'replay.png'}")
    return 0


def _size(name: str, given: int | None, default: int) -> int:
    return default if given is None else checks.integer(name, given, 1)


def _buildable(log, specs: Sequence[str], requested: bool) -> list[str]:
    """The strategies that the log's pool allows; one that was asked for must be among them."""
    from bench.replay.walk import made
    from bench.strategies import is_oracle

    kept = []
    for spec in specs:
        if is_oracle(spec):
            raise ValueError(f"strategy {spec!r}: nobody knows the true solve rates of a log")
        try:
            made(log, spec, 0)
        except ValueError as error:
            if requested:
                raise
            print(f"left out: {error}", file=sys.stderr)
        else:
            kept.append(spec)
    return kept


def _command(options: argparse.Namespace, path: Path) -> str:
    """The command as a reader can repeat it."""
    words = [shown(Path(word)) if word == options.log else word for word in options.arguments]
    return shlex.join(["python", "-m", "bench", *words])

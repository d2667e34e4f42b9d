"""`python -m bench replay LOG`."""

import argparse
import logging
import shlex
from collections.abc import Sequence
from pathlib import Path

from bench.report import shown
from bots import checks
from bots.command_line import number, whole

_LOGGER = logging.getLogger(__name__)

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
        help="a strategy to judge, as in `run`; repeatable (default: a usual few)",
    )
    parser.add_argument(
        "--seeds", type=whole(), default=5, metavar="N", help="paired runs on the replay"
    )
    parser.add_argument(
        "--steps-per-visit",
        type=number(0),
        metavar="X",
        help="of a log by visit: steps between two (default: what the log says)",
    )
    parser.add_argument(
        "--logged",
        choices=("uniform", "shuffle"),
        metavar="HOW",
        help="how the log chose its batches: uniform or shuffle (default: as its column inclusion "
        "says)",
    )
    for name, words in (
        ("steps", "steps of a replayed run"),
        ("batch-size", "tasks per step"),
        ("group-size", "rollouts per task"),
    ):
        text = f"{words} (default: the log's)"
        parser.add_argument(f"--{name}", type=whole(), metavar="N", help=text)
    parser.add_argument(
        "--runs",
        metavar="FOLDER",
        help="traces of runs that the strategies chose, for comparison (default: none)",
    )
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        help="folder of the page (default: results/replay/ and the log's name)",
    )


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
            _LOGGER.warning("left out: %s", error)
        else:
            kept.append(spec)
    return kept


def _command(options: argparse.Namespace, path: Path) -> str:
    """The command as a reader can repeat it."""
    words = [shown(Path(word)) if word == options.log else word for word in options.arguments]
    return shlex.join(["python", "-m", "bench", *words])

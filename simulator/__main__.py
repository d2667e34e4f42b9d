"""`python -m simulator COMMAND`: scenarios, fitted to logged runs and judged by them."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bots.command_line import Command, Parser, command_line, number, perform, unknown, whole
from simulator import SCENARIOS, Scenario, scenario_files
from simulator.calibration import trace as traces
from simulator.calibration.check import check
from simulator.calibration.estimation import estimate
from simulator.calibration.fit import calibrate
from simulator.calibration.replay import resized
from simulator.calibration.trace import Trace
from simulator.catalogue.page import page

PROG = "python -m simulator"
_DESCRIPTION = "Shows scenarios, fits them to logged runs, and judges them by logged runs."
_BATCH_SIZE = 128
_LOG = "CSV or Parquet with the columns task, visit or step, successes, trials"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; 2 for input that it refuses, with the reason on standard error."""
    return perform(parser(), arguments)


def parser() -> Parser:
    """The command line."""
    return command_line(PROG, _DESCRIPTION, _COMMANDS)


def catalogue(options: argparse.Namespace) -> int:
    """Prints every scenario: what it stresses, rests on and changes; 0."""
    print(page(), end="")
    return 0


def fit(options: argparse.Namespace) -> int:
    """Fits a scenario to a trace, prints the estimates and writes the scenario; 0."""
    whole = traces.read(options.trace)
    pool_size = options.pool_size or whole.num_tasks
    if pool_size < whole.num_tasks:
        raise ValueError(f"--pool-size is {pool_size}; the log alone has {whole.num_tasks} tasks")
    steps_per_visit = pool_size / options.batch_size
    steps = options.steps or max(round(float(whole.times_R(steps_per_visit).max())), 1)
    trace = _part(whole, options.share, options.seed)
    blank = Scenario(
        options.name or Path(options.out).stem,
        options.summary or f"Fitted to {trace.num_tasks} of {whole.num_tasks} tasks of a real run.",
        tags=("fitted",),
        num_tasks=pool_size,
        batch_size=options.batch_size,
        group_size=trace.group_size,
        steps=steps,
    )
    calibration = calibrate(estimate(trace, steps_per_visit), blank)
    table = calibration.table()
    print(table)
    unfitted = "References, held-out tasks, domains and skills are the defaults, not fitted."
    comment = f"{_command(options)}\n\n{table}\n\n{unfitted}"
    scenario_files.write(options.out, calibration.scenario, comment)
    return 0


def judge(options: argparse.Namespace) -> int:
    """Holds a trace against replicas of a scenario, and prints the comparison; 0."""
    trace = _part(traces.read(options.trace), options.share, options.seed, options.complement)
    scenario = resized(
        _scenario(options.scenario), num_tasks=options.pool_size, batch_size=options.batch_size
    )
    found = check(scenario, trace, options.replicas)
    print(found.table())
    if options.out:
        Path(options.out).write_text(found.table() + "\n", encoding="utf-8")
    if options.picture:
        from simulator.calibration.picture import draw

        title = f"{scenario.name} against {found.tasks} tasks of a real run; red: outside"
        draw(found, options.picture, title)
    return 0


def _part(trace: Trace, share: float, seed: int, complement: bool = False) -> Trace:
    if share == 1 and not complement:
        return trace
    return trace.split(share, seed)[complement]


def _scenario(name: str) -> Scenario:
    if name in SCENARIOS:
        return SCENARIOS[name]
    if name.endswith(".toml"):
        return scenario_files.read(name)
    remedy = f"`{PROG} list` shows all, and a file of your own must end in .toml"
    raise ValueError(unknown("scenario", name, SCENARIOS, remedy))


def _command(options: argparse.Namespace) -> str:
    given = {
        name: getattr(options, name)
        for name in ("share", "seed", "pool_size", "batch_size", "steps", "name")
        if getattr(options, name) is not None
    }
    flags = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in given.items())
    trace, out = Path(options.trace).name, Path(options.out).name
    return f"python -m simulator fit {trace} --out {out} {flags}"


def _add_fit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("trace", metavar="LOG", help=_LOG)
    parser.add_argument("--out", required=True, metavar="FILE.toml", help="the scenario to write")
    parser.add_argument(
        "--pool-size", type=whole(), metavar="N", help="tasks of the run (default: of the log)"
    )
    parser.add_argument(
        "--batch-size", type=whole(), default=_BATCH_SIZE, metavar="B", help="tasks per step"
    )
    parser.add_argument(
        "--steps", type=whole(), metavar="N", help="steps of the run (default: to the last visit)"
    )
    parser.add_argument("--name", metavar="NAME", help="name of the scenario (default: the file's)")
    parser.add_argument(
        "--summary", metavar="TEXT", help="what the scenario is (default: what it was fitted to)"
    )
    _add_share(parser)


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "scenario", metavar="SCENARIO", help="a name of the catalogue, or a TOML file"
    )
    parser.add_argument("trace", metavar="LOG", help=_LOG)
    parser.add_argument(
        "--complement", action="store_true", help="take the tasks that are not in the share"
    )
    parser.add_argument(
        "--replicas", type=whole(), default=40, metavar="N", help="simulated runs to compare with"
    )
    parser.add_argument(
        "--pool-size", type=whole(), metavar="N", help="tasks of the run (default: the scenario's)"
    )
    parser.add_argument(
        "--batch-size", type=whole(), metavar="B", help="tasks per step (default: the scenario's)"
    )
    parser.add_argument("--picture", metavar="FILE.png", help="also draw this file (default: none)")
    parser.add_argument(
        "--out", metavar="FILE.md", help="also write the table into this file (default: none)"
    )
    _add_share(parser)


def _add_share(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--share",
        type=number(0, 1),
        default=1.0,
        metavar="X",
        help="share of the log's tasks that is taken, at random",
    )
    parser.add_argument("--seed", type=whole(0), default=0, metavar="N", help="seed of that choice")


def _add_nothing(parser: argparse.ArgumentParser) -> None:
    pass


_COMMANDS = (
    Command(
        "list", "print the catalogue of scenarios in Markdown", _add_nothing, catalogue, ("list",)
    ),
    Command(
        "fit",
        "fit a scenario to a logged run",
        _add_fit,
        fit,
        ("fit log.csv --out own.toml --batch-size 64 --share 0.5",),
    ),
    Command(
        "check",
        "hold a logged run against a scenario",
        _add_check,
        judge,
        ("check own.toml log.csv --share 0.5 --complement",),
    ),
)


if __name__ == "__main__":
    sys.exit(main())

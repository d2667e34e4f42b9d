"""`python -m simulator list | fit | check`: scenarios, fitted to logged runs and judged by them."""

import argparse
import sys
from difflib import get_close_matches
from pathlib import Path

from simulator import SCENARIOS, Scenario, scenario_files
from simulator.calibration import trace as traces
from simulator.calibration.check import check
from simulator.calibration.estimation import estimate
from simulator.calibration.fit import calibrate
from simulator.calibration.replay import resized
from simulator.calibration.trace import Trace
from simulator.catalogue.page import page

_BATCH_SIZE = 128


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; 2 for input that it refuses, with the reason on stderr."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def catalogue(options: argparse.Namespace) -> None:
    """Prints every scenario: what it stresses, rests on and changes."""
    print(page(), end="")


def fit(options: argparse.Namespace) -> None:
    """Fits a scenario to a trace, prints the estimates and writes the scenario."""
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


def judge(options: argparse.Namespace) -> None:
    """Holds a trace against replicas of a scenario."""
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


def _part(trace: Trace, share: float, seed: int, complement: bool = False) -> Trace:
    if share == 1 and not complement:
        return trace
    return trace.split(share, seed)[complement]


def _scenario(name: str) -> Scenario:
    if name in SCENARIOS:
        return SCENARIOS[name]
    if name.endswith(".toml"):
        return scenario_files.read(name)
    near = get_close_matches(name, SCENARIOS, n=1)
    hint = f"; do you mean {near[0]}?" if near else ""
    raise ValueError(
        f"there is no scenario {name!r}: give a .toml file or one of the catalogue{hint}"
    )


def _command(options: argparse.Namespace) -> str:
    given = {
        name: getattr(options, name)
        for name in ("share", "seed", "pool_size", "batch_size", "steps", "name")
        if getattr(options, name) is not None
    }
    flags = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in given.items())
    trace, out = Path(options.trace).name, Path(options.out).name
    return f"python -m simulator fit {trace} --out {out} {flags}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    commands = parser.add_subparsers(required=True)
    listing = commands.add_parser("list", help="the catalogue as a Markdown page")
    listing.set_defaults(command=catalogue)
    fitting = commands.add_parser("fit", help="fit a scenario to a logged run")
    fitting.add_argument("trace", help="CSV or Parquet: task, visit or step, successes, trials")
    fitting.add_argument("--out", required=True, help="the scenario, a TOML file")
    fitting.add_argument("--pool-size", type=_count, help="tasks of the run, default: of the log")
    fitting.add_argument("--batch-size", type=_count, default=_BATCH_SIZE, help="tasks per step")
    fitting.add_argument("--steps", type=_count, help="of the run, default: to the last visit")
    fitting.add_argument("--name", help="of the scenario, default: the file's")
    fitting.add_argument("--summary", help="of the scenario")
    fitting.set_defaults(command=fit)
    judging = commands.add_parser("check", help="hold a logged run against a scenario")
    judging.add_argument("scenario", help="a name of the catalogue, or a TOML file")
    judging.add_argument("trace", help="CSV or Parquet: task, visit or step, successes, trials")
    judging.add_argument("--complement", action="store_true", help="the tasks not in the share")
    judging.add_argument("--replicas", type=_count, default=40, help="simulated runs")
    judging.add_argument("--pool-size", type=_count, help="tasks of the run, default: scenario's")
    judging.add_argument("--batch-size", type=_count, help="tasks per step, default: scenario's")
    judging.add_argument("--picture", help="a PNG to write")
    judging.add_argument("--out", help="a Markdown table to write")
    judging.set_defaults(command=judge)
    for command in (fitting, judging):
        command.add_argument("--share", type=float, default=1.0, help="of the tasks, at random")
        command.add_argument("--seed", type=int, default=0, help="of that choice")
    return parser


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} must be at least 1")
    return value


if __name__ == "__main__":
    sys.exit(main())

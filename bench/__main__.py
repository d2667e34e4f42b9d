"""`python -m bench COMMAND`: everything that the benchmark does."""

import sys
from collections.abc import Sequence

from bench import check, contest_docs, live_options, tune
from bench.commands import listing, manual, report, run, run_options, speed
from bench.contest import command as leaderboard
from bench.repetition import command as repetition
from bench.replay import command as replay
from bench.successor import command as successor
from bench.validation import command as validation
from bots.command_line import Command, Parser, command_line, perform

PROG = "python -m bench"
_GOES_ON = "goes on from here"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; its exit status: 0, 1 when a cell failed, 2 for bad input."""
    return perform(parser(), arguments)


def parser() -> Parser:
    """The command line."""
    return command_line(PROG, "Compares strategies that select tasks.", _COMMANDS)


_FOR_USERS = (
    Command(
        "run",
        "run the cells of a suite that are not done yet",
        run_options.add_options,
        run.run,
        (
            "run smoke",
            "run smoke --strategy my_strategy:Mine --strategy bots --seeds 3",
            "run smoke --pool tasks.csv --weak small_model --strong large_model",
        ),
        again=_GOES_ON,
    ),
    Command(
        "report",
        "write report.html and report.md into a folder",
        report.add_options,
        report.run,
        ("report results/smoke",),
    ),
    Command(
        "check",
        "hold a strategy to the laws that the benchmark relies on",
        check.add_options,
        check.run,
        ("check my_strategy:Mine", "check bots dapo"),
    ),
    Command(
        "list",
        "list strategies, suites, scenarios and variants",
        listing.add_options,
        listing.run,
        ("list strategies",),
    ),
    Command(
        "leaderboard",
        "compare all strategies of a folder, on one page",
        leaderboard.add_options,
        leaderboard.run,
        ("leaderboard results/smoke",),
    ),
    Command(
        "replay",
        "judge estimators and selectors on the log of a run",
        replay.add_options,
        replay.run,
        ("replay log.csv --strategy bots --strategy mopps",),
    ),
)
_FOR_MAINTAINERS = (
    Command(
        "docs",
        "write the documentation's pages about strategies and claims",
        contest_docs.add_options,
        contest_docs.run,
        ("docs results/full",),
        for_maintainers=True,
    ),
    Command(
        "options",
        "say what each option of the live selector is worth",
        live_options.add_options,
        live_options.run,
        ("options results/live",),
        for_maintainers=True,
    ),
    Command(
        "successor",
        "say what residual-memory is worth, and each of its ingredients",
        successor.add_options,
        successor.run,
        ("successor results/successor --ablation results/ablation",),
        for_maintainers=True,
    ),
    Command(
        "repetition",
        "measure what repeating a task costs on a real model",
        repetition.add_options,
        repetition.run,
        ("repetition --seeds 3",),
        again=_GOES_ON,
        for_maintainers=True,
    ),
    Command(
        "validate",
        "predict real runs from those of shuffle, and compare",
        validation.add_options,
        validation.run,
        ("validate results/real-tiny results/real-small",),
        again=_GOES_ON,
        for_maintainers=True,
    ),
    Command(
        "tune",
        "tune options, the same budget for every strategy",
        tune.add_options,
        tune.run,
        ("tune mopps dapo --budget 12",),
        again=_GOES_ON,
        for_maintainers=True,
    ),
    Command(
        "perf",
        "time and memory of selection, in tables",
        speed.add_perf,
        speed.perf,
        ("perf --sizes 54400 --table comparison",),
        for_maintainers=True,
    ),
    Command(
        "perf-cells",
        "cells per second by strategy, and a profile",
        speed.add_cells,
        speed.cells,
        ("perf-cells --strategy bots",),
        for_maintainers=True,
    ),
    Command(
        "scaling",
        "time and memory of the simulated learner by pool size",
        speed.add_scaling,
        speed.scaling,
        ("scaling --sizes 1e4,1e5",),
        for_maintainers=True,
    ),
    Command(
        "perf-real",
        "time a step of real finetuning beside TRL's",
        speed.add_real,
        speed.real,
        ("perf-real --rounds 5",),
        for_maintainers=True,
    ),
    Command(
        "command-line",
        "write the documentation's page about all command lines",
        manual.add_options,
        manual.run,
        ("command-line",),
        for_maintainers=True,
    ),
)
_COMMANDS = (*_FOR_USERS, *_FOR_MAINTAINERS)


if __name__ == "__main__":
    sys.exit(main())

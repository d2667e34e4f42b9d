"""`python -m bench command-line`: the page of the documentation about all command lines."""

import argparse
from pathlib import Path

from bots.command_line import reference

PAGE = "docs/command-line.md"
COMMAND = "python -m bench command-line"
_HEAD = f"""# Command line

Four programs make up the command line. `python -m bench` compares strategies. `python -m bots`
looks into saved selectors. `python -m simulator` works on scenarios. `python -m backends.rft`
prepares real runs. The package installs them as `bots-bench`, `bots`, `bots-simulator` and
`bots-rft`.

Every program takes `--help` and `--version`. Every command takes `--help`, `-q` or `--quiet`, and
`-v` or `--verbose`. Results go to standard output. Progress, notes and errors go to standard error:
`--quiet` leaves warnings and errors, `--verbose` adds times and origins. The exit status is 0 on
success and 2 for bad input. `run` ends with 1 when a cell failed, `check` when a law is broken.
A command that is stopped ends with 130 or 143.

Names in bold are groups of options, as in `--help`. `{COMMAND}` writes this page.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--out", default=PAGE, metavar="PAGE", help="the page to write")


def run(options: argparse.Namespace) -> int:
    """Writes the page; 0."""
    Path(options.out).write_text(page(), encoding="utf-8")
    print(f"wrote {options.out}")
    return 0


def page() -> str:
    """The page, in Markdown."""
    from backends.rft.__main__ import parser as of_rft
    from bench.__main__ import parser as of_bench
    from bots.__main__ import parser as of_bots
    from simulator.__main__ import parser as of_simulator

    return reference([of_bench(), of_bots(), of_simulator(), of_rft()], _HEAD)

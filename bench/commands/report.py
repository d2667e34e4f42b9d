"""`python -m bench report FOLDER`: the report of what `run` left there."""

import argparse
from pathlib import Path

from bench.report import tell


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("folder", metavar="FOLDER", help="where `run` put its results")


def run(options: argparse.Namespace) -> int:
    """Writes report.html and report.md, and prints the standings and what was found; 0.

    Raises:
        ValueError: for a folder without results.
    """
    tell(Path(options.folder))
    return 0

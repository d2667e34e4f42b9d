"""`python -m bench leaderboard FOLDER`."""

import argparse
from pathlib import Path


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("folder", metavar="FOLDER", help="where `run` put its results")


def run(options: argparse.Namespace) -> int:
    """Writes the leaderboard of a folder, prints its headline; the exit status."""
    from bench.contest.page import write_leaderboard

    written = write_leaderboard(Path(options.folder))
    print(written.headline)
    print("wrote " + ", ".join(str(path) for path in written.files))
    return 0

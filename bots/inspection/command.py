"""`python -m bots inspect`: what a saved selector believes, as text and as a picture."""

import argparse
import sys

from bots.command_line import number, whole
from bots.inspection.contents import contents
from bots.inspection.opened import opened
from bots.inspection.picture import draw
from bots.inspection.stored import read
from bots.inspection.summary import summarise
from bots.inspection.text import report
from bots.inspection.view import LARGEST_GROUP


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "state",
        metavar="STATE",
        help="a file that save_state wrote. Tasks are named by their positions in the pool: "
        "pool.keys_N[position] is the key, of which a state holds only a digest",
    )
    parser.add_argument("--picture", metavar="FILE.png", help="also draw this file (default: none)")
    parser.add_argument(
        "--group-size",
        type=number(1, LARGEST_GROUP),
        metavar="N",
        help="rollouts per task (default: as in the last feedback, else 8)",
    )
    parser.add_argument(
        "--batch-size",
        type=whole(),
        metavar="B",
        help="tasks of the next batch (default: as in the last batch, else 32)",
    )
    parser.add_argument("--top", type=whole(0), default=10, metavar="K", help="tasks in each list")


def run(options: argparse.Namespace) -> int:
    """Prints what the selector of a state believes, and draws it when asked to; 0.

    Raises:
        OSError: for a file that cannot be read or written.
        ValueError: for a file that is no selector's state.
    """
    stored = read(options.state)
    view = opened(stored.state)
    if view is None:
        if options.picture:
            raise ValueError(
                f"{stored.selector!r} keeps no beliefs that could be drawn: leave --picture out, "
                "or inspect the state of 'live' or 'bots'"
            )
        _print(contents(stored))
        return 0
    summary = summarise(view, options.group_size, options.batch_size, options.top)
    if options.picture:
        draw(view, summary, options.picture)
    _print(report(stored, view, summary))
    return 0


def _print(text: str) -> None:
    """Prints characters that the terminal lacks as escapes."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))

"""`python -m bots inspect STATE`: what a saved selector believes, as text and as a picture."""

import argparse
import sys
from typing import TextIO

from bots.inspection import contents, draw, opened, read, report, summarise

_KEYS = (
    "Tasks are named by their positions in the pool, as in task_ids: pool.keys_N[position] is the "
    "key. The state holds only digests of keys."
)


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; 2 for input that it refuses, with the reason on stderr."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    try:
        options.command(options)
    except (OSError, ValueError) as error:
        _print(f"error: {error}", sys.stderr)
        return 2
    return 0


def inspect(options: argparse.Namespace) -> None:
    """Prints what the selector of a state believes, and draws it when asked to."""
    stored = read(options.state)
    view = opened(stored.state)
    if view is None:
        if options.picture:
            raise ValueError(
                f"{stored.selector!r} keeps no beliefs that could be drawn: leave --picture out, "
                "or inspect the state of 'live' or 'bots'"
            )
        _print(contents(stored), sys.stdout)
        return
    summary = summarise(view, options.group_size, options.batch_size, options.top)
    if options.picture:
        draw(view, summary, options.picture)
    _print(report(stored, view, summary), sys.stdout)


def _print(text: str, stream: TextIO) -> None:
    """Prints characters that the terminal lacks as escapes."""
    encoding = stream.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bots", description=__doc__)
    parser.set_defaults(command=None)
    commands = parser.add_subparsers()
    inspecting = commands.add_parser(
        "inspect", help="what a saved selector believes", epilog=_KEYS, description=__doc__
    )
    inspecting.add_argument("state", help="a file that save_state wrote")
    inspecting.add_argument("--picture", metavar="FILE.png", help="a picture to write")
    inspecting.add_argument(
        "--group-size", type=float, metavar="N", help="rollouts per task, default: the last one's"
    )
    inspecting.add_argument(
        "--batch-size",
        type=int,
        metavar="B",
        help="of the next batch, default: the last open one's",
    )
    inspecting.add_argument(
        "--top", type=int, default=10, metavar="K", help="tasks in each list, default 10"
    )
    inspecting.set_defaults(command=inspect)
    return parser


if __name__ == "__main__":
    sys.exit(main())

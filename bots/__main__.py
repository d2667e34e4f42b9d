"""`python -m bots COMMAND`: looks into what selectors save."""

import sys
from collections.abc import Sequence

from bots.command_line import Command, Parser, command_line, perform
from bots.inspection import command as inspect

PROG = "python -m bots"
COMMANDS = (
    Command(
        "inspect",
        "say what a saved selector believes, as text and as a picture",
        inspect.add_options,
        inspect.run,
        ("inspect selector.npz --top 3 --picture picture.png",),
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; 2 for input that it refuses, with the reason on standard error."""
    return perform(parser(), arguments)


def parser() -> Parser:
    """The command line."""
    return command_line(PROG, "Looks into what selectors save.", COMMANDS)


if __name__ == "__main__":
    sys.exit(main())

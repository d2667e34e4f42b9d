"""A parser with commands, grouped for users and for maintainers."""

import argparse
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from bots import __version__
from bots.command_line.nearest import unknown
from bots.command_line.texts import explained, usage

_VERSION = (
    f"bots-rft {__version__}: Bayesian online task selection, and the benchmark that tests it"
)
_WIDTH = 88  # of paragraphs
_VERBOSITY = {
    ("-q", "--quiet"): (-1, "show warnings and errors alone, no progress and no notes"),
    ("-v", "--verbose"): (1, "show everything, each line with its time and origin"),
}


@dataclass(frozen=True, slots=True)
class Command:
    """A command, and what its help says.

    Attributes:
        name: as it is typed.
        summary: what it does, in a few words.
        add_options: adds its options to a parser.
        run: does it; the exit status.
        examples: what may follow the program's name, ready to be typed.
        again: what the same command does after it was stopped.
        for_maintainers: whether users have no need of it.
    """

    name: str
    summary: str
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    examples: tuple[str, ...]
    again: str = ""
    for_maintainers: bool = False


class Parser(argparse.ArgumentParser):
    """Explains every option, answers a mistake in two lines, and suggests what is near.

    Attributes:
        commands: by name, each command and its own parser.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=_Formatter, **settings)
        self._positionals.title = "arguments"
        self.commands: dict[str, tuple[Command, Parser]] = {}

    def add_argument_group(self, *arguments: Any, **settings: Any) -> Any:
        """As in argparse, with the description in lines that a terminal holds."""
        group = super().add_argument_group(*arguments, **settings)
        group.description = group.description and wrapped(group.description)
        return group

    def error(self, message: str) -> NoReturn:
        """Ends the process with status 2."""
        self.exit(2, f"error: {message}\nsee `{self.prog} --help`\n")

    def parse_known_args(  # pyright: ignore[reportIncompatibleMethodOverride]  # its overloads
        self, args: Any = None, namespace: Any = None
    ) -> Any:
        """As in argparse, but nothing may be left over."""
        found, rest = super().parse_known_args(args, namespace)
        if rest and rest[0].startswith("-"):
            name = rest[0].partition("=")[0]
            known = [option for option in self._option_string_actions if option.startswith("--")]
            self.error(unknown("option", name, known))
        if rest:
            self.error(f"{rest[0]!r} is one argument too many: leave it out")
        return found, rest

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        names = [str(choice) for choice in action.choices]
        what = str(action.metavar or action.dest).lower()
        message = unknown(what, str(value), names)
        raise argparse.ArgumentError(None, message)


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str, **settings: Any) -> None:
        super().__init__(prog, **({"max_help_position": 30, "width": 100} | settings))

    def _get_help_string(self, action: argparse.Action) -> str:
        return explained(action).replace("%", "%%")


def command_line(prog: str, description: str, commands: Sequence[Command]) -> Parser:
    """The parser of a program with these commands.

    Args:
        prog: how it is called.
        description: what it does.
        commands: in the order in which help lists them.
    """
    lists = [_listed(title, chosen) for title, chosen in _by_audience(commands)]
    parser = Parser(
        prog=prog,
        usage=f"{prog} COMMAND [option ...]",
        description="\n\n".join([wrapped(description), *lists]),
        epilog=f"`{prog} COMMAND --help` explains a command and shows an example.",
    )
    parser.add_argument(
        "--version", action="version", version=_VERSION, help="print the version and stop"
    )
    _add_verbosity(parser, 0)
    parser.set_defaults(command=None, again="")
    places = parser.add_subparsers(prog=prog, metavar="COMMAND", help=argparse.SUPPRESS)
    for command in commands:
        own = places.add_parser(
            command.name,
            description=wrapped(sentence(command.summary)),
            epilog="\n".join(["example:", *(f"  {prog} {line}" for line in command.examples)]),
        )
        command.add_options(own)
        _add_verbosity(own, argparse.SUPPRESS)
        own.usage = usage(own).replace("%", "%%")
        own.set_defaults(command=command.run, again=command.again)
        parser.commands[command.name] = (command, own)
    return parser


def sentence(words: str) -> str:
    """A summary as a sentence.

    Example:
        >>> sentence("run the cells")
        'Run the cells.'
    """
    return f"{words[:1].upper()}{words[1:]}{'' if words.endswith('.') else '.'}"


def wrapped(text: str) -> str:
    """A paragraph in lines that a terminal holds."""
    return textwrap.fill(" ".join(text.split()), _WIDTH)


def _by_audience(commands: Sequence[Command]) -> list[tuple[str, list[Command]]]:
    parts = {
        "commands": [command for command in commands if not command.for_maintainers],
        "for maintainers": [command for command in commands if command.for_maintainers],
    }
    return [(title, chosen) for title, chosen in parts.items() if chosen]


def _listed(title: str, commands: Sequence[Command]) -> str:
    width = max(len(command.name) for command in commands)
    return "\n".join(
        [f"{title}:", *(f"  {command.name:<{width}}  {command.summary}" for command in commands)]
    )


def _add_verbosity(parser: Parser, default: Any) -> None:
    group = parser.add_argument_group("what is shown on the way")
    for names, (level, text) in _VERBOSITY.items():
        group.add_argument(
            *names,
            dest="verbosity",
            action="store_const",
            const=level,
            default=default,
            help=text,
        )

"""The reference of command lines as a page of the documentation."""

import argparse
from collections.abc import Iterator, Sequence

from bots.command_line.parser import Command, Parser, sentence
from bots.command_line.texts import explained, invocation

_TITLES = {"arguments": "argument", "options": "option"}
_COMMON = ("help", "verbosity", "version")


def reference(parsers: Sequence[Parser], introduction: str) -> str:
    """Markdown: for each command its purpose, an example, and a table of its options.

    Args:
        parsers: of the command lines, as `command_line` makes them.
        introduction: the page's title and first paragraphs.
    """
    parts = [introduction.strip()]
    for parser in parsers:
        parts += [f"## {_heading(parser)}", _first_paragraph(parser), _contents(parser)]
        for command, own in parser.commands.values():
            parts += _described(parser, command, own)
    return "\n\n".join(parts) + "\n"


def _first_paragraph(parser: Parser) -> str:
    return (parser.description or "").partition("\n\n")[0]


def _contents(parser: Parser) -> str:
    rows = []
    for command, own in parser.commands.values():
        whom = "maintainers" if command.for_maintainers else "users"
        rows.append((f"[`{command.name}`](#{_anchor(own)})", sentence(command.summary), whom))
    return _table(("command", "what it does", "for"), rows)


def _anchor(parser: Parser) -> str:
    """As both GitHub and MkDocs make it from the heading."""
    return _heading(parser).replace(".", "").replace(" ", "-")


def _heading(parser: Parser) -> str:
    return parser.prog.removeprefix("python -m ")


def _described(parser: Parser, command: Command, own: Parser) -> Iterator[str]:
    yield f"### {_heading(own)}"
    yield sentence(command.summary)
    lines = [f"{parser.prog} {line}" for line in command.examples]
    yield "```text\n" + "\n".join(lines) + "\n```"
    for title, text, actions in groups(own):
        if title not in _TITLES:
            yield f"**{title[:1].upper()}{title[1:]}.** {text}".strip()
        yield _table(
            (_TITLES.get(title, "option"), "meaning"),
            [(f"`{invocation(action)}`", sentence(explained(action))) for action in actions],
        )


def groups(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str, list[argparse.Action]]]:
    """Title, text and options of each group, without the options that all commands have."""
    for group in parser._action_groups:
        actions = [action for action in group._group_actions if action.dest not in _COMMON]
        if actions:
            yield group.title or "", " ".join((group.description or "").split()), actions


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    cells = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)

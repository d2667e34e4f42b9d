"""What all command lines of the project share: their parser, their checks and their errors."""

from bots.command_line.kinds import named, number, whole
from bots.command_line.nearest import unknown
from bots.command_line.page import reference
from bots.command_line.parser import Command, Parser, command_line
from bots.command_line.running import perform
from bots.command_line.texts import explained

__all__ = [
    "Command",
    "Parser",
    "command_line",
    "explained",
    "named",
    "number",
    "perform",
    "reference",
    "unknown",
    "whole",
]

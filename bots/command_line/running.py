"""Runs a command of a command line, and says in one line what went wrong."""

import argparse
import os
import sys
from collections.abc import Sequence

from bots import logs
from bots.command_line.parser import Parser

_EXTRAS = {
    "rft": ("torch", "transformers", "safetensors", "math_verify", "tensorboard"),
    "bench": ("matplotlib", "pandas", "pyarrow", "tomli_w", "tqdm"),
    "reasoning": ("reasoning_gym",),
    "lora": ("peft",),
    "ray": ("ray",),
    "vllm": ("vllm",),
}
"""Optional packages, by the extra that installs them."""


def perform(
    parser: Parser,
    arguments: Sequence[str] | None = None,
    expected: tuple[type[Exception], ...] = (),
) -> int:
    """Runs the command that the arguments name; without one it prints the help.

    Args:
        parser: of the command line.
        arguments: default: those of the process.
        expected: errors, beside `ValueError` and `OSError`, whose message says what to do.

    Returns:
        The exit status: the command's own; 2 for bad input or a missing package; 130 or 143 when
        stopped by SIGINT or SIGTERM.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = parser.parse_args(given, argparse.Namespace(arguments=given))
    logs.start(options.verbosity)
    if options.command is None:
        parser.print_help()
        return 0
    try:
        return options.command(options)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ModuleNotFoundError as error:
        if _extra(error) is None:
            raise
        return _failed(_missing(error))
    except (ValueError, OSError, *expected) as error:
        return _failed(_message(error))
    except KeyboardInterrupt as stop:
        again = f"; the same command {options.again}" if options.again else ""
        print(f"stopped{again}", file=sys.stderr)
        return 143 if stop.args == ("SIGTERM",) else 130


def _failed(message: str) -> int:
    """Prints characters that the terminal lacks as escapes."""
    encoding = sys.stderr.encoding or "utf-8"
    text = f"error: {message}".encode(encoding, "backslashreplace").decode(encoding)
    print(text, file=sys.stderr)
    return 2


def _message(error: Exception) -> str:
    """An error without its number."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {error.strerror[:1].lower()}{error.strerror[1:]}"
    return str(error)


def _extra(error: ModuleNotFoundError) -> str | None:
    package = (error.name or "").partition(".")[0]
    return next((extra for extra, names in _EXTRAS.items() if package in names), None)


def _missing(error: ModuleNotFoundError) -> str:
    extra = _extra(error)
    return f"this needs {error.name}: `make .venv/{extra}`, or `pip install -e '.[{extra}]'`"

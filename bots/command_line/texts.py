"""Words about options, for the help on a terminal and for the page of the documentation."""

import argparse


def explained(action: argparse.Action) -> str:
    """An option's sentence, with its choices and its default where the sentence has not named them.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> option = parser.add_argument("--size", choices=("s", "l"), default="s", help="of all")
        >>> explained(option)
        'of all: s or l (default: s)'
    """
    text = action.help or ""
    choices = [str(choice) for choice in action.choices or ()]
    if choices and not all(choice in text for choice in choices):
        text += ": " + " or ".join(filter(None, (", ".join(choices[:-1]), choices[-1])))
    if _valued(action) and action.default not in (None, argparse.SUPPRESS, []):
        if "default:" not in text:
            text += f" (default: {action.default})"
    elif action.required and action.option_strings:
        text += " (required)"
    return text


def invocation(action: argparse.Action) -> str:
    """How an option or argument is written.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> invocation(parser.add_argument("-s", "--size", metavar="N"))
        '-s, --size N'
    """
    if not action.option_strings:
        return _value(action)
    names = ", ".join(action.option_strings)
    return f"{names} {_value(action)}" if _valued(action) else names


def usage(parser: argparse.ArgumentParser) -> str:
    """One line: the command, what it must be given, and that there are options.

    Example:
        >>> parser = argparse.ArgumentParser(prog="make")
        >>> parser.add_argument("--out", required=True, metavar="FILE") and usage(parser)
        'make --out FILE [option ...]'
    """
    words = [parser.prog]
    actions = sorted(parser._actions, key=lambda action: bool(action.option_strings))
    for action in actions:
        if not action.option_strings:
            words.append(_counted(action))
        elif action.required:
            words.append(f"{action.option_strings[-1]} {_value(action)}")
    return " ".join([*words, "[option ...]"])


def _valued(action: argparse.Action) -> bool:
    return bool(action.option_strings) and action.nargs != 0


def _value(action: argparse.Action) -> str:
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    return f"{metavar} [{metavar} ...]" if action.nargs in ("+", "*") else metavar


def _counted(action: argparse.Action) -> str:
    value = _value(action)
    return f"[{value}]" if action.nargs in ("?", "*") else value

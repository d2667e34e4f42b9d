"""What somebody may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def unknown(kind: str, name: str, known: Iterable[str], remedy: str = "") -> str:
    """Says that there is no such thing, which one is near, and what to do.

    Args:
        kind: of thing.
        name: as it was given.
        known: the names that there are.
        remedy: where all of them are shown, if that has to be said.

    Example:
        >>> unknown("strategy", "bot", ["bots", "mopps"], "`bench list` shows all")
        "there is no strategy 'bot': do you mean bots? `bench list` shows all"
        >>> unknown("strategy", "x", ["bots", "mopps"], "`bench list` shows all")
        "there is no strategy 'x'; `bench list` shows all"
    """
    near = get_close_matches(name, list(known), n=1)
    hint = f": do you mean {near[0]}?" if near else ";" * bool(remedy)
    return f"there is no {kind} {name!r}{hint} {remedy}".rstrip()

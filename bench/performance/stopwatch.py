"""How long named functions take, without a word in them about it."""

import importlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

Places = Sequence[str]


@contextmanager
def stopwatch(places: Places) -> Iterator[dict[str, float]]:
    """Own seconds by place, while the block runs: what a place calls counts for itself if named.

    Args:
        places: MODULE:NAME or MODULE:CLASS.NAME, each looked up where it is called from; a function
            that was imported is named where it was imported to.

    Raises:
        ValueError: for a place that does not exist.

    Example:
        >>> import json
        >>> with stopwatch(["json.encoder:JSONEncoder.encode"]) as seconds:
        ...     _ = json.dumps({"a": 1}), json.dumps({"b": [2]})
        >>> list(seconds), seconds["json.encoder:JSONEncoder.encode"] > 0
        (['json.encoder:JSONEncoder.encode'], True)
    """
    seconds: dict[str, float] = defaultdict(float)
    running: list[float] = []  # of each place that is entered, the seconds of those it called
    found = [(_owner(place), place.rpartition(":")[2].rpartition(".")[2]) for place in places]
    originals = [vars(owner)[name] for owner, name in found]
    try:
        for place, (owner, name), original in zip(places, found, originals, strict=True):
            setattr(owner, name, _timed(original, place, seconds, running))
        yield seconds
    finally:
        for (owner, name), original in zip(found, originals, strict=True):
            setattr(owner, name, original)


def _timed(
    function: Callable[..., Any], place: str, seconds: dict[str, float], running: list[float]
) -> Callable[..., Any]:
    def timed(*arguments: Any, **options: Any) -> Any:
        running.append(0.0)
        began = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            spent = time.perf_counter() - began
            seconds[place] += spent - running.pop()
            if running:
                running[-1] += spent

    return timed


def _owner(place: str) -> Any:
    module, _, path = place.partition(":")
    owner = importlib.import_module(module)
    *parents, name = path.split(".")
    for parent in parents:
        owner = vars(owner).get(parent)
    if owner is None or name not in vars(owner):
        raise ValueError(f"there is nothing to time at {place}: name it where it is called from")
    return owner

"""The file of tuned options, which `bench.strategies.tuned` reads."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bench
from backends.files import atomic
from bench.strategies import tuned
from bench.tuning.search import Found

TUNED = Path(bench.__file__).parent / "tuned.toml"

_HEADER = """\
# Written by `python -m bench tune`. The scores are those of tuning: the winner's is the best of
# several noisy ones and therefore too high on average.
"""
_DECIMALS = 4


def update(found: Sequence[Found], budget: int, file: Path) -> None:
    """Replaces the tables of these strategies, at once or not at all; the others stay.

    Args:
        found: what to write.
        budget: trials that each was granted.
        file: read first, where it exists.

    Raises:
        ValueError: for a file that is not TOML.
    """
    import tomli_w

    new = {one.strategy: _table(one, budget) for one in found}
    tables = dict(sorted({**_read(file), **new}.items()))
    with atomic(file) as temporary:
        temporary.write_text(f"{_HEADER}\n{tomli_w.dumps(tables)}", encoding="utf-8")
    tuned.cache_clear()


def _table(found: Found, budget: int) -> dict[str, Any]:
    return {
        "score": round(found.score, _DECIMALS),
        "default_score": round(found.default_score, _DECIMALS),
        "budget": budget,
        "trials": found.trials,
        "failed": found.failed,
        "cells": found.cells,
        "command": f"python -m bench tune {found.strategy} --budget {budget}",
        "options": dict(found.options),
    }


def _read(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{file} is damaged ({error}): mend it, or delete it and tune") from None

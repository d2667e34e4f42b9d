"""Solve rates that a file gives as counts of successes."""

from typing import TYPE_CHECKING

import numpy as np

from bench import columns
from bench.columns import Floats

if TYPE_CHECKING:
    import pandas as pd

_TRIALS_COLUMNS = ("trials", "reference_trials", "num_trials")
_PERCENT = 100


def holds_counts(read: dict[str, Floats]) -> bool:
    """Whether one of these columns holds whole numbers alone, some of them above 1."""
    return any(_whole(values_N) and np.nanmax(values_N) > 1 for values_N in read.values())


def may_be_counts(read: dict[str, Floats]) -> bool:
    """Whether all columns hold nothing but 0 and 1, as rates of one rollout and small counts do."""
    return all(_whole(values_N) for values_N in read.values())


def as_rates(
    table: "pd.DataFrame", read: dict[str, Floats], given: int | None, path: str
) -> tuple[dict[str, Floats], int, tuple[str, ...]]:
    """Counts divided by their trials, the trials, and a sentence that says what was done.

    Beside counts, a column of 0 and 1 alone is one of counts too. Columns with fractions are not.

    Args:
        table: where a column of trials may stand.
        read: columns of solve rates, by name; one at least holds counts.
        given: trials that were asked for; None: those of a column named `trials`.
        path: of the file.

    Raises:
        ValueError: when nobody says how many trials there were, or a count is above them.
    """
    counts = [name for name, values_N in read.items() if _whole(values_N)]
    column = None if given else columns.first(table, _TRIALS_COLUMNS, path)
    if column is not None:
        trials_N, source = columns.numbers(table, column, path), f"column {column!r}"
    elif given:
        trials_N, source = np.full(len(table), float(given)), f"--reference-trials {given}"
    else:
        raise ValueError(_unknown_trials(read, counts, path))
    for name in counts:
        _check(read[name], trials_N, name, source, path)
    rates = {name: read[name] / trials_N if name in counts else read[name] for name in read}
    named = " and ".join(repr(name) for name in counts)
    note = (
        f"{path}: {named} hold{'s' if len(counts) == 1 else ''} counts of successes, divided by "
        f"the trials of {source}"
    )
    return rates, round(float(np.median(trials_N))), (note,)


def _whole(values_N: Floats) -> bool:
    known = values_N[~np.isnan(values_N)]
    return known.size > 0 and bool((known >= 0).all() and (known == np.floor(known)).all())


def _unknown_trials(read: dict[str, Floats], counts: list[str], path: str) -> str:
    most = {name: int(np.nanmax(read[name])) for name in counts}
    name = max(most, key=lambda name: most[name])
    row = int(np.nanargmax(read[name]))
    percent = "percentages? divide them by 100. " if most[name] > _PERCENT // 4 else ""
    return (
        f"column {name!r} of {path} holds whole numbers up to {most[name]} (row {row}); a solve "
        f"rate lies in [0, 1]. {percent.capitalize()}Counts of successes? say of how many "
        f"rollouts: --reference-trials {most[name]}, or a column named trials"
    )


def _check(counts_N: Floats, trials_N: Floats, name: str, source: str, path: str) -> None:
    bad = np.flatnonzero(~(trials_N >= 1) | (trials_N != np.floor(trials_N)))
    if bad.size:
        raise ValueError(
            f"{source} of {path} is {trials_N[bad[0]]:g} in row {bad[0]}; trials are whole numbers "
            "from 1: correct them, or give --reference-trials"
        )
    bad = np.flatnonzero(counts_N > trials_N)
    if bad.size:
        k = bad[0]
        raise ValueError(
            f"column {name!r} of {path} is {counts_N[k]:g} in row {k} ({bad.size} such rows), more "
            f"than the {trials_N[k]:g} trials of {source}: correct one of the two"
        )

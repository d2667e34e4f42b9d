"""Rewards as trainers hold them, one by one, counted group by group."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from bots import checks
from bots._types import Floats, Ints


class Counts(NamedTuple):
    """What B groups of rewards add up to.

    Attributes:
        task_ids_B: shape (B,).
        successes_B: shape (B,), successes, or sums of fractional rewards.
        trials_B: shape (B,), rollouts that came back.
        squares_B: shape (B,), sums of squares of fractional rewards; None: rewards are 0 and 1.
        tokens_B: shape (B,), or None.
    """

    task_ids_B: Ints
    successes_B: Floats
    trials_B: Floats
    squares_B: Floats | None
    tokens_B: Floats | None


def counted(task_ids: Any, rewards: Any, threshold: object, tokens: Any) -> Counts:
    """The counts of `Feedback.from_rewards`, which describes the arguments."""
    ids = checks.task_ids(_listed(task_ids))
    values = _table("rewards", rewards)
    grouped = _by_id(ids, values.size) if values.ndim == 1 else _by_row(ids, values.shape)
    rewards_BG = grouped.padded(values)
    tokens_B = None if tokens is None else _totals(_table("tokens", tokens), values, grouped)
    came_BG = ~np.isnan(rewards_BG)
    gain_BG = np.where(came_BG, rewards_BG, 0.0)
    trials_B = came_BG.sum(axis=1, dtype=np.float64)
    squares_B = None
    if isinstance(threshold, str):
        _check_fractional(threshold, grouped.task_ids_B, gain_BG)
        squares_B = np.square(gain_BG).sum(axis=1)
    elif threshold is None:
        _check_binary(grouped.task_ids_B, gain_BG)
    else:
        lowest = checks.number("threshold", threshold, -np.inf)
        gain_BG = (came_BG & (rewards_BG >= lowest)).astype(np.float64)
    return Counts(grouped.task_ids_B, gain_BG.sum(axis=1), trials_B, squares_B, tokens_B)


class _Grouped(NamedTuple):
    """The groups' tasks, and what brings one value per rollout into the shape (B, G)."""

    task_ids_B: Ints
    padded: Callable[[Floats], Floats]


def _by_row(ids: Ints, shape: tuple[int, ...]) -> _Grouped:
    if ids.size != shape[0]:
        raise ValueError(f"rewards has shape {shape}, task_ids {ids.shape}; {_remedy(ids, shape)}")
    return _Grouped(ids, lambda values: values)


def _remedy(ids: Ints, shape: tuple[int, ...]) -> str:
    if ids.size == shape[1]:
        return "there must be a row of rewards per task: hand over the transpose, rewards.T"
    if ids.size == shape[0] * shape[1]:
        return "with an id per rollout the rewards must be flat too: hand over rewards.ravel()"
    return "there must be one task id per row of rewards, the rollouts of one task"


def _by_id(ids_R: Ints, size: int) -> _Grouped:
    """Groups by task, in the order in which the tasks first occur."""
    if ids_R.size != size:
        raise ValueError(
            f"rewards has shape ({size},), task_ids ({ids_R.size},); flat rewards need an id per "
            "rollout: np.repeat(task_ids, group_size) when the rollouts of a task lie side by side"
        )
    distinct, first, inverse = np.unique(ids_R, return_index=True, return_inverse=True)
    if distinct.size == size:
        raise ValueError(
            f"rewards has shape ({size},) and no task occurs twice, as if they were mean rewards; "
            "hand over every rollout, in shape (tasks, rollouts): for groups of a single rollout "
            "rewards[:, np.newaxis]"
        )
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    row_R = rank[inverse]
    sizes_B = np.bincount(row_R)
    by_row = np.argsort(row_R, kind="stable")
    column_R = np.empty(size, np.int64)
    column_R[by_row] = np.arange(size) - np.repeat(np.cumsum(sizes_B) - sizes_B, sizes_B)

    def padded(values_R: Floats) -> Floats:
        values_BG = np.full((distinct.size, sizes_B.max()), np.nan)
        values_BG[row_R, column_R] = values_R
        return values_BG

    return _Grouped(distinct[order], padded)


def _totals(tokens: Floats, rewards: Floats, grouped: _Grouped) -> Floats:
    """Tokens of each group, given for each or for each rollout."""
    if rewards.ndim == 2 and tokens.shape == rewards.shape[:1]:
        return tokens
    if tokens.shape != rewards.shape:
        raise ValueError(
            f"tokens has shape {tokens.shape}, rewards {rewards.shape}; give one number per "
            "rollout, in the shape of the rewards, or one total per row of them"
        )
    if np.any(np.isnan(tokens) & ~np.isnan(rewards)):
        raise ValueError(
            "tokens holds nan for a rollout that came back; give its length, or leave tokens out"
        )
    if np.any(tokens < 0):
        raise ValueError(f"tokens holds {np.nanmin(tokens):g}; a length is 0 or more")
    with np.errstate(over="ignore"):  # to infinity, which is refused later
        return np.nansum(grouped.padded(tokens), axis=1)


def _check_binary(task_ids_B: Ints, gain_BG: Floats) -> None:
    bad = np.argwhere((gain_BG != 0) & (gain_BG != 1))
    if bad.size:
        b, g = bad[0]
        raise ValueError(
            f"a rollout of task {task_ids_B[b]} has reward {gain_BG[b, g]:g}; rewards must be 0 or "
            "1. threshold=0.5 counts each reward of at least 0.5 as a success; "
            'threshold="fractional" sums rewards in [0, 1]. Mean rewards are not taken: hand over '
            "those of the rollouts"
        )


def _check_fractional(threshold: str, task_ids_B: Ints, gain_BG: Floats) -> None:
    if threshold != "fractional":
        raise ValueError(
            f'threshold is {threshold!r}; it must be a number, "fractional", or None for rewards '
            "of 0 and 1"
        )
    bad = np.argwhere((gain_BG < 0) | (gain_BG > 1))
    if bad.size:
        b, g = bad[0]
        raise ValueError(
            f"a rollout of task {task_ids_B[b]} has reward {gain_BG[b, g]:g}; fractional rewards "
            "lie in [0, 1]: rescale them, or give a number as threshold"
        )


def _table(name: str, values: Any) -> Floats:
    """`values` as floats of shape (R,), or (B, G) padded with NaN; None becomes NaN."""
    listed = _listed(values)
    if isinstance(listed, np.ndarray):
        array = checks.numbers(name, listed)
    elif not isinstance(listed, list):
        raise ValueError(f"{name} is {values!r}; it must be an array, or a list of lists")
    else:
        rows = [_listed(row) for row in listed]
        nested = [isinstance(row, list | np.ndarray) for row in rows]
        if any(nested) and not all(nested):
            raise ValueError(
                f"{name}[{nested.index(False)}] is {rows[nested.index(False)]!r} beside lists; "
                "give a list per task, and [] for a group that was lost whole"
            )
        array = _ragged(name, rows) if any(nested) else _floats(name, rows)
    if array.ndim not in (1, 2):
        raise ValueError(
            f"{name} has shape {array.shape}; it must be (tasks, rollouts), or flat with an id "
            "per rollout"
        )
    infinite = array[np.isinf(array)]
    if infinite.size:
        raise ValueError(f"{name} holds {infinite[0]}; None or nan marks a rollout that was lost")
    return array


def _ragged(name: str, rows: list[Any]) -> Floats:
    width = max(len(row) for row in rows)
    array = np.full((len(rows), width), np.nan)
    for b, row in enumerate(rows):
        array[b, : len(row)] = _floats(f"{name}[{b}]", list(row))
    return array


def _floats(name: str, values: list[Any]) -> Floats:
    array = np.full(len(values), np.nan)
    for i, value in enumerate(map(_listed, values)):
        if value is None:
            continue
        if not isinstance(value, bool | int | float | np.bool_ | np.integer | np.floating):
            raise ValueError(
                f"{name}[{i}] is {value!r}; it must be a number, or None for a lost rollout"
            )
        try:
            array[i] = float(value)
        except OverflowError:
            raise ValueError(f"{name}[{i}] is an integer beyond float64") from None
    return array


def _listed(values: Any) -> Any:
    """Numeric arrays as they are; tensors, series and other arrays as (nested) lists."""
    if isinstance(values, np.ndarray) and not isinstance(values, np.ma.MaskedArray):
        return values if values.dtype.kind in "biuf" and values.ndim else values.tolist()
    if isinstance(values, tuple):
        return list(values)
    return values.tolist() if hasattr(values, "tolist") else values

"""Boundary checks. Each raises a `ValueError` that names the value, the rule and the remedy."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bots._types import Floats, Ints

if TYPE_CHECKING:
    from bots.feedback import Feedback


def numbers(name: str, values: npt.ArrayLike) -> Floats:
    """`values` as a new float64 array of any shape; only real numbers are taken for numbers."""
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be an array of numbers: {error}") from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} has dtype {array.dtype}; it must hold real numbers, as float64")
    with np.errstate(over="ignore", invalid="ignore"):  # to infinity, or of a signalling NaN
        return array.astype(np.float64)


def vector(name: str, values: npt.ArrayLike) -> Floats:
    """`values` as a new, read-only float64 vector; NaN and infinity are refused."""
    array = numbers(name, values)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}; it must be a vector: pass a 1-D array")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise ValueError(
            f"{name}[{bad[0]}] is {array[bad[0]]} ({bad.size} such entries); "
            "every entry must be finite: leave the task out instead"
        )
    array.setflags(write=False)
    return array


def shares(name: str, values: npt.ArrayLike) -> Floats:
    """`values` as a vector whose entries lie in [0, 1]."""
    array = vector(name, values)
    bad = np.flatnonzero((array < 0) | (array > 1))
    if bad.size:
        raise ValueError(
            f"{name}[{bad[0]}] is {array[bad[0]]:g}; a rate lies in [0, 1]: "
            "divide successes by trials"
        )
    return array


def task_ids(values: npt.ArrayLike) -> Ints:
    """`values` as a new, read-only vector of task positions, at least one of them."""
    array = np.asarray(values)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(
            f"task_ids has shape {array.shape}; it must be a vector with at least one task: "
            "skip the call when there is none"
        )
    if array.dtype.kind not in "iu":
        raise ValueError(
            f"task_ids has dtype {array.dtype}; it must hold integer positions in the pool"
        )
    if array.dtype.kind == "u" and array.max() > np.iinfo(np.int64).max:
        raise ValueError(f"task_ids holds {array.max()}; positions must fit in int64")
    if array.min() < 0:
        raise ValueError(f"task_ids holds {array.min()}; positions count from 0")
    array = array.astype(np.int64)
    array.setflags(write=False)
    return array


def within(task_ids_B: Ints, num_tasks: int) -> None:
    """Refuses positions outside a pool of `num_tasks`."""
    highest = int(task_ids_B.max())
    if highest >= num_tasks:
        raise ValueError(
            f"task id {highest} is not in the pool of {num_tasks} tasks; ids run from 0 to "
            f"{num_tasks - 1}: was this feedback meant for another pool?"
        )


def feedback(value: "Feedback", num_tasks: int) -> "Feedback":
    """`value`, which must be feedback about a pool of `num_tasks`."""
    if not hasattr(value, "evidence"):  # not isinstance: its module imports these checks
        raise ValueError(
            f"feedback is of type {type(value).__name__}; it must be a Feedback: "
            "selector.update(Feedback.from_rewards(task_ids, rewards))"
        )
    within(value.task_ids_B, num_tasks)
    return value


def integer(name: str, value: object, lowest: int, highest: int | None = None) -> int:
    """`value` as an int of at least `lowest` and at most `highest`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ValueError(f"{name} is {value!r}; it must be an integer")
    if value < lowest or (highest is not None and value > highest):
        bounds = f"at least {lowest}" if highest is None else f"between {lowest} and {highest}"
        raise ValueError(f"{name} is {value}; it must be {bounds}")
    if value > np.iinfo(np.int64).max:
        raise ValueError(f"{name} has {int(value).bit_length()} bits; it must fit in int64")
    return int(value)


def flag(name: str, value: object) -> bool:
    """`value` as True or False."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}; it must be True or False")
    return value


def number(name: str, value: object, lowest: float, highest: float = np.inf) -> float:
    """`value` as a finite float in [`lowest`, `highest`]."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise ValueError(f"{name} is {value!r}; it must be a number")
    rule = f"it must be a finite number in [{lowest:g}, {highest:g}]"
    try:
        number = float(value)
    except OverflowError:
        raise ValueError(f"{name} is an integer beyond float64; {rule}") from None
    if not np.isfinite(number) or not lowest <= number <= highest:
        raise ValueError(f"{name} is {value}; {rule}")
    return number


def rng(value: object) -> np.random.Generator:
    """`value` as a random generator."""
    if not isinstance(value, np.random.Generator):
        raise ValueError(f"rng is {value!r}; it must be a generator: np.random.default_rng(seed)")
    return value


def batch_size(value: object, num_tasks: int) -> int:
    """`value` as the number of distinct tasks to take from a pool of `num_tasks`."""
    size = integer("batch_size", value, 1)
    if size > num_tasks:
        raise ValueError(
            f"batch_size is {size} but the pool has {num_tasks} tasks; "
            "a batch holds distinct tasks: lower batch_size or raise group_size"
        )
    return size


def excluded(exclude: npt.ArrayLike | None, batch_size: int, num_tasks: int) -> Ints:
    """`exclude` as distinct positions, ascending; empty for None.

    Refuses positions outside a pool of `num_tasks`, and to exclude so many that fewer than
    `batch_size` are left.
    """
    positions = np.asarray([] if exclude is None else exclude)
    if positions.ndim != 1 or (positions.size and positions.dtype.kind not in "iu"):
        raise ValueError(
            f"exclude has shape {positions.shape} and dtype {positions.dtype}; it must be a vector "
            "of integer positions in the pool: np.flatnonzero turns a mask into them"
        )
    if positions.size == 0:
        return np.empty(0, dtype=np.int64)
    if positions.min() < 0 or positions.max() >= num_tasks:
        raise ValueError(
            f"exclude spans {positions.min()} to {positions.max()}; the positions of a pool of "
            f"{num_tasks} tasks run from 0 to {num_tasks - 1}"
        )
    excluded_N = np.zeros(num_tasks, dtype=np.bool_)
    excluded_N[positions] = True
    distinct = np.flatnonzero(excluded_N)
    left = num_tasks - distinct.size
    if left < batch_size:
        raise ValueError(
            f"{left} of the pool's {num_tasks} tasks are left when {distinct.size} are excluded, "
            f"but {batch_size} were asked for: lower batch_size, or wait until more are available"
        )
    return distinct

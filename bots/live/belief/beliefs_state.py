"""The saved form of beliefs, and what must hold of it."""

from typing import Any

import numpy as np
import numpy.typing as npt

from bots import checks

STORED = ("class_N", "excess_N2", "last_N", "streak_N")

_KINDS = {
    "class_N": np.uint16,
    "excess_N2": np.float32,
    "last_N": np.float32,
    "streak_N": np.int8,
    "removed_N": np.uint8,
    "visited_V": np.int32,
    "alpha_C": np.float64,
    "beta_C": np.float64,
}
_NUMBERS = ("weight", "scale", "updates")


def checked(state: dict[str, Any], prior: tuple[float, float]) -> dict[str, Any]:
    """The entries of a state, if they fit together and no belief has less than the prior."""
    if not isinstance(state, dict) or set(state) != {*_KINDS, *_NUMBERS}:
        raise ValueError(_DAMAGED.format("entries are missing"))
    arrays = {name: _array(name, state[name], kind) for name, kind in _KINDS.items()}
    num_tasks, num_classes = arrays["class_N"].size, arrays["alpha_C"].size
    removed_N = np.unpackbits(arrays["removed_N"])
    visited_V = arrays["visited_V"]
    weight = checks.number("weight", state["weight"], 0)
    scale = checks.number("scale", state["scale"], np.nextafter(0.0, 1.0), 1)
    largest = np.float64(np.finfo(np.float32).max)
    for holds, what in (
        (num_tasks > 0 and num_classes > 0, "it has no task"),
        (all(len(arrays[name]) == num_tasks for name in STORED), "lengths differ"),
        (arrays["beta_C"].size == num_classes, "lengths differ"),
        (removed_N.size == -(-num_tasks // 8) * 8, "lengths differ"),
        (not removed_N[num_tasks:].any(), "a task that is not there was removed"),
        (arrays["class_N"].max(initial=0) < num_classes, "a class is not there"),
        (visited_V.min(initial=0) >= 0, "a visited task is not there"),
        (visited_V.max(initial=-1) < num_tasks, "a visited task is not there"),
        (np.unique(visited_V).size == visited_V.size, "a task was listed twice"),
        (_sound(arrays["alpha_C"], prior[0], largest), "alpha_C is below the prior, or not finite"),
        (_sound(arrays["beta_C"], prior[1], largest), "beta_C is below the prior, or not finite"),
        (_sound(arrays["excess_N2"], -largest, largest), "excess_N2 is not finite"),
        (not np.isnan(arrays["last_N"]).any() and (arrays["last_N"] < np.inf).all(), "last_N"),
    ):
        if not holds:
            raise ValueError(_DAMAGED.format(what))
    if np.delete(arrays["excess_N2"], visited_V, axis=0).any():
        raise ValueError(_DAMAGED.format("an unvisited task has a residual"))
    updates = checks.integer("updates", state["updates"], 0)
    removed = {"removed_N": removed_N[:num_tasks].astype(np.bool_)}
    return {**arrays, **removed, "weight": weight, "scale": scale, "updates": updates}


_DAMAGED = "the state's beliefs are damaged ({}): go back to an earlier checkpoint"


def _array(name: str, value: Any, kind: type) -> npt.NDArray[Any]:
    shaped = isinstance(value, np.ndarray) and value.shape[1:] == ((2,) if name[-1] == "2" else ())
    if not shaped or value.ndim == 0 or value.dtype != kind:
        raise ValueError(_DAMAGED.format(f"{name} does not hold {kind.__name__}, one per task"))
    return value.copy()


def _sound(array: npt.NDArray[Any], low: float, high: float) -> bool:
    return bool(((array >= low) & (array <= high)).all())

"""The task pool as a selector may see it: names, reference solve rates, domains."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bots import checks
from bots._types import Floats, Floats32

_SURROGATES = 0xD800, 0xDFFF


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """What is known of N tasks before the first rollout.

    A task's id is its position here, 0 to N - 1. Its key is the user's own, stable name for it.

    Attributes:
        keys_N: shape (N,), distinct integers or strings.
        references: solve rates measured beforehand with other models, by name; each has shape (N,),
            values in [0, 1], NaN where it was not measured. The names `weak` and `strong` are the
            ones that interpolation looks for.
        domains_N: shape (N,), a label per task, or None.
        features_ND: shape (N, D), an embedding of every task, finite, kept as float32; or None.
        fingerprint: SHA-256 over all of the above. Saved state carries it, so that state of one
            pool is never loaded into another.

    Raises:
        ValueError: for an empty pool, repeated keys, lengths that differ, rates outside [0, 1].

    Example:
        >>> pool = Pool(["a", "b"], references={"weak": [0.1, 0.5], "strong": [0.4, 0.9]})
        >>> pool.num_tasks, sorted(pool.references)
        (2, ['strong', 'weak'])
    """

    keys_N: npt.NDArray[Any]
    references: Mapping[str, Floats] = field(default_factory=dict)
    domains_N: npt.NDArray[Any] | None = None
    features_ND: Floats32 | None = None
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        keys_N = _labels("keys", self.keys_N)
        if keys_N.size == 0:
            raise ValueError("the pool has 0 tasks; it must have at least one")
        unique, counts = np.unique(keys_N, return_counts=True)
        if unique.size < keys_N.size:
            repeated = unique[counts > 1].tolist()
            raise ValueError(
                f"key {repeated[0]!r} names {counts.max()} tasks; keys must be distinct: "
                "drop the repeated rows or give each its own key"
            )
        references = {
            name: _rates(name, rates, keys_N.size) for name, rates in self.references.items()
        }
        domains_N = None if self.domains_N is None else _labels("domains", self.domains_N)
        if domains_N is not None and domains_N.size != keys_N.size:
            raise ValueError(f"{domains_N.size} domains for {keys_N.size} tasks; give one per task")
        features_ND = None
        if self.features_ND is not None:
            features_ND = _features(self.features_ND, keys_N.size)
        for name, value in (
            ("keys_N", keys_N),
            ("references", references),
            ("domains_N", domains_N),
            ("features_ND", features_ND),
        ):
            object.__setattr__(self, name, value)
        digest = _fingerprint(keys_N, references, domains_N, features_ND)
        object.__setattr__(self, "fingerprint", digest)

    @staticmethod
    def numbered(num_tasks: int, references: Mapping[str, npt.ArrayLike] | None = None) -> "Pool":
        """A pool whose keys are 0, 1, ..., `num_tasks` - 1."""
        rates = {
            name: np.asarray(values, dtype=np.float64)
            for name, values in (references or {}).items()
        }
        return Pool(np.arange(checks.integer("num_tasks", num_tasks, 1)), rates)

    @property
    def num_tasks(self) -> int:
        """N."""
        return int(self.keys_N.size)


def _labels(name: str, values: npt.ArrayLike) -> npt.NDArray[Any]:
    array = np.array(values)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}; it must be a vector, one entry per task")
    if array.dtype.kind == "O":
        array = np.array([str(value) for value in array])
    if array.size and array.dtype.kind not in "iuU":
        raise ValueError(f"{name} has dtype {array.dtype}; it must hold integers or strings")
    if array.dtype.kind == "U" and _has_surrogates(array):
        raise ValueError(
            f"{name} has a label with half of a surrogate pair, which is no text: decode labels "
            "with errors='replace'"
        )
    array.setflags(write=False)
    return array


def _has_surrogates(labels: npt.NDArray[Any]) -> bool:
    points = np.ascontiguousarray(labels).view(np.uint32)
    return bool(((points >= _SURROGATES[0]) & (points <= _SURROGATES[1])).any())


def _rates(name: str, values: npt.ArrayLike, num_tasks: int) -> Floats:
    array = np.array(values, dtype=np.float64)
    if array.shape != (num_tasks,):
        raise ValueError(f"reference {name!r} has shape {array.shape}; it must be ({num_tasks},)")
    bad = np.flatnonzero((array < 0) | (array > 1))
    if bad.size:
        raise ValueError(
            f"reference {name!r} is {array[bad[0]]:g} for task {bad[0]}; a solve rate lies in "
            "[0, 1], or is NaN when it was not measured"
        )
    array.setflags(write=False)
    return array


def _features(values: npt.ArrayLike, num_tasks: int) -> Floats32:
    array = np.array(values, dtype=np.float32)
    if array.ndim != 2 or len(array) != num_tasks or array.shape[1] == 0:
        raise ValueError(f"features have shape {array.shape}; they must be ({num_tasks}, D)")
    if not np.isfinite(array).all():
        raise ValueError(
            "a feature is NaN or infinite; every task needs finite features: embed it again, or "
            "leave it out of the pool"
        )
    array.setflags(write=False)
    return array


def _fingerprint(
    keys_N: npt.NDArray[Any],
    references: Mapping[str, Floats],
    domains_N: npt.NDArray[Any] | None,
    features_ND: Floats32 | None,
) -> str:
    digest = hashlib.sha256()
    parts = {
        "keys": keys_N,
        **{f"reference {name}": references[name] for name in sorted(references)},
    }
    if domains_N is not None:
        parts["domains"] = domains_N
    if features_ND is not None:
        parts["features"] = features_ND
    for name, array in parts.items():
        kind = "U" if array.dtype.kind == "U" else array.dtype.str
        content = (
            "".join(f"{len(label)}:{label}" for label in array.tolist()).encode()
            if kind == "U"
            else np.ascontiguousarray(array).tobytes()
        )
        digest.update(f"{name}:{kind}:{array.size}:{len(content)}:".encode())
        digest.update(content)
    return digest.hexdigest()

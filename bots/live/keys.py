"""Tasks known by content: a 64-bit digest per key, and which tasks two pools have in common."""

from typing import Any

import numpy as np
import numpy.typing as npt

from bots._types import Ints

Digests = npt.NDArray[np.uint64]

_BASE = np.uint64(0xD1342543DE82EF95)  # a multiplier of full period: Steele & Vigna 2021
_CHUNK = 1 << 14  # keys hashed at a time, so that their characters stay in the cache


def digests(keys_N: npt.NDArray[Any]) -> Digests:
    """A 64-bit digest of every key, shape (N,), equal for equal keys whatever the array's width.

    An integer is mixed by the finaliser of splitmix64, which maps distinct integers to distinct
    digests. A string with code points c_0, c_1, ... becomes the polynomial sum_j c_j M^j modulo
    2^64, mixed likewise: 10^7 distinct keys collide with a chance of about 3e-6. It is no
    cryptographic hash: keys can be made that collide. An integer and a string that reads the same
    have different digests.

    Source: Steele, Lea & Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014).

    Args:
        keys_N: integers or strings, shape (N,).

    Raises:
        ValueError: when distinct keys have the same digest, or keys are of another kind.

    Example:
        >>> short, long = digests(np.array(["a", "b"])), digests(np.array(["b", "a long key"]))
        >>> bool(short[1] == long[0])
        True
    """
    keys_N = np.asarray(keys_N)
    if keys_N.ndim != 1 or keys_N.dtype.kind not in "iuU":
        raise ValueError(
            f"keys have dtype {keys_N.dtype} and shape {keys_N.shape}; they must be a vector of "
            "integers or strings"
        )
    digests_N = np.empty(keys_N.size, dtype=np.uint64)
    for start in range(0, keys_N.size, _CHUNK):
        part = slice(start, start + _CHUNK)
        digests_N[part] = _mixed(_words(keys_N[part]))
    _refuse_collisions(keys_N, digests_N)
    return digests_N


def matching(old_digests: Digests, new_digests: Digests) -> tuple[Ints, Ints]:
    """Where the keys lie that two pools share: positions in the old one and in the new one.

    Args:
        old_digests: distinct, in any order.
        new_digests: likewise.

    Returns:
        Two vectors of equal length, of positions of equal keys, in no particular order.

    Example:
        >>> old, new = matching(digests(np.array([7, 8, 9])), digests(np.array([9, 5, 7])))
        >>> sorted(zip(old.tolist(), new.tolist()))
        [(0, 2), (2, 0)]
    """
    old_order, new_order = np.argsort(old_digests), np.argsort(new_digests)
    old_sorted, new_sorted = old_digests[old_order], new_digests[new_order]
    places = np.searchsorted(old_sorted, new_sorted)  # both sorted: the memory is read in order
    shared = np.flatnonzero(places < old_sorted.size)
    shared = shared[old_sorted[places[shared]] == new_sorted[shared]]
    return old_order[places[shared]], new_order[shared]


def _words(keys: npt.NDArray[Any]) -> Digests:
    """One 64-bit word per key, before it is mixed."""
    if keys.dtype.kind in "iu":
        return keys.astype(np.uint64)
    width = keys.dtype.itemsize // 4
    native = np.ascontiguousarray(keys, dtype=f"=U{width}")
    points = native.view(np.uint32).reshape(keys.size, width)
    words = np.zeros(keys.size, dtype=np.uint64)
    for column in reversed(range(width)):
        words *= _BASE
        words += points[:, column]
    return words + _BASE  # apart from the integers


def _mixed(words: Digests) -> Digests:
    """The output function of splitmix64."""
    words = words + np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _refuse_collisions(keys_N: npt.NDArray[Any], digests_N: Digests) -> None:
    ordered = np.sort(digests_N)
    if (ordered[1:] != ordered[:-1]).all():
        return
    order = np.argsort(digests_N)
    first, second = order[:-1], order[1:]
    same = digests_N[first] == digests_N[second]
    first, second = first[same], second[same]
    bad = np.flatnonzero(keys_N[first] != keys_N[second])
    if bad.size:
        a, b = keys_N[first[bad[0]]], keys_N[second[bad[0]]]
        raise ValueError(
            f"keys {str(a)[:80]!r} and {str(b)[:80]!r} are distinct but have the same digest "
            f"{digests_N[first[bad[0]]]:#x}; tasks are told apart by it: rename one of them"
        )

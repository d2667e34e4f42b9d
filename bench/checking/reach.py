"""What can be reached from a strategy: through attributes, closures and containers."""

import gc
from collections.abc import Iterator
from functools import partial
from types import BuiltinMethodType, CellType, FunctionType, MethodType, ModuleType

import numpy as np

_LEAVES = np.ndarray | str | int | float | type | ModuleType


def reachable(start: object) -> Iterator[object]:
    """Every object that can be reached from one, itself included; arrays and scalars are left out.

    Example:
        >>> found = list(reachable([lambda hidden={"key": (1j,)}: hidden, {2j}]))
        >>> 1j in found, 2j in found, 3j in found
        (True, True, False)
    """
    seen, queue = set(), [start]
    while queue:
        item = queue.pop()
        if id(item) in seen or isinstance(item, _LEAVES):
            continue
        seen.add(id(item))
        yield item
        queue += _neighbours(item)


def _neighbours(item: object) -> Iterator[object]:
    if isinstance(item, CellType):
        yield from gc.get_referents(item)
    elif isinstance(item, dict):
        yield from item.values()
    elif isinstance(item, list | tuple | set | frozenset):
        yield from item
    elif isinstance(item, FunctionType):
        yield from (item.__closure__, item.__defaults__, item.__kwdefaults__)
    elif isinstance(item, MethodType):
        yield from (item.__self__, item.__func__)
    elif isinstance(item, BuiltinMethodType):
        yield item.__self__
    elif isinstance(item, partial):
        yield from (item.func, item.args, item.keywords)
    yield from getattr(item, "__dict__", {}).values()
    for kind in type(item).__mro__:
        yield from (getattr(item, slot, None) for slot in kind.__dict__.get("__slots__", ()))

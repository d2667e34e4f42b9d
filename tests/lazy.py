"""Imports that wait until a test uses them, so that torch is not loaded to collect tests."""

import builtins
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class _Lazy:
    """Stands for a module, or for what a module holds; calls and attributes reach the real one."""

    def __init__(self, find: Callable[[], Any]) -> None:
        object.__setattr__(self, "_find", find)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._find()(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("__", "_mock", "_pytest", "pytest")):  # asked for by the collection
            raise AttributeError(name)
        return getattr(self._find(), name)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name} is set on a lazy import: patch it by its dotted name")


class _Names:
    """What `from module import ...` takes its names from."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> _Lazy:
        return _Lazy(lambda: _found(self._module, name))


def _found(module: str, name: str) -> Any:
    try:
        return getattr(importlib.import_module(module), name)
    except AttributeError:
        return importlib.import_module(f"{module}.{name}")


@contextmanager
def lazily() -> Iterator[None]:
    """Import statements in the block load nothing before a test uses what they import.

    A lazy class can be called but not inherited from, and `isinstance` does not take it: a test
    that needs the class itself imports it in its own body.
    """

    def waiting(name: str, *rest: Any) -> Any:
        names = rest[2] if len(rest) > 2 else None
        return _Names(name) if names else _Lazy(lambda: importlib.import_module(name))

    usual = builtins.__import__
    builtins.__import__ = waiting
    try:
        yield
    finally:
        builtins.__import__ = usual

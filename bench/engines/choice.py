"""The engine that command-line options ask for."""

import argparse

from bench.engines.abstract import AbstractEngine
from bench.engines.local import LocalEngine
from bench.engines.on_ray import RayEngine

_NAMES = ("local", "ray")


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """The options of a cluster; `--engine` itself is among those of real runs."""
    group = parser.add_argument_group(
        "many machines",
        "--engine ray runs simulated cells on a Ray cluster; --engine local, the default, in "
        "processes of this machine. In real runs, which stay on this machine, --engine is also "
        "what makes rollouts.",
    )
    group.add_argument(
        "--address", help="of a running Ray cluster, or auto (default: a Ray of its own, here)"
    )


def chosen_engine(options: argparse.Namespace) -> AbstractEngine:
    """The engine that `--engine` and `--address` name.

    `--engine` also names what makes the rollouts of a real run. Its values here are taken out of
    `options`, which leaves the usual rollouts to a real run.

    Raises:
        ValueError: for an address without Ray.
    """
    name = options.engine if options.engine in _NAMES else "local"
    if options.engine in _NAMES:
        options.engine = None
    if name == "ray":
        return RayEngine(options.address)
    if options.address is not None:
        raise ValueError(f"--address {options.address} goes with --engine ray: add it")
    return LocalEngine()

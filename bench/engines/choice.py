"""The engine that command-line options ask for."""

import argparse

from backends.rft.config import ENGINES
from bench.engines.abstract import AbstractEngine
from bench.engines.local import LocalEngine
from bench.engines.on_ray import RayEngine
from bots.command_line import named

_NAMES = ("local", "ray")


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """Where cells run, and what makes the rollouts of real runs."""
    group = parser.add_argument_group(
        "engines",
        "Simulated cells run in processes of this machine (local) or on a Ray cluster (ray). Real "
        "runs stay on this machine; their rollouts are made by vllm or transformers.",
    )
    group.add_argument(
        "--engine",
        type=named("engine", (*_NAMES, *ENGINES)),
        metavar="NAME",
        help="local or ray for simulated cells, auto, vllm or transformers for real rollouts "
        "(default: local and auto)",
    )
    group.add_argument(
        "--address",
        metavar="HOST:PORT",
        help="a running Ray cluster, or auto (default: a Ray of its own, here)",
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

"""Which strategies can be built on which settings, found out before anything runs."""

import logging
from collections.abc import Sequence

import numpy as np

from backends import AbstractTruth
from bench.scenario_choice import split
from bench.settings import Setting
from bench.strategies import REFERENCE, is_oracle, make_strategy
from bots import Pool

_LOGGER = logging.getLogger(__name__)


def buildable(
    strategies: Sequence[str], settings: Sequence[Setting], requested: bool
) -> dict[str, list[str]]:
    """By setting, the strategies that can be built there, the reference among them.

    One that cannot is left out there, with a warning in the log.

    Args:
        strategies: see `make_strategy`.
        settings: see `Setting`.
        requested: whether each of them was asked for by name.

    Raises:
        ValueError: for a requested strategy that cannot be built on any setting.
    """
    refusals: dict[str, dict[str, ValueError]] = {spec: {} for spec in strategies}
    for setting in settings:
        for spec, error in _refused(strategies, setting).items():
            refusals[spec][setting.name] = error
    for errors in refusals.values():
        if requested and len(errors) == len(settings):
            raise next(iter(errors.values()))
        for error in {str(error): error for error in errors.values()}.values():
            alike = [name for name, other in errors.items() if str(other) == str(error)]
            where = dict.fromkeys(split(name)[0] for name in alike)
            _LOGGER.warning("left out on %s: %s", ", ".join(where), error)
    return {
        setting.name: list(
            dict.fromkeys([REFERENCE, *(s for s in strategies if setting.name not in refusals[s])])
        )
        for setting in settings
    }


def _refused(strategies: Sequence[str], setting: Setting) -> dict[str, ValueError]:
    """The strategies that cannot be built on a setting, and why."""
    pool, truth, exact = _tried(setting)
    refused = {}
    for spec in strategies:
        try:
            if is_oracle(spec) and not exact:
                raise ValueError(f"strategy {spec!r}: nobody knows true solve rates here")
            make_strategy(spec, pool, np.random.default_rng(0), truth)
        except ValueError as error:
            refused[spec] = _for_a_file(error, setting, pool)
    return refused


def _for_a_file(error: ValueError, setting: Setting, pool: Pool) -> ValueError:
    """The same with a remedy on the command line, where rates are missing from a user's file."""
    missing = [name for name in ("weak", "strong") if name not in pool.references]
    if "pool" not in setting.description or "no reference" not in str(error) or not missing:
        return error
    what, _, _ = str(error).partition(": add ")
    columns = " and ".join(f"--{name} COLUMN" for name in missing)
    return ValueError(
        f"{what}: name a column of solve rates with {columns}, or take a strategy that needs none, "
        "such as --strategy mopps"
    )


def _tried(setting: Setting) -> tuple[Pool, AbstractTruth | None, bool]:
    """A pool to try strategies on, its truth, and whether there will be one."""
    if setting.preview is not None:
        pool, exact = setting.preview()
        return pool, None, exact
    backend, truth = setting.build(0)
    backend.close()
    return backend.pool, truth, truth is not None

"""`python -m bench run SUITE`: the cells of a suite that are not done yet."""

import argparse
import logging
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.buildable import buildable
from bench.commands.run_options import POOL_OPTIONS as _POOL_OPTIONS
from bench.engines import chosen_engine
from bench.pool_file import PoolFile
from bench.real_options import real_defaults, real_settings
from bench.report import record_command, shown, tell
from bench.runner import Extras, Plan, plans, run_cells
from bench.scenario_choice import choose, resized
from bench.settings import Setting, pool_setting, scenario_setting
from bench.store import Store
from bench.suites import SUITES, Suite
from simulator import SCENARIOS

_LOGGER = logging.getLogger(__name__)
_SHOWN_FAILURES = 5
_PATHS = ("--pool", "--scenario", "--out", "--model", "--references", "--heldout", "--models")
_OF_FILES = ("weak", "strong", "reference_trials", "heldout_share")  # real runs know these too
_NOT_REAL = {
    **{name: default for name, default in _POOL_OPTIONS.items() if name not in _OF_FILES},
    "pool": None,
    "scenario": None,
    "num_tasks": None,
}


def run(options: argparse.Namespace) -> int:
    """Runs the cells; 0, 1 when one failed or was stopped, 128 and the signal's number after one.

    Raises:
        ValueError: for options that do not go together, and whatever a suite refuses.
    """
    suite = SUITES[options.suite]
    engine = chosen_engine(options)
    settings = _settings(options, suite)
    strategies = buildable(
        options.strategy or suite.strategies, settings, requested=bool(options.strategy)
    )
    folder = Path(options.out) if options.out else _usual_folder(options)
    cells = _cells(settings, strategies, suite, options.seeds)
    extras = Extras(
        options.tensorboard,
        options.save_model,
        options.log_seconds if suite.real else None,
        options.resume,
    )
    outcome = run_cells(cells, Store(folder), options.workers, options.redo, extras, engine)
    record_command(folder, _command_line(options.arguments))
    if outcome.signal:
        _LOGGER.error("stopped; the same command goes on from here")
        return 128 + outcome.signal
    stopped = f", {outcome.stopped} stopped" if outcome.stopped else ""
    print(
        f"{outcome.done} cells run, {outcome.skipped} already there, {outcome.failed} failed"
        f"{stopped}; the results are in {folder}"
    )
    if outcome.failed:
        for cell, error in Store(folder).failures()[:_SHOWN_FAILURES]:
            _LOGGER.error("%s: %s", cell, error.strip().splitlines()[-1])
        print(f"the errors are in {folder}/*.failed.json; the same command tries again")
    if options.report:
        tell(folder)
    else:
        print(f"next: python -m bench report {shlex.quote(str(folder))}")
    return 1 if outcome.failed or outcome.stopped else 0


def _usual_folder(options: argparse.Namespace) -> Path:
    """A folder for each suite, and for each pool of a user's own one that no suite has."""
    name = f"pool-{PoolFile(options.pool).name}" if options.pool else options.suite
    return Path("results") / name


def _cells(
    settings: Sequence[Setting],
    strategies: dict[str, list[str]],
    suite: Suite,
    num_seeds: int | None,
) -> list[Plan]:
    """Seed by seed, so that a run that is stopped early still has whole pairs."""

    def seeds(setting: Setting) -> int:
        return num_seeds or suite.fewer_seeds.get(setting.name, suite.num_seeds)

    return [
        plan
        for seed in range(max(seeds(setting) for setting in settings))
        for setting in settings
        if seed < seeds(setting)
        for plan in plans([setting], strategies[setting.name], [seed])
    ]


def _command_line(arguments: Sequence[str]) -> str:
    """The command as a reader can repeat it."""
    words = [
        part
        for word in arguments
        for part in (
            word.split("=", 1) if word.startswith(tuple(f"{name}=" for name in _PATHS)) else [word]
        )
    ]
    words = [
        shown(Path(word)) if before in _PATHS else word
        for before, word in zip(["", *words], words, strict=False)
    ]
    return shlex.join(["python", "-m", "bench", *words])


def _settings(options: argparse.Namespace, suite: Suite) -> list[Setting]:
    sizes = {
        name: getattr(options, name)
        for name in ("num_tasks", "batch_size", "group_size", "steps")
        if getattr(options, name) is not None
    }
    if options.pool and options.scenario:
        raise ValueError("--scenario does not go with --pool: the file says what the tasks are")
    if suite.real is not None:
        _refuse(options, _NOT_REAL, "the simulated suites and --pool")
        return real_settings(options, suite.real, sizes, suite.summary)
    _refuse(options, real_defaults(), "the suites real and real-tiny")
    if options.pool:
        return [_pool_setting(options, suite, sizes)]
    _refuse(options, _POOL_OPTIONS, "--pool")
    known = SCENARIOS | {scenario.name: scenario for scenario in suite.scenarios}
    names = options.scenario or [scenario.name for scenario in suite.scenarios]
    chosen = [resized(scenario, **sizes) for scenario in choose(names, known)]
    return [scenario_setting(scenario, suite.horizon) for scenario in chosen]


def _refuse(options: argparse.Namespace, defaults: dict[str, Any], where: str) -> None:
    """Refuses options that were given and have no meaning here."""
    for name, default in defaults.items():
        if getattr(options, name) != default:
            raise ValueError(f"--{name.replace('_', '-')} goes with {where}")


def _pool_setting(options: argparse.Namespace, suite: Suite, sizes: dict[str, int]) -> Setting:
    if "num_tasks" in sizes:
        raise ValueError("--num-tasks does not go with --pool: the file says how many there are")
    default = suite.of_pool or suite.scenarios[0]
    source = PoolFile(
        options.pool,
        id_column=options.id,
        weak=tuple(options.weak or ()),
        strong=tuple(options.strong or ()),
        domain=options.domain,
        items=not options.no_items,
        missing=options.missing,
        reference_trials=options.reference_trials,
        residual_sd=options.residual_sd,
        start_rate=options.start_rate,
        heldout_share=options.heldout_share,
    )
    setting = pool_setting(
        source,
        sizes.get("batch_size", default.batch_size),
        sizes.get("group_size", default.group_size),
        sizes.get("steps", default.steps),
    )
    return replace(setting, horizon=suite.horizon)

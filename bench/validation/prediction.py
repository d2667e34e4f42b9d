"""Runs strategies on fitted scenarios, as long and evaluated as often as the real runs were."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.runner import plans, run_cells
from bench.settings import Setting, scenario_setting
from bench.store import CellResult, Store
from simulator import Scenario


def predict(
    scenarios: Sequence[Scenario],
    strategies: Sequence[str],
    seeds: int,
    config: Mapping[str, Any],
    folder: Path,
    workers: int | None = None,
) -> dict[str, list[CellResult]]:
    """By scenario, the cells of these strategies and seeds; those in `folder` are not run again.

    Args:
        scenarios: fitted ones.
        strategies: of the real runs.
        seeds: how many, from 0.
        config: of a real cell: horizon, and steps between evaluations.
        folder: where cells are kept.
        workers: cells to run side by side; None: one per core.

    Raises:
        ValueError: when a cell fails.
    """
    store = Store(folder)
    settings = [_setting(scenario, config) for scenario in scenarios]
    cells = plans(settings, strategies, range(seeds))
    run_cells(cells, store, workers, redo=True)
    for cell, error in store.failures():
        raise ValueError(f"the prediction of {cell} failed: {error.strip().splitlines()[-1]}")
    wanted = {plan.cell for plan in cells}
    found = [result for result in store.load() if result.cell in wanted]
    return {s.name: [r for r in found if r.cell.setting == s.name] for s in scenarios}


def _setting(scenario: Scenario, config: Mapping[str, Any]) -> Setting:
    every = int(config.get("evaluate_every", 1))
    setting = scenario_setting(scenario, config["horizon"])
    described = {**setting.description, "evaluate_every": every}
    return replace(setting, evaluate_every=every, description=described)

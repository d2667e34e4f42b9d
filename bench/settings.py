"""What a strategy is run on: a scenario of the simulator, a user's pool, or a real model."""

import dataclasses
import hashlib
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from backends import AbstractBackend, AbstractTruth, SimulatedBackend, SimulatedTruth, simulate
from bench.pool_file import PoolFile, UserTasks, read_tasks
from bots import Pool
from simulator import Scenario
from simulator.user_pool import split, tasks_from_items, tasks_from_rates


def _no_model(backend: AbstractBackend, folder: Path) -> None:
    raise ValueError("this setting trains no model that could be saved: leave --save-model out")


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """A backend to be built per seed, and the length of a run on it.

    Attributes:
        name: as it appears in results.
        summary: one sentence.
        batch_size: tasks per training step.
        group_size: rollouts per task.
        steps: training steps.
        reference_trials: rollouts behind one reference solve rate of one task.
        build: from a seed to the backend and the truth behind it; it must pickle.
        description: everything that the outcome depends on besides strategy and seed, as JSON.
        horizon: runs go on to this multiple of the steps and rollouts, so that a target that is
            reached a little late is seen to be reached.
        evaluate_every: steps between evaluations on held-out tasks.
        checkpoint_seconds: time between checkpoints of a cell; None: cells are short, none is made.
        traced: whether every rollout group is recorded.
        prepare: makes what `build` needs for a seed, once for all strategies; None: nothing.
        preview: a pool to try strategies on without building anything expensive, and whether there
            is a truth; None: `build` is cheap.
        save_model: writes a trained backend's model into a folder.
        made_by: versions of what the backend computes with.
        workers: cells to run side by side, unless told otherwise.
        offline_rollouts: what the reference rates cost; None: `reference_trials` for each.
    """

    name: str
    summary: str
    batch_size: int
    group_size: int
    steps: int
    reference_trials: int
    build: Callable[[int], tuple[AbstractBackend, AbstractTruth | None]]
    description: dict[str, Any]
    horizon: float = 1.5
    evaluate_every: int = 1
    checkpoint_seconds: float | None = None
    traced: bool = False
    prepare: Callable[[int], None] | None = None
    preview: Callable[[], tuple[Pool, bool]] | None = None
    save_model: Callable[[AbstractBackend, Path], None] = _no_model
    made_by: Callable[[], dict[str, str]] = dict
    workers: int = os.cpu_count() or 1
    offline_rollouts: int | None = None


def scenario_setting(scenario: Scenario) -> Setting:
    """The setting that runs on a scenario of the simulator."""
    return Setting(
        scenario.name,
        scenario.summary,
        scenario.batch_size,
        scenario.group_size,
        scenario.steps,
        scenario.population.reference_trials,
        partial(simulate, scenario),
        {"scenario": dataclasses.asdict(scenario)},
    )


def pool_setting(source: PoolFile, batch_size: int, group_size: int, steps: int) -> Setting:
    """The setting that runs on the tasks of a file; reads it once, to refuse bad input early."""
    backend, _ = _simulate_pool(source, group_size, 0)
    if batch_size > backend.pool.num_tasks:
        raise ValueError(
            f"a batch of {batch_size} distinct tasks needs more than the {backend.pool.num_tasks} "
            f"of {source.path} that are not held out: lower --batch-size"
        )
    path = Path(source.path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Setting(
        source.name,
        f"The tasks of {path.name} and a synthetic learner.",
        batch_size,
        group_size,
        steps,
        source.reference_trials,
        partial(_simulate_pool, source, group_size),
        {"pool": dataclasses.asdict(source) | {"path": path.name, "sha256": digest}},
    )


def _simulate_pool(
    source: PoolFile, group_size: int, seed: int
) -> tuple[SimulatedBackend, SimulatedTruth]:
    tasks = read_tasks(source)
    for_tasks, for_split, for_learner = np.random.SeedSequence([seed, 2]).spawn(3)
    learner, places = split(
        _parameters(source, tasks, np.random.default_rng(for_tasks)),
        source.heldout_share,
        source.law,
        int(for_learner.generate_state(1)[0]),
        np.random.default_rng(for_split),
    )
    kept = tasks.take(places)
    pool = Pool(kept.keys_N, kept.references, kept.domains_N)
    return SimulatedBackend(learner, pool), SimulatedTruth(learner, group_size)


def _parameters(source: PoolFile, tasks: UserTasks, rng: np.random.Generator) -> Any:
    _, codes_N = np.unique(tasks.domains_N, return_inverse=True)
    start_rate = source.start_rate
    if start_rate is None:
        start_rate = float(np.nanmean(tasks.references["weak"]))
    if tasks.items is not None:
        return tasks_from_items(tasks.items, codes_N, start_rate, rng, source.residual_sd)
    return tasks_from_rates(
        tasks.references, source.reference_trials, codes_N, start_rate, rng, source.residual_sd
    )

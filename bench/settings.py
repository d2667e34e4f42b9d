"""What a strategy is run on: a scenario of the simulator, a user's pool, or a real model."""

import dataclasses
import hashlib
import json
import logging
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from backends import AbstractBackend, AbstractTruth, SimulatedBackend, SimulatedTruth, simulate
from bench.pool_file import PoolFile, UserTasks, read_tasks
from bench.visits import often_met
from bots import Pool
from simulator import Scenario
from simulator.user_pool import split, tasks_from_items, tasks_from_rates

_LOGGER = logging.getLogger(__name__)
_WITHOUT_EFFECT = ("summary", "tags", "etr", "truth_every")
_PREVIEW_TASKS = 512


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
        reference_trials: by reference, rollouts behind its solve rate of one task.
        build: from a seed to the backend and the truth behind it; it must pickle.
        description: everything that the outcome depends on besides strategy and seed, as JSON.
        horizon: runs go on to this multiple of the steps and rollouts, so that a target that is
            reached a little late is seen to be reached.
        evaluate_every: steps between evaluations on held-out tasks.
        truth_every: steps between the measurements that look at the whole pool.
        checkpoint_seconds: time between checkpoints of a cell; None: cells are short, none is made.
        traced: whether every rollout group is recorded.
        prepare: makes what `build` needs for a seed, once for all strategies; None: nothing.
        preview: a pool to try strategies on without building anything expensive, and whether there
            is a truth; None: `build` is cheap.
        save_model: writes a trained backend's model into a folder.
        made_by: versions of what the backend computes with.
        workers: cells to run side by side, unless told otherwise.
        offline_rollouts: what the reference rates cost, if not `reference_trials` each.
    """

    name: str
    summary: str
    batch_size: int
    group_size: int
    steps: int
    reference_trials: dict[str, int]
    build: Callable[[int], tuple[AbstractBackend, AbstractTruth | None]]
    description: dict[str, Any]
    horizon: float = 1.5
    evaluate_every: int = 1
    truth_every: int = 10
    checkpoint_seconds: float | None = None
    traced: bool = False
    prepare: Callable[[int], None] | None = None
    preview: Callable[[], tuple[Pool, bool]] | None = None
    save_model: Callable[[AbstractBackend, Path], None] = _no_model
    made_by: Callable[[], dict[str, str]] = dict
    workers: int = os.cpu_count() or 1
    offline_rollouts: int | None = None

    def offline_cost(self, pool: Pool) -> int:
        """Rollouts behind the reference rates of the pool, made once beforehand."""
        if self.offline_rollouts is not None:
            return self.offline_rollouts if pool.references else 0
        return sum(
            self.reference_trials[name] * int(np.isfinite(rates_N).sum())
            for name, rates_N in pool.references.items()
        )


def scenario_setting(scenario: Scenario, horizon: float = 1.5) -> Setting:
    """The setting that runs on a scenario of the simulator."""
    described = json.loads(json.dumps(dataclasses.asdict(scenario)))
    return Setting(
        scenario.name,
        scenario.summary,
        scenario.batch_size,
        scenario.group_size,
        scenario.steps,
        {reference.name: reference.trials for reference in scenario.population.references},
        partial(simulate, scenario),
        {"scenario": {k: v for k, v in described.items() if k not in _WITHOUT_EFFECT}},
        horizon,
        truth_every=scenario.truth_every,
        preview=partial(_scenario_preview, scenario),
    )


def _scenario_preview(scenario: Scenario) -> tuple[Pool, bool]:
    """A pool like the scenario's, but of few tasks."""
    few = min(scenario.num_tasks, max(scenario.batch_size, _PREVIEW_TASKS))
    backend, _ = simulate(dataclasses.replace(scenario, num_tasks=few, num_heldout=1), 0)
    return backend.pool, True


def pool_setting(source: PoolFile, batch_size: int, group_size: int, steps: int) -> Setting:
    """The setting that runs on the tasks of a file; reads it once, to refuse bad input early.

    Says in the log what was read otherwise than it stands in the file, and when its tasks are so
    few that each is met many times.
    """
    tasks = read_tasks(source)
    backend, _ = _simulated(source, tasks, group_size, 0)
    if batch_size > backend.pool.num_tasks:
        raise ValueError(
            f"a batch of {batch_size} distinct tasks needs more than the {backend.pool.num_tasks} "
            f"of {source.path} that are not held out: lower --batch-size"
        )
    for note in tasks.notes:
        _LOGGER.info(note)
    few = often_met(source.name, backend.pool.num_tasks, batch_size, steps)
    if few:
        _LOGGER.warning(few)
    path = Path(source.path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Setting(
        source.name,
        f"The tasks of {path.name} and a synthetic learner.",
        batch_size,
        group_size,
        steps,
        dict.fromkeys(backend.pool.references, tasks.trials),
        partial(_simulate_pool, source, group_size),
        {"pool": dataclasses.asdict(source) | {"path": path.name, "sha256": digest}},
    )


def _simulate_pool(
    source: PoolFile, group_size: int, seed: int
) -> tuple[SimulatedBackend, SimulatedTruth]:
    return _simulated(source, read_tasks(source), group_size, seed)


def _simulated(
    source: PoolFile, tasks: UserTasks, group_size: int, seed: int
) -> tuple[SimulatedBackend, SimulatedTruth]:
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
        tasks.references, tasks.trials, codes_N, start_rate, rng, source.residual_sd
    )

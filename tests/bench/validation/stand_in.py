"""Simulated runs in the place of real ones, whose law is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.cell import run_cell
from bench.settings import scenario_setting
from bench.store import CellId, Store
from simulator import Domain, LearnerLaw, Population, Scenario, build
from simulator.calibration.replay import batches
from simulator.population import Normal

TRUTH = Scenario(
    "truth",
    "",
    Population(
        (
            Domain(0.5, (Normal(0.5, 1.0, 0.5), Normal(0.5, -1.0, 0.5)), 0.0, slope_sd=0.1),
            Domain(0.5, (Normal(0.5, -3.0, 0.5), Normal(0.5, -5.0, 0.5)), 0.0, slope_sd=0.1),
        ),
        skills_per_domain=2,
    ),
    LearnerLaw(learning_rate=0.15, sharpening=0.0, drift_sd=0.0, memory_rate=0.0),
    num_tasks=240,
    num_heldout=400,
    batch_size=30,
    group_size=8,
    steps=40,
)
STRATEGIES = ("shuffle", "easy-to-hard", "mopps", "bots", "bots-dots")


def write(folder: Path, scenario: Scenario, strategies=STRATEGIES, seeds: int = 3) -> Path:
    """A folder as real runs leave it: cells of all strategies, and traces of shuffle."""
    setting = scenario_setting(scenario, horizon=1.25)
    store = Store(folder)
    for seed in range(seeds):
        for strategy in strategies:
            store.save(run_cell(setting, strategy, seed))
        path = store.beside(CellId(scenario.name, "shuffle", seed), "traces", ".parquet")
        path.parent.mkdir(exist_ok=True)
        pq.write_table(trace(scenario, seed), path)
    return folder


def trace(scenario: Scenario, seed: int) -> pa.Table:
    """Every group of a run under shuffle; labels are a family's letter and the easier half."""
    learner, references, _, _ = build(scenario, seed)
    parts = []
    for step, ids_B in enumerate(batches(scenario, seed, scenario.steps), 1):
        rewards_BG, _ = learner.sample(ids_B, scenario.group_size)
        learner.train(ids_B, rewards_BG)
        parts.append((np.full(ids_B.size, step), ids_B, rewards_BG.sum(axis=1)))
    step_R, task_R, solved_R = (np.concatenate(column) for column in zip(*parts, strict=True))
    columns = {
        "task": task_R.astype(str),
        "step": step_R,
        "successes": solved_R.astype(int),
        "trials": np.full(task_R.size, scenario.group_size),
        "domain": labels(learner.tasks)[task_R],
        **{f"reference/{name}": rates_N[task_R] for name, rates_N in references.items()},
    }
    return pa.table(columns)


def labels(tasks) -> np.ndarray:
    """By task: A1 and A2 for the easy and the hard tasks of the first domain, B1, B2 ..."""
    letters_N = np.array(["A", "B", "C"])[tasks.domain_N - 1]
    middle = {1: 0.0, 2: -4.0, 3: 0.0}
    hard_N = tasks.logit_N < np.array([middle[int(d)] for d in tasks.domain_N])
    return np.char.add(letters_N, np.where(hard_N, "2", "1"))


def changed(scenario: Scenario, **law) -> Scenario:
    """The scenario with these constants."""
    new: LearnerLaw = replace(scenario.law, **law)
    return replace(scenario, law=new)

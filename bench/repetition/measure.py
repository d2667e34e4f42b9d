"""Finetunes a real model on pools of several sizes, and weighs every task on the way."""

import itertools
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from backends import StepRecord, run
from backends.files import atomic
from bench.real import RealSource, model_and_tasks
from bench.strategies import make_strategy
from bots._types import Bools, Floats, Ints

_LOGGER = logging.getLogger(__name__)

LOWEST, HIGHEST = 0.02, 0.98  # solve rates of tasks that are weighed; others hardly ever teach
COLUMNS = ("step", "task", "cell", "visits", "lessons", "rate", "influence", "plain")


@dataclass(frozen=True, slots=True)
class Run:
    """One run to be weighed.

    Attributes:
        strategy: chooses among the tasks of its pool.
        pool_size: tasks that it may choose; the others stay untouched, for comparison.
        seed: of model, tasks and run.
        steps: of training.
        probe_every: steps between weighings.
        batch_size: tasks per step.
        group_size: rollouts per task.
    """

    strategy: str
    pool_size: int
    seed: int
    steps: int = 240
    probe_every: int = 120
    batch_size: int = 32
    group_size: int = 8

    @property
    def name(self) -> str:
        """Of its file."""
        return f"{self.strategy}--{self.pool_size}--{self.seed}"


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """What was found.

    Attributes:
        run: which.
        columns: one entry per weighing and task: `COLUMNS`. Visits are groups so far, lessons those
            of them that were informative; influence is `backends.rft.influence` under AdamW's
            moments, plain without them.
        curve: steps, held-out solve rates, informative groups so far.
        lessons_K: at the end, of every task that had one.
    """

    run: Run
    columns: dict[str, Any]
    curve: dict[str, list[float]]
    lessons_K: Ints


def weigh(source: RealSource, plan: Run, evaluate_every: int = 20) -> Weighed:
    """Trains, and weighs all tasks of the source, in the run's pool or not."""
    from backends.rft.backend import RFTBackend, second_moments
    from backends.rft.config import RolloutConfig, TrainConfig

    policy, everything = model_and_tasks(source, plan.seed)
    _, tasks = model_and_tasks(replace(source, pool_size=plan.pool_size), plan.seed)
    rollouts = RolloutConfig(engine="transformers")
    backend = RFTBackend(policy, tasks, TrainConfig(**source.train), rollouts, plan.seed)
    places = {task.key: place for place, task in enumerate(everything.train_N)}
    whole_K = np.array([places[task.key] for task in tasks.train_N])
    counts = np.zeros((2, len(everything.train_N)), dtype=np.int64)
    rng = np.random.default_rng([crc32(plan.strategy.encode()), plan.seed])
    strategy = make_strategy(plan.strategy, backend.pool, rng, None, plan.steps)
    curve: dict[str, list[float]] = {"step": [0], "heldout": [backend.evaluate()], "lessons": [0]}
    parts: list[dict[str, Any]] = []
    try:
        records = run(backend, strategy.selector, plan.batch_size, plan.group_size)
        for record in itertools.islice(records, plan.steps):
            _count(counts, record, whole_K)
            step = record.progress.steps
            if step % evaluate_every == 0:
                curve["step"].append(step)
                curve["heldout"].append(backend.evaluate())
                curve["lessons"].append(int(counts[1].sum()))
            if step % plan.probe_every == 0:
                moments = second_moments(backend)
                parts.append(_probe(policy, everything, rollouts, moments, step, counts))
    finally:
        backend.close()
    columns = {name: np.concatenate([part[name] for part in parts]) for name in COLUMNS}
    return Weighed(plan, columns, curve, counts[1][counts[1] > 0])


def _count(counts: Ints, record: StepRecord, whole_K: Ints) -> None:
    """Adds the groups of a step to visits and lessons."""
    tasks_B = whole_K[record.generated.task_ids_B]
    counts[0, tasks_B] += 1
    counts[1, tasks_B[record.generated.informative_B]] += 1


def _probe(
    policy: Any, tasks: Any, rollouts: Any, moments: Floats, step: int, counts: Ints
) -> dict[str, Any]:
    """Every task that can teach, with its influence."""
    from backends.rft.exact import ExactRates
    from backends.rft.influence import influences

    rates_N = ExactRates(policy, tasks.train_N, rollouts).solve_rates()
    kept: Bools = (rates_N > LOWEST) & (rates_N < HIGHEST)
    chosen = [task for task, keep in zip(tasks.train_N, kept, strict=True) if keep]
    size = len(chosen)
    adamw, plain = influences(policy, chosen, tasks.heldout, rollouts, (moments, None))
    return {
        "step": np.full(size, step),
        "task": np.flatnonzero(kept),
        "cell": np.array([task.domain for task in chosen]),
        "visits": counts[0, kept],
        "lessons": counts[1, kept],
        "rate": rates_N[kept],
        "influence": adamw,
        "plain": plain,
    }


def save(found: Weighed, folder: Path) -> None:
    """One Parquet file, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    header = {
        "run": json.dumps(asdict(found.run)),
        "curve": json.dumps(found.curve),
        "lessons": json.dumps(found.lessons_K.tolist()),
    }
    folder.mkdir(parents=True, exist_ok=True)
    with atomic(folder / f"{found.run.name}.parquet") as temporary:
        table = pa.table({name: pa.array(found.columns[name]) for name in COLUMNS})
        pq.write_table(table.replace_schema_metadata(header), temporary, compression="zstd")


def load(folder: Path) -> list[Weighed]:
    """All runs of a folder."""
    import pyarrow.parquet as pq

    found = []
    for path in sorted(folder.glob("*.parquet")):
        table = pq.read_table(path)
        header = {key.decode(): json.loads(text) for key, text in table.schema.metadata.items()}
        columns = {name: table[name].to_numpy() for name in COLUMNS}
        lessons_K = np.array(header["lessons"], dtype=np.int64)
        found.append(Weighed(Run(**header["run"]), columns, header["curve"], lessons_K))
    return found


def measure(source: RealSource, plans: Sequence[Run], folder: Path, workers: int) -> None:
    """Weighs the runs that the folder does not hold yet, some side by side."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    missing = [plan for plan in plans if not (folder / f"{plan.name}.parquet").exists()]
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        jobs = [pool.submit(_weigh_and_save, source, plan, folder) for plan in missing]
        for plan, job in zip(missing, jobs, strict=True):
            job.result()
            _LOGGER.info("%s done", plan.name)


def _weigh_and_save(source: RealSource, plan: Run, folder: Path) -> None:
    save(weigh(source, plan), folder)

"""Runs cells in parallel processes, skipping those that are finished."""

import multiprocessing
import traceback
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from bench.cell import cell_config, run_cell
from bench.settings import Setting
from bench.store import CellId, Store

_MAX_DEATHS = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """One cell to run."""

    setting: Setting
    strategy: str
    seed: int
    truth_every: int

    @property
    def cell(self) -> CellId:
        """Its name."""
        return CellId(self.setting.name, self.strategy, self.seed)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run of many cells ended."""

    done: int
    skipped: int
    failed: int


def plans(
    settings: Sequence[Setting],
    strategies: Sequence[str],
    seeds: Iterable[int],
    truth_every: int = 10,
) -> list[Plan]:
    """All cells, seed by seed, so that a run that is stopped early still has whole pairs."""
    return [
        Plan(setting, strategy, seed, truth_every)
        for seed in seeds
        for setting in settings
        for strategy in strategies
    ]


def run_cells(cells: Sequence[Plan], store: Store, workers: int) -> Outcome:
    """Runs the cells that `store` does not hold yet.

    A cell that raises is recorded with its traceback and the others go on. When a worker process
    dies, the cells that were in flight are tried again, one at a time per process; a cell in whose
    company a worker has died `_MAX_DEATHS` times is recorded as failed.

    Raises:
        ValueError: when the store holds one of these cells with another configuration.
    """
    store.clean()
    pending = [plan for plan in cells if not _finished(plan, store)]
    skipped = len(cells) - len(pending)
    deaths: dict[CellId, int] = {}
    failed = 0
    with _progress(len(pending), skipped) as bar:
        while pending:
            in_flight: dict[Future[bool], Plan] = {}
            alone = [plan for plan in pending if plan.cell in deaths]
            queue = alone or pending
            context = multiprocessing.get_context("spawn")
            try:
                with ProcessPoolExecutor(1 if alone else workers, mp_context=context) as pool:
                    for plan, succeeded in _results(pool, queue, store.folder, workers, in_flight):
                        pending.remove(plan)
                        failed += not succeeded
                        bar.update()
            except BrokenProcessPool:
                for plan in in_flight.values():
                    deaths[plan.cell] = deaths.get(plan.cell, 0) + 1
                    if deaths[plan.cell] >= _MAX_DEATHS:
                        store.save_failure(plan.cell, "the worker process died (out of memory?)")
                        pending.remove(plan)
                        failed += 1
                        bar.update()
    return Outcome(len(cells) - skipped - failed, skipped, failed)


def _results(
    pool: ProcessPoolExecutor,
    queue: Sequence[Plan],
    folder: Path,
    workers: int,
    in_flight: dict[Future[bool], Plan],
):
    """Yields each plan as it ends, keeping no more than `workers` cells in flight."""
    waiting = iter(queue)
    for plan in waiting:
        in_flight[pool.submit(_work, plan, folder)] = plan
        if len(in_flight) >= workers:
            yield from _completed(in_flight)
    while in_flight:
        yield from _completed(in_flight)


def _completed(in_flight: dict[Future[bool], Plan]):
    for future in wait(in_flight, return_when=FIRST_COMPLETED).done:
        succeeded = future.result()
        yield in_flight.pop(future), succeeded


def _work(plan: Plan, folder: Path) -> bool:
    """Runs one cell in a worker process and writes its file; whether it succeeded."""
    store = Store(folder)
    try:
        store.save(run_cell(plan.setting, plan.strategy, plan.seed, plan.truth_every))
    except Exception:
        store.save_failure(plan.cell, traceback.format_exc())
        return False
    return True


def _finished(plan: Plan, store: Store) -> bool:
    if not store.finished(plan.cell):
        return False
    if store.config(plan.cell) != cell_config(
        plan.setting, plan.strategy, plan.seed, plan.truth_every
    ):
        raise ValueError(
            f"{store.folder} holds {plan.cell} with another configuration (size, steps or scenario "
            "constants differ): choose another --out, or delete the folder"
        )
    return True


def _progress(total: int, skipped: int):
    """A bar with rate and time left; silent when the output is not a terminal."""
    from tqdm import tqdm

    description = f"cells ({skipped} already done)" if skipped else "cells"
    return tqdm(total=total, desc=description, unit="cell", disable=None)

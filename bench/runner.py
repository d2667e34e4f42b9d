"""Runs cells in parallel processes, skipping those that are finished."""

import multiprocessing
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from bench.cell import cell_config, run_cell
from bench.settings import Setting
from bench.store import CellId, Store


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
        for strategy in dict.fromkeys(strategies)
    ]


def run_cells(cells: Sequence[Plan], store: Store, workers: int, redo: bool = False) -> Outcome:
    """Runs the cells that `store` does not hold yet.

    A cell that raises is recorded with its traceback and the others go on. When a worker process
    dies, the cells that were in flight are tried once more, each alone in a process of its own; the
    one that kills that too is recorded as failed.

    Args:
        cells: what to run.
        store: where results are and go.
        workers: processes.
        redo: run cells again that the store holds with another configuration.

    Raises:
        ValueError: when the store holds a cell with another configuration and `redo` is not set,
            or another run is writing into it.
    """
    with store.locked():
        return _run_cells(cells, store, workers, redo)


def _run_cells(cells: Sequence[Plan], store: Store, workers: int, redo: bool) -> Outcome:
    store.clean()
    pending = [plan for plan in cells if not _finished(plan, store, redo)]
    skipped, failed = len(cells) - len(pending), 0
    with _progress(len(pending), skipped) as bar:
        for succeeded in _results(deque(pending), store, workers):
            failed += not succeeded
            bar.update()
    return Outcome(len(pending) - failed, skipped, failed)


def _results(pending: deque[Plan], store: Store, workers: int) -> Iterator[bool]:
    """Whether each cell succeeded, as they end."""
    suspects: list[Plan] = []
    while pending:
        in_flight: dict[Future[bool], Plan] = {}
        try:
            with _processes(workers) as pool:
                while pending or in_flight:
                    while pending and len(in_flight) < workers:
                        future = pool.submit(_work, pending[0], store.folder)
                        in_flight[future] = pending.popleft()
                    for future in wait(in_flight, return_when=FIRST_COMPLETED).done:
                        succeeded = future.result()
                        del in_flight[future]
                        yield succeeded
        except BrokenProcessPool:
            suspects += in_flight.values()
    for plan in suspects:
        yield _alone(plan, store)


def _alone(plan: Plan, store: Store) -> bool:
    try:
        with _processes(1) as pool:
            return pool.submit(_work, plan, store.folder).result()
    except BrokenProcessPool:
        store.save_failure(plan.cell, "the worker process died (out of memory?)")
        return False


def _processes(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)


def _start_worker() -> None:
    """Leaves interrupts to the parent, and dies with it: a killed run leaves nobody behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _work(plan: Plan, folder: Path) -> bool:
    """Runs one cell in a worker process and writes its file; whether it succeeded."""
    store = Store(folder)
    try:
        store.save(run_cell(plan.setting, plan.strategy, plan.seed, plan.truth_every))
    except (Exception, SystemExit):
        store.save_failure(plan.cell, traceback.format_exc())
        return False
    return True


def _finished(plan: Plan, store: Store, redo: bool) -> bool:
    if not store.finished(plan.cell):
        return False
    wanted = cell_config(plan.setting, plan.strategy, plan.seed, plan.truth_every)
    held = store.config(plan.cell)
    if held == wanted:
        return True
    if not redo:
        differing = sorted(k for k in held | wanted if held.get(k) != wanted.get(k))
        raise ValueError(
            f"{store.folder} holds {plan.cell} with another configuration ({', '.join(differing)} "
            "differ): run such cells again with --redo, or choose another --out"
        )
    return False


def _progress(total: int, skipped: int):
    """A bar with rate and time left; silent when the output is not a terminal."""
    from tqdm import tqdm

    description = f"cells ({skipped} already done)" if skipped else "cells"
    return tqdm(total=total, desc=description, unit="cell", disable=None)

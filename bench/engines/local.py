"""Cells in processes of this machine."""

import logging
import multiprocessing
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from bench.cell import Life, StoppedError, run_cell
from bench.engines.abstract import AbstractEngine
from bench.engines.plan import Extras, Plan
from bench.engines.signals import Signals, kill_children
from bench.engines.watch import Watch
from bench.store import Store

_LOGGER = logging.getLogger(__name__)


class LocalEngine(AbstractEngine):
    """Worker processes, each of which writes the files of its cells.

    Without a number of workers there are as many as the settings ask for: one per core, or one on
    a GPU. When a worker dies, the cells that were in flight are tried once more, each alone in a
    process of its own; the one that kills that too is recorded as failed.
    """

    def where(self, cells: Sequence[Plan], workers: int | None) -> str:
        """See `AbstractEngine.where`."""
        count = min(_processes(cells, workers), len(cells))
        return f"on {count} process{'' if count == 1 else 'es'}"

    def run(
        self,
        cells: Sequence[Plan],
        workers: int | None,
        store: Store,
        extras: Extras,
        signals: Signals,
        watch: Watch,
    ) -> Iterator[str]:
        """See `AbstractEngine.run`; stopped cells are saved if their setting has checkpoints."""
        crew = _Crew(store, _processes(cells, workers), extras, signals, watch)
        crew.prepare(cells)
        yield from crew.results(deque(cells))


def _processes(cells: Sequence[Plan], workers: int | None) -> int:
    """As many as are asked for, or as the settings ask for."""
    return workers or max((plan.setting.workers for plan in cells), default=1)


class _Crew:
    """Worker processes and what they do with plans."""

    def __init__(
        self, store: Store, workers: int, extras: Extras, signals: Signals, watch: Watch
    ) -> None:
        self._store, self._workers = store, workers
        self._extras, self._signals, self._watch = extras, signals, watch
        self._compiled = False

    def prepare(self, pending: Sequence[Plan]) -> None:
        """Makes what the cells share, seed by seed."""
        wanted = {(plan.setting.name, plan.seed): plan for plan in pending if plan.setting.prepare}
        if not wanted:
            return
        with self._processes(self._workers) as pool:
            making = {pool.submit(_prepare, plan): plan for plan in wanted.values()}
            for made, plan in making.items():
                job = f"the model of {plan.setting.name}, seed {plan.seed}"
                _LOGGER.info("making %s, unless an earlier run left one", job)
                with self._watch.at(job):
                    while not self._signals.received and not made.done():
                        wait([made], timeout=1.0)
                if self._signals.received:
                    pool.shutdown(wait=False, cancel_futures=True)
                    kill_children()  # what they were making is begun again by the next run
                    return
                made.result()

    def results(self, pending: deque[Plan]) -> Iterator[str]:
        """How each cell ended: done, failed or stopped."""
        suspects: list[Plan] = []
        while pending and not self._signals.received:
            in_flight: dict[Future[str], Plan] = {}
            try:
                with self._processes(self._workers) as pool:
                    while (pending and not self._signals.received) or in_flight:
                        self._fill(pool, pending, in_flight)
                        for future in wait(in_flight, 1.0, FIRST_COMPLETED).done:
                            outcome = _result(future)
                            self._compiled = True
                            self._watch.end(in_flight.pop(future).cell)
                            yield outcome
            except BrokenProcessPool:
                suspects += in_flight.values()
                for plan in in_flight.values():
                    self._watch.end(plan.cell)
        for plan in suspects:
            if not self._signals.received:
                yield self._alone(plan)

    def _fill(
        self, pool: ProcessPoolExecutor, pending: deque[Plan], in_flight: dict[Future[str], Plan]
    ) -> None:
        while pending and len(in_flight) < self._room(pending[0]) and not self._signals.received:
            future = pool.submit(_work, pending[0], self._store.folder, self._extras)
            in_flight[future] = pending.popleft()
            self._watch.begin(in_flight[future].cell)

    def _room(self, plan: Plan) -> int:
        """How many cells may run side by side.

        The first simulated one runs alone: it compiles the kernels, which takes longer than the
        cell, and the other processes load them.
        """
        simulated = plan.setting.checkpoint_seconds is None
        return 1 if simulated and not self._compiled else self._workers

    def _alone(self, plan: Plan) -> str:
        _LOGGER.info("%s: tried again alone, since a worker died beside it", plan.cell)
        try:
            with self._watch.at(plan.cell), self._processes(1) as pool:
                return pool.submit(_work, plan, self._store.folder, self._extras).result()
        except BrokenProcessPool:
            self._store.save_failure(plan.cell, "the worker process died (out of memory?)")
            return "failed"

    def _processes(self, workers: int) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(workers, context, _start_worker, initargs=(self._signals.event,))


def _result(future: Future[str]) -> str:
    """A broken pool asks its other workers to end and waits; ours finish their step, so they are
    killed.
    """
    try:
        return future.result()
    except BrokenProcessPool:
        kill_children()
        raise


_stopping: list[Any] = []  # of a worker process: the parent's event, and signals of its own


def _start_worker(event: Any) -> None:
    """Leaves interrupts to the parent, and dies with it: a killed run leaves nobody behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, _: _stopping.append(number))
    _stopping[:] = [event]
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _told_to_stop() -> bool:
    return len(_stopping) > 1 or _stopping[0].is_set()


def _prepare(plan: Plan) -> None:
    assert plan.setting.prepare is not None
    plan.setting.prepare(plan.seed)


def _work(plan: Plan, folder: Path, extras: Extras) -> str:
    """Runs one cell in a worker process and writes its file; how it ended."""
    store = Store(folder)
    checkpoint = store.beside(plan.cell, "checkpoints", ".npz")
    life = Life(
        checkpoint,
        store.beside(plan.cell, "traces", ".parquet"),
        store.beside(plan.cell, "models", "") if extras.models else None,
        store.beside(plan.cell, "tensorboard", "") if extras.tensorboard else None,
        extras.log_seconds,
        extras.resume,
        _told_to_stop,
    )
    del _stopping[1:]
    try:
        store.save(run_cell(plan.setting, plan.strategy, plan.seed, plan.truth_every, life))
    except StoppedError:
        return "stopped"
    except (Exception, SystemExit):
        store.save_failure(plan.cell, traceback.format_exc())
        return "failed"
    checkpoint.unlink(missing_ok=True)
    return "done"

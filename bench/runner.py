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
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cell import Life, StoppedError, cell_config, run_cell
from bench.settings import Setting
from bench.store import CellId, Store

_STOPPING = (signal.SIGINT, signal.SIGTERM)


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
class Extras:
    """What cells do besides their results.

    Attributes:
        tensorboard: write their figures for TensorBoard.
        models: keep the trained models, where there are any.
        log_seconds: time between lines about a running cell on standard error; None: no lines.
        resume: go on from checkpoints.
    """

    tensorboard: bool = False
    models: bool = False
    log_seconds: float | None = None
    resume: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run of many cells ended.

    Attributes:
        done: cells that were finished.
        skipped: cells that had been finished before.
        failed: cells that raised.
        stopped: cells that were told to stop, and saved.
        signal: the signal that stopped the run; 0 when it went to its end.
    """

    done: int
    skipped: int
    failed: int
    stopped: int = 0
    signal: int = 0


def plans(
    settings: Sequence[Setting],
    strategies: Sequence[str],
    seeds: Iterable[int],
    truth_every: int | None = None,
) -> list[Plan]:
    """All cells, seed by seed, so that a run that is stopped early still has whole pairs.

    `truth_every` is the setting's, unless it is given.
    """
    return [
        Plan(setting, strategy, seed, truth_every or setting.truth_every)
        for seed in seeds
        for setting in settings
        for strategy in dict.fromkeys(strategies)
    ]


def run_cells(
    cells: Sequence[Plan],
    store: Store,
    workers: int,
    redo: bool = False,
    extras: Extras | None = None,
) -> Outcome:
    """Runs the cells that `store` does not hold yet.

    A cell that raises is recorded with its traceback and the others go on. When a worker process
    dies, the cells that were in flight are tried once more, each alone in a process of its own; the
    one that kills that too is recorded as failed. On SIGINT and SIGTERM, running cells save
    themselves at their next step and no more are started; a second signal ends at once.

    Args:
        cells: what to run.
        store: where results are and go.
        workers: processes.
        redo: run cells again that the store holds with another configuration.
        extras: what else to keep.

    Raises:
        ValueError: when the store holds a cell with another configuration and `redo` is not set,
            or another run is writing into it.
    """
    with store.locked(), _signals() as signals:
        store.clean()
        pending = [plan for plan in cells if not _finished(plan, store, redo)]
        crew = _Crew(store, workers, extras or Extras(), signals)
        ended = {"done": 0, "failed": 0, "stopped": 0}
        with _progress(len(pending), len(cells) - len(pending)) as bar:
            crew.prepare(pending)
            for outcome in crew.results(deque(pending)):
                ended[outcome] += 1
                bar.update()
        skipped = len(cells) - len(pending)
        return Outcome(ended["done"], skipped, ended["failed"], ended["stopped"], signals.received)


class _Signals:
    """The first signal, and the event that tells workers of it."""

    def __init__(self) -> None:
        self.received = 0
        self.event = multiprocessing.get_context("spawn").Event()

    def receive(self, number: int, _: object) -> None:
        if self.received:
            _kill_children()
            os._exit(128 + number)
        self.received = number
        self.event.set()


@contextmanager
def _signals() -> Iterator[_Signals]:
    signals = _Signals()
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    before = {number: signal.signal(number, signals.receive) for number in _STOPPING}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _kill_children() -> None:
    for child in multiprocessing.active_children():
        child.kill()


class _Crew:
    """Worker processes and what they do with plans."""

    def __init__(self, store: Store, workers: int, extras: Extras, signals: _Signals) -> None:
        self._store, self._workers = store, workers
        self._extras, self._signals = extras, signals

    def prepare(self, pending: Sequence[Plan]) -> None:
        """Makes what the cells share, seed by seed."""
        wanted = {(plan.setting.name, plan.seed): plan for plan in pending if plan.setting.prepare}
        if not wanted:
            return
        with self._processes(self._workers) as pool:
            for made in [pool.submit(_prepare, plan) for plan in wanted.values()]:
                while not self._signals.received and not made.done():
                    wait([made], timeout=1.0)
                if self._signals.received:
                    pool.shutdown(wait=False, cancel_futures=True)
                    _kill_children()  # what they were making is begun again by the next run
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
                            del in_flight[future]
                            yield outcome
            except BrokenProcessPool:
                suspects += in_flight.values()
        for plan in suspects:
            if not self._signals.received:
                yield self._alone(plan)

    def _fill(
        self, pool: ProcessPoolExecutor, pending: deque[Plan], in_flight: dict[Future[str], Plan]
    ) -> None:
        while pending and len(in_flight) < self._workers and not self._signals.received:
            future = pool.submit(_work, pending[0], self._store.folder, self._extras)
            in_flight[future] = pending.popleft()

    def _alone(self, plan: Plan) -> str:
        try:
            with self._processes(1) as pool:
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
        _kill_children()
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

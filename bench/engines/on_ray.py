"""Cells on a Ray cluster."""

import importlib
import logging
import os
import socket
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from bench.cell import made_by, run_cell
from bench.engines.abstract import AbstractEngine
from bench.engines.plan import Extras, Plan
from bench.engines.signals import Signals
from bench.engines.watch import Watch
from bench.store import CellResult, Store
from bench.strategies import source_digest

_LOGGER = logging.getLogger(__name__)

_RETRIES = 2
_POLL_SECONDS = 1.0
_CONNECT_SECONDS = 10.0
_PACKAGES = ("bench", "backends", "bots", "simulator")


class RayEngine(AbstractEngine):
    """One Ray task per cell; results come back to this process, which writes all files.

    Workers need no disk in common with this machine: the code of the checkout and the modules of
    imported strategies are sent to them. At most as many cells run side by side as the cluster has
    CPUs, counted anew as machines come and go. A cell whose worker dies, or whose machine is lost,
    is tried twice more. What needs this machine's disk is refused: real models and TensorBoard.

    Args:
        address: of a running cluster, as `ray.init` takes it; None: a Ray on this machine, for
            the time of the run.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address

    def where(self, cells: Sequence[Plan], workers: int | None) -> str:
        """See `AbstractEngine.where`."""
        most = f", {workers} at most" if workers else ""
        return f"on as many CPUs as the Ray cluster has{most}"

    def run(
        self,
        cells: Sequence[Plan],
        workers: int | None,
        store: Store,
        extras: Extras,
        signals: Signals,
        watch: Watch,
    ) -> Iterator[str]:
        """See `AbstractEngine.run`; stopped cells are run again from their beginning."""
        _refuse(cells, extras)
        with self._connected(cells, workers):
            signals.listen()  # ray.init takes SIGTERM
            yield from _results(
                deque(_Attempt(plan) for plan in cells), workers, store, signals, watch
            )

    @contextmanager
    def _connected(self, cells: Sequence[Plan], workers: int | None) -> Iterator[None]:
        ray = _ray()
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no reports to Ray's makers
        environment: dict[str, Any] = {"env_vars": {"OMP_NUM_THREADS": "1"}}
        quietly = {"log_to_driver": False, "logging_level": logging.ERROR}
        try:
            if self._address is None:
                ray.init(
                    "local",
                    num_cpus=workers,
                    include_dashboard=False,
                    runtime_env=environment,
                    **quietly,
                )
            else:
                _reach(self._address)
                environment["py_modules"] = _modules(cells)
                ray.init(self._address, runtime_env=environment, **quietly)
        except (OSError, RuntimeError, ValueError) as error:
            where = "on this machine" if self._address is None else f"at {self._address}"
            raise ValueError(
                f"there is no Ray to use {where}: {error}; docs/scale.md says how to start one"
            ) from None
        try:
            yield
        finally:
            ray.shutdown()


@dataclass(frozen=True, slots=True)
class _Attempt:
    plan: Plan
    retries: int = 0


def _results(
    waiting: deque[_Attempt],
    workers: int | None,
    store: Store,
    signals: Signals,
    watch: Watch,
) -> Iterator[str]:
    ray = _ray()
    work = ray.remote(_work)
    running: dict[Any, _Attempt] = {}
    while (waiting or running) and not signals.received:
        while waiting and len(running) < _room(workers):
            attempt = waiting.popleft()
            task = work.options(num_cpus=1, max_retries=0, name=str(attempt.plan.cell))
            running[task.remote(attempt.plan)] = attempt
            watch.begin(attempt.plan.cell)
        for reference in ray.wait(list(running), timeout=_POLL_SECONDS)[0]:
            attempt = running.pop(reference)
            watch.end(attempt.plan.cell)
            outcome = _kept(reference, attempt, store)
            if outcome is None:
                waiting.appendleft(replace(attempt, retries=attempt.retries + 1))
            else:
                yield outcome
    for reference in running:
        ray.cancel(reference, force=True)
        yield "stopped"


def _room(workers: int | None) -> int:
    """How many cells may run side by side; 1 on a cluster whose machines are all away."""
    cpus = int(_ray().cluster_resources().get("CPU", 0))
    return max(1, min(cpus, workers or cpus))


def _kept(reference: Any, attempt: _Attempt, store: Store) -> str | None:
    """Fetches and stores what a task gave, and says how it ended; None: it is to be tried again."""
    ray, cell = _ray(), attempt.plan.cell
    deaths = (
        ray.exceptions.WorkerCrashedError,
        ray.exceptions.NodeDiedError,
        ray.exceptions.ObjectLostError,
        ray.exceptions.OutOfMemoryError,
    )
    try:
        result = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        result = str(error)
    except deaths as error:
        death = f"the worker died ({type(error).__name__})"
        if attempt.retries < _RETRIES:
            nth = attempt.retries + 1
            _LOGGER.warning("%s: %s; trying again, %d of %d", cell, death, nth, _RETRIES)
            return None
        result = f"{death} {_RETRIES + 1} times, at last saying: {error}"
    except ray.exceptions.RayError as error:
        raise ValueError(
            f"Ray cannot go on ({type(error).__name__}: {error}); finished cells are kept, and the "
            "same command goes on from here"
        ) from None
    if isinstance(result, str):
        store.save_failure(cell, result)
        return "failed"
    store.save(_attributed(result))
    return "done"


def _work(plan: Plan) -> CellResult | str:
    """Runs one cell in a worker; its result, or the traceback of what it raised."""
    try:
        return run_cell(plan.setting, plan.strategy, plan.seed, plan.truth_every)
    except (Exception, SystemExit):
        return traceback.format_exc()


def _attributed(result: CellResult) -> CellResult:
    """Names the commit, which workers cannot know of code that was sent to them."""
    makers = {**result.extra["made_by"], "commit": made_by()["commit"]}
    return replace(result, extra={**result.extra, "made_by": makers})


def _modules(cells: Sequence[Plan]) -> list[Any]:
    """The packages of the checkout, and those of imported strategies."""
    imported = {
        spec.split(":")[0].split(".")[0]
        for spec in {plan.strategy for plan in cells}
        if source_digest(spec) is not None
    }
    return [importlib.import_module(name) for name in sorted({*_PACKAGES, *imported})]


def _reach(address: str) -> None:
    """Raises OSError when nobody listens there, which takes ray.init ten minutes to say."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon:
        socket.create_connection((host, int(port)), _CONNECT_SECONDS).close()


def _refuse(cells: Sequence[Plan], extras: Extras) -> None:
    for plan in cells:
        if plan.setting.checkpoint_seconds is not None:
            raise ValueError(
                f"{plan.setting.name} keeps models and checkpoints on this machine's disk, which "
                "the workers of --engine ray do not have: leave --engine ray out"
            )
    if extras.tensorboard or extras.models:
        raise ValueError(
            "the workers of --engine ray bring back results, neither TensorBoard logs nor models: "
            "leave --tensorboard and --save-model out, or --engine ray"
        )


def _ray() -> Any:
    try:
        import ray  # pyright: ignore[reportMissingImports]  # optional
    except ImportError:
        raise ValueError("--engine ray needs the package ray: `pip install -e '.[ray]'`") from None
    return ray

"""Runs cells, on this machine or on a cluster, skipping those that are finished."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.cell import cell_config
from bench.engines import AbstractEngine, Extras, LocalEngine, Plan, Watch, listening
from bench.progress import interval, plan_line, progress
from bench.settings import Setting
from bench.store import Store

__all__ = ["Extras", "Outcome", "Plan", "plans", "run_cells"]

_LOGGER = logging.getLogger(__name__)


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
    workers: int | None,
    redo: bool = False,
    extras: Extras | None = None,
    engine: AbstractEngine | None = None,
) -> Outcome:
    """Runs the cells that `store` does not hold yet.

    Logs its plan first, then how it goes. A cell that raises is recorded with its traceback and
    the others go on. A cell whose worker dies is tried again, see the engine. On SIGINT and
    SIGTERM, running cells stop, saving themselves at their next step where they have checkpoints,
    and no more are started; a second signal ends at once.

    Args:
        cells: what to run.
        store: where results are and go.
        workers: how many cells run side by side at most; None: as many as there is room for.
        redo: run cells again that the store holds with another configuration.
        extras: what else to keep.
        engine: where they run; None: in processes of this machine.

    Raises:
        ValueError: when the store holds a cell with another configuration and `redo` is not set,
            another run is writing into it, or the engine cannot run such cells.
    """
    with store.locked(), listening() as signals:
        store.clean()
        pending = [plan for plan in cells if not _finished(plan, store, redo)]
        skipped = len(cells) - len(pending)
        ended = {"done": 0, "failed": 0, "stopped": 0}
        if pending:
            engine, watch = engine or LocalEngine(), Watch()
            _LOGGER.info(plan_line(cells, len(pending), engine.where(pending, workers)))
            outcomes = engine.run(pending, workers, store, extras or Extras(), signals, watch)
            with progress(len(pending), watch, interval(pending)) as told:
                for outcome in outcomes:
                    ended[outcome] += 1
                    told.ended()
        return Outcome(ended["done"], skipped, ended["failed"], ended["stopped"], signals.received)


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

"""What runs cells, wherever that is."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from bench.engines.plan import Extras, Plan
from bench.engines.signals import Signals
from bench.engines.watch import Watch
from bench.store import Store


class AbstractEngine(ABC):
    """Runs cells. The same cell has the same columns on every engine, timings excepted."""

    @abstractmethod
    def where(self, cells: Sequence[Plan], workers: int | None) -> str:
        """Where these cells would run, in words such as `on 2 processes`."""

    @abstractmethod
    def run(
        self,
        cells: Sequence[Plan],
        workers: int | None,
        store: Store,
        extras: Extras,
        signals: Signals,
        watch: Watch,
    ) -> Iterator[str]:
        """Runs the cells, and yields for each how it ended: `done`, `failed` or `stopped`.

        When `done` is yielded the result is in the store, when `failed` the reason. A cell that
        raises fails; so does one whose worker dies again and again. After a signal no more cells
        are started, and those that run are `stopped`.

        Args:
            cells: what to run, in this order as far as they do not run side by side.
            workers: how many run side by side at most; None: as many as there is room for.
            store: where results and failures go.
            extras: what else to keep.
            signals: whether the run was told to stop.
            watch: is told what begins and ends.

        Raises:
            ValueError: for cells or extras that this engine cannot run, before anything runs.
        """

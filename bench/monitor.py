"""Follows a long run: a line now and then, and TensorBoard."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PHASES = ("generation", "reward", "training", "sync")
_SHOWN = ("heldout", "pool")


class Monitor:
    """Prints how a run goes, on standard error, and writes its figures to TensorBoard.

    Args:
        name: of the run.
        last_step: how many steps it has.
        first: steps that an earlier part of the run did.
        log_seconds: time between lines; None: none are printed.
        folder: for TensorBoard; None: no log.

    Raises:
        ValueError: when TensorBoard is asked for and not installed.
    """

    def __init__(
        self,
        name: str,
        last_step: float,
        first: int,
        log_seconds: float | None,
        folder: Path | None,
    ) -> None:
        self._name, self._last_step, self._log_seconds = name, last_step, log_seconds
        self._printed = time.monotonic()
        self._sums: dict[str, float] = {}
        self._steps = 0
        self._latest: dict[str, float] = {}
        self._writer = None if folder is None else _writer(folder, first)

    def __enter__(self) -> "Monitor":
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def add(self, row: Mapping[str, Any]) -> None:
        """The figures of one step."""
        figures = {k: float(v) for k, v in row.items() if k != "difficulty"}
        if self._writer is not None:
            for name, value in figures.items():
                self._writer.add_scalar(name, value, int(row["step"]))
        self._latest |= {name: figures[name] for name in _SHOWN if name in figures}
        for name, value in figures.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._steps += 1
        if self._log_seconds is None or time.monotonic() - self._printed < self._log_seconds:
            return
        print(f"{self._name} {self._line(int(row['step']))}", file=sys.stderr, flush=True)
        self._printed, self._sums, self._steps = time.monotonic(), {}, 0

    def _line(self, step: int) -> str:
        """Means since the last line."""
        sums, steps = self._sums, self._steps
        seconds = sum(v for k, v in sums.items() if k.startswith("seconds/")) or 1e-9
        phases = {name: sums.get(f"time/{name}", 0.0) for name in _PHASES}
        phases["selection"] = sums.get("seconds/select", 0.0) + sums.get("seconds/update", 0.0)
        split = ", ".join(f"{name} {part / seconds:.1%}" for name, part in phases.items())
        latest = "".join(f", {name} {value:.3f}" for name, value in self._latest.items())
        return (
            f"step {step}/{self._last_step:.0f}: reward {sums.get('reward', 0.0) / steps:.2f}, "
            f"ETR {sums.get('informative', 0.0) / steps:.2f}{latest}; "
            f"{steps / seconds:.1f} steps/s, "
            f"{sums.get('generated_tokens', 0.0) / seconds:,.0f} tokens/s ({split})"
        )


def _writer(folder: Path, first: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise ValueError(
            "--tensorboard needs the packages torch and tensorboard: `pip install -e '.[rft]'`"
        ) from None
    return SummaryWriter(str(folder), purge_step=first + 1)

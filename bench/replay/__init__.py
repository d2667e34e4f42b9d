"""Estimators and selectors judged on the log of a run: `docs/research/replay.md`."""

from bench.replay.log import Log, log_of, read_log, write_log

__all__ = ["Log", "log_of", "read_log", "write_log"]

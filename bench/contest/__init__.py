"""The contest: every strategy on many scenarios, aggregated, tested and shown on one page."""

from bench.contest.command import add_options, run

__all__ = ["add_options", "run"]

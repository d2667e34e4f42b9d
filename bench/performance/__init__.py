"""What selection costs, in tables: `python -m bench perf`."""

from bench.performance.tables import SIZES, TABLES, measure

__all__ = ["SIZES", "TABLES", "measure"]

"""Strategies whose arms are domains or clusters of tasks."""

from bench.entry import Entry

ENTRIES: dict[str, Entry] = {}

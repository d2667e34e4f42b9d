"""Strategies that predict solve rates from features of the tasks."""

from bench.entry import Entry

ENTRIES: dict[str, Entry] = {}

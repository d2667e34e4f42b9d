"""Every strategy that takes part, by family."""

from dataclasses import replace

from bench.entry import Entry
from bench.roster import bandits, bots_family, filters, histories, oracles, predictors, schedules

FAMILIES = {
    "Schedules": schedules.ENTRIES,
    "Filters": filters.ENTRIES,
    "Histories": histories.ENTRIES,
    "Bandits": bandits.ENTRIES,
    "Predictors": predictors.ENTRIES,
    "BOTS": bots_family.ENTRIES,
    "Oracles": oracles.ENTRIES,
}

STRATEGIES: dict[str, Entry] = {
    name: replace(entry, family=family)
    for family, entries in FAMILIES.items()
    for name, entry in entries.items()
}

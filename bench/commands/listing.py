"""`python -m bench list`: what can be run, by name."""

import argparse
from collections.abc import Iterator, Mapping

from bench.roster import FAMILIES
from bench.suites import BY_TAG, SUITES
from simulator import SCENARIOS, VARIANTS

SECTIONS = ("strategies", "suites", "scenarios", "variants")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "section",
        nargs="?",
        choices=SECTIONS,
        metavar="SECTION",
        help=f"what to list: {', '.join(SECTIONS)} (default: all of them)",
    )


def run(options: argparse.Namespace) -> int:
    """Prints a line per name; 0."""
    for section in (options.section,) if options.section else SECTIONS:
        for title, lines in _LISTS[section]():
            print(f"{title}:")
            width = max(map(len, lines))
            for name, summary in lines.items():
                print(f"  {name:<{width}}  {summary}")
    return 0


def _strategies() -> Iterator[tuple[str, Mapping[str, str]]]:
    for family, entries in FAMILIES.items():
        title = f"strategies, {family if family.isupper() else family.lower()}"
        yield title, {name: entry.summary for name, entry in entries.items()}


def _suites() -> Iterator[tuple[str, Mapping[str, str]]]:
    yield "suites", {name: suite.summary for name, suite in SUITES.items() if name not in BY_TAG}
    title = "suites of the scenarios that have a tag in common, none of them reduced"
    yield title, {tag: _names(suite.scenarios) for tag, suite in BY_TAG.items()}


def _names(scenarios) -> str:
    return ", ".join(scenario.name for scenario in scenarios)


def _scenarios() -> Iterator[tuple[str, Mapping[str, str]]]:
    yield (
        "scenarios, with their tags",
        {
            name: f"[{', '.join(scenario.tags)}] {_first_sentence(scenario.summary)}"
            for name, scenario in SCENARIOS.items()
        },
    )


def _variants() -> Iterator[tuple[str, Mapping[str, str]]]:
    yield (
        "variants of any scenario, written base@maxrl or base@maxrl+steep, one of each kind",
        {name: f"[{variant.kind}] {variant.summary}" for name, variant in VARIANTS.items()},
    )


_LISTS = {
    "strategies": _strategies,
    "suites": _suites,
    "scenarios": _scenarios,
    "variants": _variants,
}


def _first_sentence(text: str) -> str:
    return text.partition(". ")[0].removesuffix(".") + "."

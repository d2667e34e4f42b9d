"""`python -m bench check`: holds a strategy to the laws that the benchmark relies on."""

import argparse
from collections.abc import Iterator

from bench.checking import LAWS, Finding, Law, Subject, judge
from bench.checking.law import DIFFERENT
from bench.strategies import knowledge


def _build(subject: Subject) -> None:
    subject.trial()


BUILT = Law(
    "it can be built",
    _build,
    "factory(pool, rng, **options) must return a bots.AbstractSelector or a bench.entry.Strategy",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "strategy",
        nargs="+",
        metavar="NAME[:OPTION=VALUE,...]",
        help="package.module:factory, or a name of the roster",
    )


def run(options: argparse.Namespace) -> int:
    """Prints what is found, one line per law; 1 when a law is broken, else 0.

    Raises:
        ValueError: for a strategy that cannot be found or imported.
    """
    failed = False
    for spec in options.strategy:
        findings = []
        print(f"{spec}:")
        for finding in examine(spec):
            print(f"  {finding}", flush=True)
            findings.append(finding)
        broken = sum(finding.verdict == "FAILED" for finding in findings)
        warned = sum(finding.verdict == "warning" for finding in findings)
        print(f"  {len(findings)} laws, {broken} broken, {_plural(warned, 'warning')}")
        failed = failed or broken > 0
    return int(failed)


def examine(spec: str) -> Iterator[Finding]:
    """What is found of a strategy, law by law; a fault that stops several is reported once.

    Raises:
        ValueError: for a strategy that cannot be found or imported.
    """
    knowledge(spec)
    subject = Subject(spec)
    built = judge(BUILT, subject)
    yield built
    faults: set[str] = set()
    for law in LAWS if built.verdict == "ok" else ():
        finding = judge(law, subject)
        if finding.fault in faults:
            yield Finding(law, "skipped", "for the fault above")
            continue
        yield finding
        if finding.fault and (law.basic or finding.fault != DIFFERENT):
            faults.add(finding.fault)


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"

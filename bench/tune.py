"""`python -m bench tune`: the same budget of tuning for every strategy."""

import argparse
import logging
import os
from collections.abc import Collection, Sequence
from pathlib import Path

from bench.settings import scenario_setting
from bench.store import Store
from bench.strategies import REFERENCE, STRATEGIES
from bench.suites import Suite, contest_scenarios
from bench.summary import BEST
from bench.tables import Table
from bench.tuning.score import FAILED
from bench.tuning.search import Course, Found, search
from bench.tuning.trials import Trial, trials
from bench.tuning.tuned_file import TUNED, update
from bots.command_line import unknown, whole

_LOGGER = logging.getLogger(__name__)

BUDGET = 12
_SHOWN_FAILURES = 5
_FIRST_SEED = 1000  # far from the seeds of reported results, which begin at 0


TUNING = Suite(
    "tuning",
    "Four scenarios of the contest's size on which options are chosen, none of which is reported.",
    contest_scenarios("gap", "mixed_domains", "swap_refs", "longchain@mild"),
    (REFERENCE, BEST),
    num_seeds=4,
    horizon=1.0,
)
TUNING_SEEDS = tuple(range(_FIRST_SEED, _FIRST_SEED + TUNING.num_seeds))
_NOTE = (
    f"Scores: gain over {REFERENCE} at equal rollouts, in units of {BEST}'s, mean over "
    f"{', '.join(scenario.name for scenario in TUNING.scenarios)}, seeds {TUNING_SEEDS[1]} to "
    f"{TUNING_SEEDS[-1]}; seed {TUNING_SEEDS[0]} chose the finalists.\n"
    "The tuned score is the best of several noisy ones, on the runs that chose it: it is too\n"
    "high on average and no evidence of a gain, which only other scenarios and seeds can give:\n"
    "python -m bench run core --strategy NAME --strategy NAME:tuned"
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """What `tune` can be told."""
    parser.add_argument(
        "strategies", nargs="*", metavar="NAME", help="names of `python -m bench list strategies`"
    )
    parser.add_argument("--all", action="store_true", help="every strategy that can be tuned")
    parser.add_argument(
        "--budget",
        type=whole(),
        default=BUDGET,
        metavar="K",
        help="trials per strategy, its defaults among them",
    )
    parser.add_argument(
        "--out",
        default="results/tuning",
        metavar="FOLDER",
        help="folder of the runs, which are not repeated; delete it when a strategy's code changed",
    )
    parser.add_argument(
        "--workers", type=whole(), metavar="N", help="cells side by side (default: one per core)"
    )
    parser.add_argument(
        "--redo", action="store_true", help="run cells again that were made with other settings"
    )


def run(options: argparse.Namespace, file: Path = TUNED) -> int:
    """Tunes, writes the options into the file and prints a table; the exit status.

    Returns:
        1 when all trials of some strategy failed, otherwise 0.

    Raises:
        KeyboardInterrupt: when stopped; the same command goes on from there.
        ValueError: for an unknown strategy.
    """
    names = _tunable(_named(options.strategies, options.all))
    if not names:
        return 0
    fields = {name: trials(name, STRATEGIES[name].space, options.budget) for name in names}
    settings = tuple(scenario_setting(scenario, TUNING.horizon) for scenario in TUNING.scenarios)
    store, workers = Store(Path(options.out)), options.workers or os.cpu_count() or 1
    found = search(fields, Course(settings, TUNING_SEEDS), store, workers, options.redo)
    good = [one for one in found if one.score > FAILED]
    update(good, options.budget, file)
    print(f"{_table(found).markdown()}\n\n{_NOTE}")
    _show_failures(store, {trial.spec for field in fields.values() for trial in field})
    return 0 if len(good) == len(found) else 1


def _named(names: Sequence[str], everything: bool) -> list[str]:
    if everything == bool(names):
        raise ValueError("name the strategies to tune, or give --all, not both")
    for name in names:
        if name not in STRATEGIES:
            remedy = (
                "tune takes names without options, `python -m bench list strategies` shows them"
            )
            raise ValueError(unknown("strategy", name, STRATEGIES, remedy))
    return list(STRATEGIES) if everything else list(dict.fromkeys(names))


def _tunable(names: Sequence[str]) -> list[str]:
    """Those with options to tune; the others are named on standard error."""
    fixed = [name for name in names if not STRATEGIES[name].space]
    if fixed:
        _LOGGER.info("nothing to tune, and left as they are: %s", ", ".join(fixed))
    return [name for name in names if STRATEGIES[name].space]


def _table(found: Sequence[Found]) -> Table:
    rows = sorted(found, key=lambda one: -one.score)
    return Table(
        "",
        ("strategy", "default", "tuned", "options", "trials (failed)", "runs"),
        tuple(
            (
                one.strategy,
                f"{one.default_score:.3f}",
                f"{one.score:.3f}",
                _shown(one),
                f"{one.trials} ({one.failed})",
                str(one.cells),
            )
            for one in rows
        ),
    )


def _shown(found: Found) -> str:
    if found.score == FAILED:
        return "every trial failed"
    return Trial(found.strategy, found.options).spec.partition(":")[2] or "the defaults"


def _show_failures(store: Store, specs: Collection[str]) -> None:
    failures = [(cell, error) for cell, error in store.failures() if cell.strategy in specs]
    for cell, error in failures[:_SHOWN_FAILURES]:
        _LOGGER.warning("  %s: %s", cell, error.strip().splitlines()[-1])
    if failures:
        _LOGGER.warning(
            "%d runs failed, and their trials are out; the errors are in %s/*.failed.json",
            len(failures),
            store.folder,
        )

"""`python -m bench COMMAND`: everything that the benchmark does."""

import argparse
import logging
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import check, contest_docs, live_options, logs, tune
from bench.buildable import buildable
from bench.cell_perf import measure_cells
from bench.contest import command as leaderboard
from bench.engines import add_engine_options, chosen_engine
from bench.performance import SIZES as PERF_SIZES
from bench.performance import TABLES, measure
from bench.pool_file import MISSING, PoolFile
from bench.real_options import add_real_options, real_defaults, real_settings
from bench.repetition import command as repetition
from bench.replay import command as replay
from bench.report import record_command, shown, tell
from bench.roster import FAMILIES, STRATEGIES
from bench.runner import Extras, Plan, plans, run_cells
from bench.scaling import SIZES, measure_scaling
from bench.scenario_choice import choose, resized
from bench.settings import Setting, pool_setting, scenario_setting
from bench.store import Store
from bench.successor import command as successor
from bench.suites import BY_TAG, SUITES, Suite
from bench.validation import command as validation
from simulator import SCENARIOS, VARIANTS

_log = logging.getLogger("bench")
_SHOWN_FAILURES = 5
_PATHS = ("--pool", "--scenario", "--out", "--model", "--references", "--heldout", "--models")
_POOL_OPTIONS = {
    "id": None,
    "weak": None,
    "strong": None,
    "domain": None,
    "no_items": False,
    "missing": "error",
    "reference_trials": None,
    "residual_sd": 1.0,
    "start_rate": None,
    "heldout_share": 0.1,
}
_OF_FILES = ("weak", "strong", "reference_trials", "heldout_share")  # real runs know these too
_NOT_REAL = {
    **{name: default for name, default in _POOL_OPTIONS.items() if name not in _OF_FILES},
    "pool": None,
    "scenario": None,
    "num_tasks": None,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; its exit status: 0, 1 when a cell failed, 2 for bad input."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given)
    options.arguments = given
    logs.start()
    try:
        return options.command(options)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130


def _list(options: argparse.Namespace) -> int:
    sections = {
        "suites": {name: suite.summary for name, suite in SUITES.items() if name not in BY_TAG},
        "tags, each a suite too": {tag: suite.summary for tag, suite in BY_TAG.items()},
        "scenarios": {
            name: f"[{', '.join(scenario.tags)}] {_first_sentence(scenario.summary)}"
            for name, scenario in SCENARIOS.items()
        },
        "variants, as in base@maxrl or base@maxrl+steep": {
            name: f"[{variant.kind}] {variant.summary}" for name, variant in VARIANTS.items()
        },
        **{
            f"strategies, {family.lower()}": {name: entry.summary for name, entry in of.items()}
            for family, of in FAMILIES.items()
        },
    }
    for title, lines in sections.items():
        print(f"{title}:")
        for name, summary in lines.items():
            print(f"  {name:<16} {summary}")
    return 0


def _first_sentence(text: str) -> str:
    return text.partition(". ")[0].removesuffix(".") + "."


def _run(options: argparse.Namespace) -> int:
    suite = SUITES[options.suite]
    engine = chosen_engine(options)
    settings = _settings(options, suite)
    strategies = buildable(
        options.strategy or suite.strategies, settings, requested=bool(options.strategy)
    )
    folder = Path(options.out) if options.out else _usual_folder(options)
    cells = _cells(settings, strategies, suite, options.seeds)
    extras = Extras(
        options.tensorboard,
        options.save_model,
        options.log_seconds if suite.real else None,
        options.resume,
    )
    outcome = run_cells(cells, Store(folder), options.workers, options.redo, extras, engine)
    record_command(folder, _command_line(options.arguments))
    if outcome.signal:
        _log.error("stopped; the same command goes on from here")
        return 128 + outcome.signal
    stopped = f", {outcome.stopped} stopped" if outcome.stopped else ""
    print(
        f"{outcome.done} cells run, {outcome.skipped} already there, {outcome.failed} failed"
        f"{stopped}; the results are in {folder}"
    )
    if outcome.failed:
        for cell, error in Store(folder).failures()[:_SHOWN_FAILURES]:
            _log.error("%s: %s", cell, error.strip().splitlines()[-1])
        print(f"the errors are in {folder}/*.failed.json; the same command tries again")
    if options.report:
        tell(folder)
    else:
        print(f"next: python -m bench report {shlex.quote(str(folder))}")
    return 1 if outcome.failed or outcome.stopped else 0


def _usual_folder(options: argparse.Namespace) -> Path:
    """One for each suite, and one for each pool of a user's own that no suite's name is."""
    name = f"pool-{PoolFile(options.pool).name}" if options.pool else options.suite
    return Path("results") / name


def _cells(
    settings: Sequence[Setting],
    strategies: dict[str, list[str]],
    suite: Suite,
    num_seeds: int | None,
) -> list[Plan]:
    """Seed by seed, so that a run that is stopped early still has whole pairs."""

    def seeds(setting: Setting) -> int:
        return num_seeds or suite.fewer_seeds.get(setting.name, suite.num_seeds)

    return [
        plan
        for seed in range(max(seeds(setting) for setting in settings))
        for setting in settings
        if seed < seeds(setting)
        for plan in plans([setting], strategies[setting.name], [seed])
    ]


def _report(options: argparse.Namespace) -> int:
    tell(Path(options.folder))
    return 0


def _perf(options: argparse.Namespace) -> int:
    names = options.table or TABLES
    for text in measure(
        options.sizes, options.batch_size, options.rounds, options.threads, options.peer, names
    ):
        print(text, end="\n\n", flush=True)
    return 0


def _perf_cells(options: argparse.Namespace) -> int:
    suite = SUITES[options.suite]
    setting = scenario_setting(suite.scenarios[0], suite.horizon)
    print(measure_cells(setting, options.strategy or list(STRATEGIES)))
    return 0


def _scaling(options: argparse.Namespace) -> int:
    print(measure_scaling(options.sizes, options.rounds))
    return 0


def _perf_real(options: argparse.Namespace) -> int:
    from bench.rft_perf import measure_real

    print(measure_real(options.rounds, with_vllm=options.vllm))
    return 0


def _command_line(arguments: Sequence[str]) -> str:
    """The command as a reader can repeat it."""
    words = [
        part
        for word in arguments
        for part in (
            word.split("=", 1) if word.startswith(tuple(f"{name}=" for name in _PATHS)) else [word]
        )
    ]
    words = [
        shown(Path(word)) if before in _PATHS else word
        for before, word in zip(["", *words], words, strict=False)
    ]
    return shlex.join(["python", "-m", "bench", *words])


def _settings(options: argparse.Namespace, suite: Suite) -> list[Setting]:
    sizes = {
        name: getattr(options, name)
        for name in ("num_tasks", "batch_size", "group_size", "steps")
        if getattr(options, name) is not None
    }
    if options.pool and options.scenario:
        raise ValueError("--scenario does not go with --pool: the file says what the tasks are")
    if suite.real is not None:
        _refuse(options, _NOT_REAL, "the simulated suites and --pool")
        return real_settings(options, suite.real, sizes, suite.summary)
    _refuse(options, real_defaults(), "the suites real and real-tiny")
    if options.pool:
        return [_pool_setting(options, suite, sizes)]
    _refuse(options, _POOL_OPTIONS, "--pool")
    known = SCENARIOS | {scenario.name: scenario for scenario in suite.scenarios}
    names = options.scenario or [scenario.name for scenario in suite.scenarios]
    chosen = [resized(scenario, **sizes) for scenario in choose(names, known)]
    return [scenario_setting(scenario, suite.horizon) for scenario in chosen]


def _refuse(options: argparse.Namespace, defaults: dict[str, Any], where: str) -> None:
    """Refuses options that were given and have no meaning here."""
    for name, default in defaults.items():
        if getattr(options, name) != default:
            raise ValueError(f"--{name.replace('_', '-')} goes with {where}")


def _pool_setting(options: argparse.Namespace, suite: Suite, sizes: dict[str, int]) -> Setting:
    if "num_tasks" in sizes:
        raise ValueError("--num-tasks does not go with --pool: the file says how many there are")
    default = suite.of_pool or suite.scenarios[0]
    source = PoolFile(
        options.pool,
        id_column=options.id,
        weak=tuple(options.weak or ()),
        strong=tuple(options.strong or ()),
        domain=options.domain,
        items=not options.no_items,
        missing=options.missing,
        reference_trials=options.reference_trials,
        residual_sd=options.residual_sd,
        start_rate=options.start_rate,
        heldout_share=options.heldout_share,
    )
    return pool_setting(
        source,
        sizes.get("batch_size", default.batch_size),
        sizes.get("group_size", default.group_size),
        sizes.get("steps", default.steps),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Compares strategies that select tasks."
    )
    commands = parser.add_subparsers(
        required=True,
        metavar="list | run | report | check | tune | leaderboard | docs | options | successor | "
        "repetition | validate | replay | perf | perf-cells | scaling | perf-real",
    )
    listing = commands.add_parser("list", help="suites, scenarios and strategies")
    listing.set_defaults(command=_list)
    _add_run(commands.add_parser("run", help="run the cells of a suite that are not done yet"))
    report = commands.add_parser("report", help="write report.html and report.md into a folder")
    report.add_argument("folder", help="where `run` put its results")
    report.set_defaults(command=_report)
    for name, module, words in (
        ("check", check, "hold a strategy to the laws that the benchmark relies on"),
        ("tune", tune, "tune options, the same budget for every strategy"),
        ("docs", contest_docs, "write the documentation's pages about strategies and claims"),
        ("options", live_options, "say what each option of the live selector is worth"),
        ("successor", successor, "say what residual-memory is worth, and each of its ingredients"),
        ("leaderboard", leaderboard, "compare all strategies of a folder, on one page"),
        ("replay", replay, "judge estimators and selectors on the log of a run"),
        ("repetition", repetition, "measure what repeating a task costs on a real model"),
        ("validate", validation, "predict real runs from those of shuffle, and compare"),
    ):
        command = commands.add_parser(name, help=words)
        module.add_options(command)
        command.set_defaults(command=module.run)
    _add_perf(commands.add_parser("perf", help="time and memory of selection, in tables"))
    cells = commands.add_parser("perf-cells", help="cells per second by strategy, and a profile")
    cells.add_argument("--suite", choices=list(SUITES), default="core", metavar="SUITE")
    cells.add_argument("--strategy", action="append", metavar="NAME", help="default: all")
    cells.set_defaults(command=_perf_cells)
    scaling = commands.add_parser("scaling", help="time and memory of the learner by pool size")
    scaling.add_argument(
        "--sizes", type=_sizes, default=SIZES, metavar="N[,N...]", help="default 1e4,1e5,1e6,1e7"
    )
    scaling.add_argument("--rounds", type=_positive, default=20, help="turns of timings")
    scaling.set_defaults(command=_scaling)
    real = commands.add_parser("perf-real", help="time a step of real finetuning against TRL's")
    real.add_argument("--rounds", type=_positive, default=20, help="pairs of timings")
    real.add_argument("--vllm", action="store_true", help="also with vLLM on both sides")
    real.set_defaults(command=_perf_real)
    return parser


def _add_perf(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_perf)
    parser.add_argument(
        "--sizes",
        type=_sizes,
        default=PERF_SIZES,
        metavar="N[,N...]",
        help="numbers of tasks (default 54400,1e6,1e7)",
    )
    parser.add_argument("--batch-size", type=_positive, default=512)
    parser.add_argument("--rounds", type=_positive, default=30, help="turns of timings")
    parser.add_argument("--threads", type=_positive, default=2, help="for every contender")
    parser.add_argument(
        "--peer",
        metavar="PYTHON",
        help="also time the published selector: the Python of the environment that "
        "`python -m bench.peers.install_trinity DIR` makes",
    )
    parser.add_argument(
        "--table", action="append", choices=TABLES, help="instead of all; repeatable"
    )


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_run)
    parser.add_argument(
        "suite", choices=list(SUITES), metavar="SUITE", help=f"of {', '.join(SUITES)}"
    )
    parser.add_argument(
        "--out", help="folder of the results (default results/SUITE, with --pool results/pool-NAME)"
    )
    parser.add_argument(
        "--report", action="store_true", help="write the report when done, and say what was found"
    )
    parser.add_argument(
        "--workers", type=_positive, help="processes (default one per core, or one on a GPU)"
    )
    parser.add_argument(
        "--redo", action="store_true", help="run cells again that were made with other settings"
    )
    parser.add_argument("--seeds", type=_positive, help="run seeds 0 to SEEDS - 1")
    parser.add_argument(
        "--strategy",
        action="append",
        metavar="NAME[:OPTION=VALUE,...]",
        help="instead of the suite's; a name of the roster or package.module:factory; repeatable",
    )
    parser.add_argument(
        "--scenario",
        action="append",
        metavar="NAME[@VARIANT[+VARIANT]]",
        help="instead of the suite's; of the catalogue, or a path ending in .toml; repeatable",
    )
    parser.add_argument("--num-tasks", type=_positive)
    parser.add_argument("--batch-size", type=_positive)
    parser.add_argument("--group-size", type=_positive)
    parser.add_argument("--steps", type=_positive)
    parser.add_argument(
        "--tensorboard", action="store_true", help="write TensorBoard logs beside the results"
    )
    add_real_options(parser)
    add_engine_options(parser)
    pool = parser.add_argument_group("your own tasks, instead of the suite's scenarios")
    pool.add_argument("--pool", metavar="FILE", help="CSV or Parquet, one task per row")
    pool.add_argument("--id", metavar="COLUMN", help="distinct names of the tasks")
    for name in ("weak", "strong"):
        pool.add_argument(
            f"--{name}",
            type=lambda text: [part.strip() for part in text.split(",")],
            metavar="COLUMN[,COLUMN...]",
            help=f"columns whose mean is the {name} reference's solve rate",
        )
    pool.add_argument("--domain", metavar="COLUMN")
    pool.add_argument("--no-items", action="store_true", help="ignore item parameters in the file")
    pool.add_argument("--missing", choices=MISSING, help="what a missing rate means")
    pool.add_argument("--reference-trials", type=_positive, help="rollouts behind a rate")
    pool.add_argument("--residual-sd", type=float, help="how far the learner strays, in logits")
    pool.add_argument("--start-rate", type=float, help="mean solve rate of the untrained learner")
    pool.add_argument("--heldout-share", type=float)
    parser.set_defaults(**_POOL_OPTIONS)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not at least 1")
    return value


def _sizes(text: str) -> tuple[int, ...]:
    """Numbers of tasks such as `1e4,50000`."""
    sizes = [float(part) for part in text.split(",")]
    if not all(size.is_integer() and size >= 1 for size in sizes):
        raise argparse.ArgumentTypeError(f"{text} must be whole numbers of tasks, as in 1e4,1e6")
    return tuple(int(size) for size in sizes)


if __name__ == "__main__":
    sys.exit(main())

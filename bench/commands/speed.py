"""`python -m bench perf | perf-cells | scaling | perf-real`: what things cost, in tables."""

import argparse

from bench.cell_perf import measure_cells
from bench.commands.run_options import SUITE
from bench.performance import SIZES as PERF_SIZES
from bench.performance import TABLES, measure
from bench.roster import STRATEGIES
from bench.scaling import SIZES, measure_scaling
from bench.settings import scenario_setting
from bench.suites import SUITES
from bots.command_line import whole


def add_perf(parser: argparse.ArgumentParser) -> None:
    """The options of `perf`."""
    parser.add_argument(
        "--sizes",
        type=sizes,
        default=PERF_SIZES,
        metavar="N[,N...]",
        help="numbers of tasks (default: 54400,1e6,1e7)",
    )
    parser.add_argument(
        "--batch-size", type=whole(), default=512, metavar="B", help="tasks per choice"
    )
    parser.add_argument("--rounds", type=whole(), default=30, metavar="N", help="turns of timings")
    parser.add_argument(
        "--threads", type=whole(), default=2, metavar="N", help="threads of every contender"
    )
    parser.add_argument(
        "--peer",
        metavar="PYTHON",
        help="also time the published selector: the Python of the environment that "
        "`python -m bench.peers.install_trinity DIR` makes (default: none)",
    )
    parser.add_argument(
        "--table",
        action="append",
        choices=TABLES,
        metavar="NAME",
        help=f"a table to print: {', '.join(TABLES)}; repeatable (default: all)",
    )


def perf(options: argparse.Namespace) -> int:
    """Prints tables of time and memory; 0."""
    names = options.table or TABLES
    for text in measure(
        options.sizes, options.batch_size, options.rounds, options.threads, options.peer, names
    ):
        print(text, end="\n\n", flush=True)
    return 0


def add_cells(parser: argparse.ArgumentParser) -> None:
    """The options of `perf-cells`."""
    parser.add_argument(
        "--suite",
        type=SUITE,
        default="core",
        metavar="SUITE",
        help="whose first scenario is run; `python -m bench list suites` shows all",
    )
    parser.add_argument(
        "--strategy",
        action="append",
        metavar="NAME",
        help="a strategy to time; repeatable (default: all)",
    )


def cells(options: argparse.Namespace) -> int:
    """Prints cells per second, and where the time goes; 0."""
    suite = SUITES[options.suite]
    setting = scenario_setting(suite.scenarios[0], suite.horizon)
    print(measure_cells(setting, options.strategy or list(STRATEGIES)))
    return 0


def add_scaling(parser: argparse.ArgumentParser) -> None:
    """The options of `scaling`."""
    parser.add_argument(
        "--sizes",
        type=sizes,
        default=SIZES,
        metavar="N[,N...]",
        help="numbers of tasks (default: 1e4,1e5,1e6,1e7)",
    )
    _add_rounds(parser, "turns of timings")


def scaling(options: argparse.Namespace) -> int:
    """Prints time and memory of the simulated learner by pool size; 0."""
    print(measure_scaling(options.sizes, options.rounds))
    return 0


def add_real(parser: argparse.ArgumentParser) -> None:
    """The options of `perf-real`."""
    _add_rounds(parser, "pairs of timings")
    parser.add_argument("--vllm", action="store_true", help="also with vLLM on both sides")


def real(options: argparse.Namespace) -> int:
    """Prints the time of a step of real finetuning beside TRL's; 0."""
    from bench.rft_perf import measure_real

    print(measure_real(options.rounds, with_vllm=options.vllm))
    return 0


def _add_rounds(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--rounds", type=whole(), default=20, metavar="N", help=text)


def sizes(text: str) -> tuple[int, ...]:
    """Numbers of tasks such as `1e4,50000`.

    Example:
        >>> sizes("1e4,50000")
        (10000, 50000)
    """
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = [0.0]
    if not all(value.is_integer() and value >= 1 for value in values):
        raise argparse.ArgumentTypeError(f"{text} must be whole numbers of tasks, as in 1e4,1e6")
    return tuple(int(value) for value in values)

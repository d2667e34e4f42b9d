"""`python -m bench repetition`: what repeating a task costs on the embedded real model."""

import argparse
from dataclasses import replace
from pathlib import Path

from bench.repetition.measure import Run, load, measure
from bench.suites import SUITES
from bots.command_line import whole

POOLS = (48, 192, 768, 3352)
POLICIES = ("bots-informative", "residual-memory", "bots")
_SUITE = "real-tiny"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument(
        "--out", default="results/repetition", metavar="FOLDER", help="folder of the runs"
    )
    for name, default, text in (
        ("seeds", 3, "models, each with its own tasks"),
        ("steps", 240, "training steps of a run"),
        ("workers", 2, "runs side by side"),
    ):
        parser.add_argument(f"--{name}", type=whole(), default=default, metavar="N", help=text)
    parser.add_argument(
        "--models", default="results/models", metavar="FOLDER", help="folder that keeps the models"
    )
    parser.add_argument(
        "--report", metavar="FOLDER", help="folder of the page (default: the same as --out)"
    )


def run(options: argparse.Namespace) -> int:
    """Trains what is missing, writes `repetition.md` and `repetition.png`; the exit status."""
    from bench.repetition.page import report

    run_ = SUITES[_SUITE].real
    assert run_ is not None
    source = replace(run_.source, models=options.models)
    folder, target = Path(options.out), Path(options.report or options.out)
    measure(source, plans(options.seeds, options.steps), folder, options.workers)
    target.mkdir(parents=True, exist_ok=True)
    text = report(load(folder), target / "repetition.png")
    (target / "repetition.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


def plans(seeds: int, steps: int) -> list[Run]:
    """Random order on pools of several sizes, and policies on the largest, seed by seed."""
    kinds = [*(("shuffle", size) for size in POOLS), *((name, POOLS[-1]) for name in POLICIES)]
    return [
        Run(strategy, size, seed, steps, probe_every=max(steps // 2, 1))
        for seed in range(seeds)
        for strategy, size in kinds
    ]

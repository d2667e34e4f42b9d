"""`python -m bench validate FOLDER ...`: does the simulator predict reality?"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.store import Store
from bench.strategies import REFERENCE
from bots.command_line import whole

if TYPE_CHECKING:
    from bench.validation.mechanisms import Spec
    from bench.validation.outcomes import Outcomes
    from bench.validation.result import Validation

_MECHANISMS = ("plain", "growth", "domains")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("folders", nargs="+", metavar="FOLDER", help="results of a real suite")
    parser.add_argument(
        "--sim-seeds", type=whole(), default=10, metavar="N", help="simulated seeds"
    )
    parser.add_argument(
        "--workers", type=whole(), metavar="N", help="cells side by side (default: one per core)"
    )
    parser.add_argument(
        "--mechanism",
        action="append",
        metavar="NAME[=VALUE][+NAME...]",
        help=f"what predictions take into account; repeatable (default: {', '.join(_MECHANISMS)})",
    )
    parser.add_argument(
        "--strategy",
        action="append",
        metavar="NAME",
        help="what is compared beside shuffle; repeatable (default: all that were run)",
    )
    parser.add_argument(
        "--out",
        default="results/validate",
        metavar="FOLDER",
        help="folder of fits and predictions",
    )
    parser.add_argument(
        "--page", metavar="PAGE", help="a Markdown page whose blocks are filled (default: none)"
    )
    parser.add_argument(
        "--report", metavar="FOLDER", help="folder of report and pictures (default: --out)"
    )


def run(options: argparse.Namespace) -> int:
    """Fits, predicts, compares and reports; the exit status."""
    from bench.validation.mechanisms import parse
    from bench.validation.page import blocks, fill
    from bench.validation.pictures import etr_paths, gain_scatter
    from bench.validation.report import markdown
    from bench.validation.tables import summary

    specs = [parse(name) for name in dict.fromkeys(options.mechanism or _MECHANISMS)]
    found = [_validated(Path(folder), specs, options) for folder in options.folders]
    folder = Path(options.report or options.out)
    folder.mkdir(parents=True, exist_ok=True)
    report, *drawn = (folder / name for name in ("report.md", "gains.png", "etr.png"))
    gain_scatter(found, drawn[0])
    etr_paths(found, drawn[1])
    report.write_text(markdown(found, drawn), encoding="utf-8")
    if options.page:
        print(f"filled {', '.join(fill(Path(options.page), blocks(found)))}")
    print(summary(found).markdown())
    print(f"wrote {report}, {drawn[0]} and {drawn[1]}")
    return 0


def _validated(folder: Path, specs: "Sequence[Spec]", options: argparse.Namespace) -> "Validation":
    """One setting: the fit sees shuffle's files alone, and the others are read after it."""
    from bench.validation.evidence import gather
    from bench.validation.fitting import fit
    from bench.validation.outcomes import outcomes
    from bench.validation.prediction import predict
    from bench.validation.result import Validation

    evidence = gather(folder)
    out = Path(options.out) / evidence.setting
    fits = fit(evidence, specs, out)
    real = _chosen(outcomes(Store(folder).load()), options.strategy, folder)
    predicted = predict(
        [fitted.scenario for fitted in fits],
        real.strategies,
        options.sim_seeds,
        evidence.config,
        out / "cells",
        options.workers,
    )
    taken = [outcomes(predicted[fitted.scenario.name]).take(real.strategies) for fitted in fits]
    return Validation(evidence.setting, real, fits, taken)


def _chosen(real: "Outcomes", wanted: Sequence[str] | None, folder: Path) -> "Outcomes":
    """Those of the strategies that are wanted, and of shuffle."""
    if wanted is None:
        return real
    missing = sorted({*wanted} - {*real.strategies})
    if missing:
        raise ValueError(
            f"{folder} has no {missing[0]!r} on all seeds: choose of {', '.join(real.strategies)}"
        )
    return real.take([name for name in real.strategies if name in {REFERENCE, *wanted}])

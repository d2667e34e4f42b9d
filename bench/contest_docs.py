"""`python -m bench docs FOLDER`: the pages of the documentation that the contest's results make."""

import argparse
from pathlib import Path

from bench.claims import claims_page
from bench.contest.runs import read_runs
from bench.report import shown
from bench.strategy_docs import Contest, write_pages


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("folder", metavar="FOLDER", help="where `run full` put its results")
    parser.add_argument("--out", default="docs", metavar="FOLDER", help="folder of the pages")


def run(options: argparse.Namespace) -> int:
    """Writes strategies.md, strategies/NAME.md and research/claims.md; the exit status."""
    folder, out = Path(options.folder), Path(options.out)
    command = f"python -m bench docs {shown(folder)}"
    runs = read_runs(folder)
    pages = write_pages(Contest.of(runs), out / "strategies", command)
    claims = out / "research" / "claims.md"
    claims.parent.mkdir(exist_ok=True)
    claims.write_text(claims_page(runs, command), encoding="utf-8")
    print(f"wrote {claims} and {len(pages)} pages in {out}")
    return 0

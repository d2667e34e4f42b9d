"""`python -m bench successor`: the tables and pictures of `docs/research/successor.md`."""

import argparse
from pathlib import Path

from bench.blocks import replaced
from bench.contest.runs import read_runs
from bench.contest.scores import Scores, score
from bench.successor import real, tables
from bench.successor.pictures import draw_ablation, draw_forest
from bench.successor.plan import SUBJECT

_PAGE, _FIGURES = "successor.md", "results/successor/figures"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Arguments of `python -m bench successor`."""
    parser.add_argument(
        "folder",
        nargs="?",
        metavar="FOLDER",
        help="where `run successor` put its results (default: none)",
    )
    parser.add_argument(
        "--ablation",
        metavar="FOLDER",
        help="where `run ablation` put its results (default: none)",
    )
    parser.add_argument(
        "--real",
        action="append",
        default=[],
        metavar="FOLDER",
        help="where a real suite put its results; repeatable (default: none)",
    )
    parser.add_argument(
        "--out", default="docs/research", metavar="FOLDER", help="folder of successor.md"
    )


def run(options: argparse.Namespace) -> int:
    """Writes the page's tables and the pictures; the exit status.

    Raises:
        ValueError: when no folder is given, one lacks what it is read for, or the page has no place
            for a table.
    """
    if not (options.folder or options.ablation or options.real):
        raise ValueError("no results are named: give FOLDER, --ablation or --real")
    out = Path(options.out)
    figures = out / _FIGURES
    figures.mkdir(parents=True, exist_ok=True)
    parts = _suite_parts(Path(options.folder), figures) if options.folder else {}
    if options.ablation:
        parts |= _ablation_parts(Path(options.ablation), figures)
    if options.real:
        settings = {Path(folder).name: read_runs(Path(folder)) for folder in options.real}
        parts["real"] = real.gains(settings).markdown()
    page = out / _PAGE
    page.write_text(filled(page.read_text(encoding="utf-8"), parts), encoding="utf-8")
    shown = next(parts[name] for name in ("against", "ablation", "real") if name in parts)
    print(f"{shown}\n\nwrote {', '.join(parts)} into {page}, and {figures}")
    return 0


def filled(text: str, parts: dict[str, str]) -> str:
    """The page with these parts between the lines `<!-- NAME -->` and `<!-- end NAME -->`.

    Raises:
        ValueError: when the page has no place for a part.
    """
    for name, part in parts.items():
        first, last = f"<!-- {name} -->\n", f"<!-- end {name} -->"
        changed = replaced(text, first, last, f"{part}\n")
        if changed is None:
            raise ValueError(
                f"the page has no place for {name!r}: put the lines {first.strip()!r} and {last!r} "
                "where it belongs"
            )
        text = changed
    return text


def _suite_parts(folder: Path, figures: Path) -> dict[str, str]:
    runs = read_runs(folder)
    scores = score(runs)
    _check(scores, folder)
    draw_forest(scores, figures / "forest.png")
    commits = ", ".join(sorted({one.made_by.get("commit", "unknown") for one in runs}))
    return {
        "runs": _described(scores, commits),
        "standing": tables.standing(scores, runs).markdown(),
        "against": tables.against(scores).markdown(),
        "groups": tables.by_group(scores).markdown(),
        "axes": tables.by_axis(scores).markdown(),
        "scenarios": tables.by_scenario(scores).markdown(),
    }


def _ablation_parts(folder: Path, figures: Path) -> dict[str, str]:
    scores = score(read_runs(folder))
    _check(scores, folder)
    draw_ablation(scores, figures / "ablation.png")
    return {"ablation": tables.ablation(scores).markdown()}


def _check(scores: Scores, folder: Path) -> None:
    if SUBJECT not in scores.strategies:
        raise ValueError(f"{folder} holds no run of {SUBJECT}: run the suite with this strategy")


def _described(scores: Scores, commits: str) -> str:
    seeds = sorted({scores.num_seeds(name) for name in scores.scenarios})
    counted = len(tables.counted(scores))
    left_out = "".join(f" Without a score: {n} ({why})." for n, why in scores.left_out.items())
    return (
        f"{len(scores.scenarios)} scenarios, of which {counted} count, with "
        f"{' or '.join(map(str, seeds))} paired seeds; commit {commits}.{left_out}"
    )

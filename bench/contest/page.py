"""Writes the leaderboard: a page that can be sorted and filtered, Markdown, JSON, pictures."""

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.files import atomic
from bench.contest import text
from bench.contest.curves import bands, curves
from bench.contest.document import Contest, document
from bench.contest.methods import methods
from bench.contest.pictures import draw_forest, draw_profile, leaders
from bench.contest.runs import ROLLOUTS, Run, read_runs
from bench.contest.scores import score
from bench.contest.views import ALL, details, headline, views
from bench.report import commands, shown


@dataclass(frozen=True, slots=True)
class Written:
    """What was written, and the headline table as text."""

    files: tuple[Path, ...]
    headline: str


def write_leaderboard(folder: Path) -> Written:
    """Writes `leaderboard.html`, `.md` and `.json` and two pictures into the folder.

    Raises:
        ValueError: when the folder holds no finished cell, cells that cannot be compared, or no
            scenario on which shuffle and oracle-gain make a unit.
    """
    contest = hold(read_runs(folder))
    made_with = [*commands(folder), f"python -m bench leaderboard {shown(folder)}"]
    pictures = folder / "figures"
    pictures.mkdir(parents=True, exist_ok=True)
    files = tuple(folder / f"leaderboard.{ending}" for ending in ("html", "md", "json"))
    drawn = pictures / "contest.png", pictures / "profile.png"
    standing = headline(contest.views)
    draw_forest(standing, drawn[0])
    draw_profile(standing, contest.details[ROLLOUTS], drawn[1])
    found = document(contest) | {"commands": made_with}
    paragraphs = methods(contest)
    contents = (
        page(found, _only_shown(contest), paragraphs, made_with),
        text.markdown(contest, paragraphs, made_with),
        _json(found) + "\n",
    )
    for path, content in zip(files, contents, strict=True):
        with atomic(path) as temporary:
            temporary.write_text(content, encoding="utf-8")
    return Written((*files, *drawn), text.headline(contest).markdown())


def hold(runs: Sequence[Run]) -> Contest:
    """The contest between the strategies of these runs."""
    scores = score(runs)
    found = views(scores)
    return Contest(runs, scores, found, details(scores, found[ALL]))


def page(
    found: dict[str, Any],
    shown_only: dict[str, Any],
    paragraphs: Sequence[str],
    made_with: Sequence[str],
) -> str:
    """The leaderboard as one HTML page that needs nothing else."""
    template = (Path(__file__).parent / "leaderboard.html").read_text(encoding="utf-8")
    parts = {
        "{{data}}": _json(found | shown_only).replace("<", "\\u003c"),
        "{{methods}}": "".join(f"<p>{html.escape(line)}</p>" for line in paragraphs),
        "{{commands}}": html.escape("\n".join(made_with)),
    }
    for place, content in parts.items():
        template = template.replace(place, content)
    return template


def _only_shown(contest: Contest) -> dict[str, Any]:
    """What the page shows beyond the aggregates."""
    return {
        "curves": curves(contest.runs),
        "bands": bands(contest.details),
        "leaders": leaders(headline(contest.views)),
    }


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

"""The code in README and docs runs, and their commands exist."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import parser
from tests.test_layout import ROOT

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page)], ids=lambda page: page.name
)
def test_the_code_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for block in blocks(page):
        exec(compile(block, page.name, "exec"), names)


def test_the_strategies_of_the_tutorial_take_part(tmp_path):
    page = ROOT / "docs" / "your-own-strategy.md"
    (tmp_path / "my_strategy.py").write_text("\n".join(blocks(page)))
    command = [sys.executable, "-m", "bench", "run", "smoke", "--seeds", "1", "--steps", "5"]
    command += ["--num-tasks", "300", "--batch-size", "8", "--scenario", "base"]
    command += ["--strategy", "my_strategy:StickySelector:bonus=0.8"]
    command += ["--strategy", "my_strategy:bots_by_domain"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "3 cells run, 0 already there, 0 failed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_names_is_understood(page):
    for line in re.findall(r"python -m bench ([^`\n|]+)", page.read_text()):
        if "FILE" not in line and "DIR" not in line and "--help" not in line:
            parser().parse_args(shlex.split(line, comments=True))


def tracked() -> set[Path] | None:
    """What a clone would hold; None outside a checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        return None
    return {ROOT / name for name in listed.stdout.split("\0") if name}


LINKING = sorted({*PAGES, *(ROOT / "docs").rglob("*.md")})


@pytest.mark.parametrize("page", LINKING, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_pictures_of_a_page_exist_in_a_clone(page):
    files = tracked()
    for target in re.findall(r"\]\(([^)#]+?)\)", page.read_text()):
        path = (page.parent / target).resolve()
        if "://" not in target:
            assert path.exists(), target
            assert files is None or path in files, f"{target} is not under version control"

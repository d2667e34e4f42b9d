"""Contests between synthetic runs, and a way to read the page as a browser sees it."""

import shutil
import subprocess

from bench.contest.runs import Run, reduced
from tests.bench.helpers import synthetic_cell

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def runs(ends: dict[str, dict[str, float]], seeds: int = 6) -> list[Run]:
    """Runs by scenario and strategy that end at these rates; a seed adds 0.01 to all of its own."""
    return [
        reduced(synthetic_cell(scenario, strategy, seed, end + 0.01 * seed))
        for scenario, by_strategy in ends.items()
        for strategy, end in by_strategy.items()
        for seed in range(seeds)
    ]


def rendered(address: str) -> str:
    """The page's elements after its script ran."""
    assert CHROMIUM is not None
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += ["--allow-file-access-from-files", "--virtual-time-budget=3000", address]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout

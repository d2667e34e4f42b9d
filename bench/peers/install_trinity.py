"""Installs the published selector in an environment of its own.

    python -m bench.peers.install_trinity .peers/trinity

makes a virtual environment there (about 1.6 GB) with the Python that runs this, 3.11 or 3.12, and
installs trinity-rft without its dependencies, then those that importing its selector needs. Nothing
is stubbed and none of its files is changed. It does not touch this checkout's environment.
"""

import argparse
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

TRINITY = "trinity-rft==0.6.0"
# What `trinity.buffer.selector.selector` imports, directly or through its package; bounds of torch
# as in pyproject.toml, of the others as in trinity-rft's metadata.
NEEDED = (
    "numpy>=2.0",
    "torch>=2.11,<2.14",
    "ray>=2.50.0",
    "omegaconf",
    "datasets>=4.0.0",
    "sqlalchemy",
    "greenlet",
    "safetensors",
)
_CHECK = "import trinity.buffer.selector.selector as module; module.DifficultyBasedSelector"


def main(arguments: Sequence[str] | None = None) -> int:
    """Makes the environment; its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.peers.install_trinity",
        description=f"Installs {TRINITY} and what its selector imports into a folder.",
    )
    parser.add_argument("folder", type=Path, help=".peers/trinity is ignored by git")
    folder = parser.parse_args(arguments).folder
    if not (3, 10) <= sys.version_info[:2] < (3, 13):
        print(f"error: {TRINITY} needs Python 3.10 to 3.12: run this with one", file=sys.stderr)
        return 2
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    install = [python, "-m", "pip", "install", "--quiet", "--no-warn-conflicts"]
    for command in (
        [*install, "--no-deps", TRINITY],
        [*install, *NEEDED],
        [python, "-I", "-c", _CHECK],
    ):
        done = subprocess.run(command, check=False)
        if done.returncode:
            return done.returncode
    print(f"next: python -m bench perf --peer {python}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Runs a target under atheris, which measures the coverage of `bots` and mutates towards more.

Atheris takes some kB more memory with every run of instrumented code. To fuzz for hours, start it
again and again with a folder that keeps what was found: `-max_total_time=900 FOLDER`.

A target is a module with `check(data)`, which raises when it finds a defect, and `seeds()`.
"""

import importlib
import sys
import tempfile
import warnings
from pathlib import Path

_ROOT = Path(__file__).parents[2]


def fuzz(name: str) -> None:
    """Fuzzes the target of this name; arguments of the command line are libFuzzer's."""
    import atheris

    warnings.simplefilter("error")
    with atheris.instrument_imports(include=["bots"], exclude=_compiled()):
        target = importlib.import_module(name)
    corpus = Path(tempfile.mkdtemp(prefix="fuzz-"))
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed{number}").write_bytes(seed)
    program, *arguments = sys.argv
    atheris.Setup([program, "-timeout=120", *arguments, str(corpus)], target.check)
    atheris.Fuzz()


def _compiled() -> list[str]:
    """Modules with kernels: numba cannot compile what was instrumented."""
    paths = (_ROOT / "bots").rglob("*.py")
    compiled = [path.relative_to(_ROOT) for path in paths if "njit" in path.read_text()]
    return [".".join(path.with_suffix("").parts) for path in compiled]

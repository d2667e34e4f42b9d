"""The packages are the checkout's own, and imports point one way."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALLOWED = {
    "bots": {"bots"},
    "simulator": {"simulator"},
    "backends": {"backends", "bots", "simulator"},
    "bench": {"bench", "backends", "bots", "simulator"},
}
HEAVY = {"torch", "transformers", "vllm", "ray", "matplotlib", "pyarrow", "tqdm"}
NEEDS_TORCH = ROOT / "backends" / "rft"  # imported only when a real run is asked for
DRAWS = ROOT / "bots" / "inspection" / "picture.py"  # only when a picture is asked for


def imports(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("package", ALLOWED)
def test_each_package_lies_in_the_checkout(package):
    module = importlib.import_module(package)
    assert Path(module.__file__).parent == ROOT / package


@pytest.mark.integration
@pytest.mark.parametrize("package", ALLOWED)
def test_imports_point_one_way(package):
    for path in (ROOT / package).rglob("*.py"):
        ours = imports(ast.parse(path.read_text())) & ALLOWED.keys()
        parser = {"bots"} if path.name == "__main__.py" else set()  # what command lines share
        assert ours <= ALLOWED[package] | parser, path


@pytest.mark.integration
def test_heavy_imports_happen_at_the_point_of_use():
    for package in ALLOWED:
        for path in (ROOT / package).rglob("*.py"):
            top = [
                node for node in ast.parse(path.read_text()).body if "Import" in type(node).__name__
            ]
            allowed = {"torch", "transformers"} if path.is_relative_to(NEEDS_TORCH) else set()
            assert not imports(ast.Module(top, [])) & (HEAVY - allowed), path


@pytest.mark.integration
def test_the_simulated_benchmark_starts_without_torch():
    code = "import sys, bench.__main__; sys.exit(len({'torch', 'transformers'} & {*sys.modules}))"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


COLLECT = """
import sys

import pytest

options = ["--collect-only", "-qq", "-p", "no:cacheprovider", "-p", "no:xdist", "tests"]
assert pytest.main(options) == 0
sys.exit(", ".join({"torch", "transformers", "trl"} & {*sys.modules}) or 0)
"""


@pytest.mark.integration
def test_tests_are_collected_without_torch():
    """Its import takes longer than most parts of the suite; `tests/lazy.py` puts it off."""
    done = subprocess.run(
        [sys.executable, "-c", COLLECT], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert done.returncode == 0, done.stdout


def test_selectors_need_numpy_scipy_and_numba_alone():
    allowed = {"numpy", "scipy", "numba", "bots"} | sys.stdlib_module_names
    for path in (ROOT / "bots").rglob("*.py"):
        extra = {"matplotlib"} if path == DRAWS else set()
        assert imports(ast.parse(path.read_text())) <= allowed | extra, path


COMMANDS = {"__main__.py", "command.py", "commands.py", "running.py", "logs.py"}


@pytest.mark.integration
@pytest.mark.parametrize("package", ["bots", "simulator", "backends"])
def test_libraries_log_and_commands_print(package):
    for path in (ROOT / package).rglob("*.py"):
        calls = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert "print" not in calls or path.name in COMMANDS, path

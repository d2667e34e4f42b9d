"""The packages are the checkout's own, and imports point one way."""

import ast
import importlib
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
HEAVY = {"torch", "vllm", "ray", "matplotlib", "pyarrow", "tqdm"}


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


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_point_one_way(package):
    for path in (ROOT / package).rglob("*.py"):
        ours = imports(ast.parse(path.read_text())) & ALLOWED.keys()
        assert ours <= ALLOWED[package], path


def test_heavy_imports_happen_at_the_point_of_use():
    for package in ALLOWED:
        for path in (ROOT / package).rglob("*.py"):
            top = [
                node for node in ast.parse(path.read_text()).body if "Import" in type(node).__name__
            ]
            assert not imports(ast.Module(top, [])) & HEAVY, path


def test_selectors_need_numpy_alone():
    allowed = {"numpy", "bots"} | sys.stdlib_module_names
    for path in (ROOT / "bots").rglob("*.py"):
        assert imports(ast.parse(path.read_text())) <= allowed, path

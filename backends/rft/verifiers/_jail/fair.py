"""Test code, compiled so that what a solution redefines does not decide about it."""

import ast
import builtins
from collections.abc import Iterator
from types import CodeType

Names = tuple[str, str]


def compiled(tests: str, names: Names) -> CodeType:
    """Code that runs the tests and differs in two ways.

    A comparison of `a` and `b` compares what `compare(a, b)` returns. A builtin name is looked up
    in `genuine`, so that a solution which defines `zip` or `all` does not switch tests off; unless
    the tests define it themselves, or use no name that could be the solution's but builtin ones.

    Args:
        tests: Python source.
        names: under which the code finds `compare` and `genuine`.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: for what Python cannot parse.
    """
    tree = ast.parse(tests, "<tests>")
    defined = set(_defined(tree))
    loaded = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - defined
    builtin = {name for name in loaded & vars(builtins).keys() if _replaceable(name)}
    tree = _Fair(names, builtin if loaded - builtin else set()).visit(tree)
    return compile(ast.fix_missing_locations(tree), "<tests>", "exec", dont_inherit=True)


def _replaceable(name: str) -> bool:
    """Not `__name__`, which is the module's own, nor `super`, which the compiler must see."""
    return name != "super" and not name.startswith("__")


def _defined(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).split(".")[0]
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name


class _Fair(ast.NodeTransformer):
    def __init__(self, names: Names, builtin: set[str]) -> None:
        self._compare, self._genuine = names
        self._builtin = builtin

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id not in self._builtin:
            return node
        return ast.Attribute(_load(self._genuine), node.id, ast.Load())

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if len(node.ops) > 1:
            return node
        left, right = (
            ast.Subscript(_load("pair"), ast.Constant(side), ast.Load()) for side in (0, 1)
        )
        empty = ast.arguments(
            posonlyargs=[], args=[ast.arg("pair")], kwonlyargs=[], kw_defaults=[], defaults=[]
        )
        function = ast.Lambda(empty, ast.Compare(left, node.ops, [right]))
        pair = ast.Call(_load(self._compare), [node.left, *node.comparators], [])
        return ast.Call(function, [pair], [])


def _load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())

"""Mutation test of `bots`: small deliberate errors in its code, each of which some test must find.

    pip install cosmic-ray
    OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 python tests/mutation/mutate.py --sample 500 --seed 0

Errors are those of Cosmic Ray (comparisons, arithmetic, constants, `not`, loops), and lost
statements, results None, and opposites such as min and max. Annotations, docstrings and messages
are left alone. A mutant runs, in a process forked off one that has imported the libraries, only the
mirrored test file and the module's doctests. It never touches a file: the loader compiles the
mutant in place of the module.
"""

import argparse
import ast
import difflib
import importlib.machinery as machinery
import json
import os
import random
import re
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import hypothesis  # noqa: F401  what tests import is imported once, before the forks
import numba
import numpy  # noqa: F401
import pytest
import scipy.special
import scipy.stats  # noqa: F401
from _pytest.assertion.rewrite import AssertionRewritingHook
from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

_LIVE = (
    "beliefs beliefs_state choosing classes domains estimate expectation flights grouping inclusion"
    " kernels keys learning line logistic logit pools ranked reliability saved selector thompson"
    " tokens utility"
)
_TOP = (
    "feedback evidence rollouts posterior interpolation acquisition bots_selector state"
    " state_entries state_file state_format"
)
MODULES = [
    *(f"bots/{name}.py" for name in _TOP.split()),
    *(str(next(Path("bots/live").rglob(f"{name}.py"))) for name in _LIVE.split()),
]
TESTS = {
    "bots/live/belief/beliefs_state.py": ["tests/bots/live/belief/test_beliefs.py"],
    "bots/state_entries.py": ["tests/bots/test_state_format.py", "tests/bots/test_state.py"],
}
# Too slow without the compiler.
SLOW = [
    "due_tasks_are_ranked_by_a_draw",
    "chance_of_a_due_task_is_how_often",
    "True-belief",
    "eight_batches_drawn_ahead",
    "(True and 0.25)",
    "(False and 0.0)",
]
LAST = ["kernels", "utility", "domains", "thompson", "estimate", "expectation", "choosing"]
_OPERATORS = re.compile(
    "core/(ReplaceBinaryOperator_(Add_Sub|Sub_Add|Mul_Div|Div_Mul|FloorDiv_Mul|Mod_Mul|Pow_Mul|"
    "BitOr_BitAnd|BitAnd_BitOr|LShift_RShift|RShift_LShift)|ReplaceComparisonOperator_(Lt_LtE|LtE_Lt|Gt_GtE|GtE_Gt|Lt_Gt|"
    "Gt_Lt|LtE_GtE|GtE_LtE|Eq_NotEq|NotEq_Eq|Is_IsNot|IsNot_Is)|ReplaceUnaryOperator_(Delete_.*|"
    "USub_UAdd)|AddNot|Replace(True|False|And|Or|Break|Continue)With.*|NumberReplacer|"
    "ZeroIterationForLoop)"
)
_OPPOSITES = {a: b for pair in (("minimum", "maximum"), ("min", "max"), ("any", "all"),
              ("zeros", "ones"), ("flatnonzero", "asarray"), ("floor", "ceil"), ("exp", "expm1"),
              ("union1d", "intersect1d")) for a, b in (pair, pair[::-1])}  # fmt: skip
_TIMES_SLOWER = 3


class Mutant(NamedTuple):
    """One error: where, which, and the whole module with it."""

    module: str
    line: int
    before: str
    after: str
    source: str


def mutants(module: str) -> Iterator[Mutant]:
    """All errors that are tried in this module."""
    source, seen = Path(module).read_text(), set()
    for mutated in [*_of_cosmic_ray(source), *_of_ours(source)]:
        try:
            code = _code(mutated)
        except SyntaxError:
            continue
        if code == _code(source) or code in seen:
            continue
        seen.add(code)
        lines = [source.splitlines(), mutated.splitlines()]
        _, i, j, k, m = next(
            c for c in difflib.SequenceMatcher(None, *lines, False).get_opcodes() if c[0] != "equal"
        )
        before, after = (" ".join(map(str.strip, x)) for x in (lines[0][i:j], lines[1][k:m]))
        yield Mutant(module, i + 1, before, after, mutated)


def _of_cosmic_ray(source: str) -> Iterator[str]:
    for name in filter(_OPERATORS.fullmatch, plugins.operator_names()):
        operator = plugins.get_operator(name)()
        nodes = ast_nodes(get_ast(source))
        for occurrence in range(sum(len([*operator.mutation_positions(n)]) for n in nodes)):
            yield mutate_code(source, operator, occurrence)


def _of_ours(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(value=ast.Call()) | ast.AugAssign():
                yield _with(source, node, "pass")
            case ast.Return(value=ast.expr() as value):
                yield _with(source, value, "None")
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in _OPPOSITES:
                was = ast.get_source_segment(source, node)
                yield _with(source, node, was.removesuffix(name) + _OPPOSITES[name])
            case ast.Call(func=ast.Attribute(value=value, attr="copy" | "sort")):
                yield _with(source, node, ast.get_source_segment(source, value))
            case ast.IfExp(body=body, orelse=other):
                yield _with(source, node, ast.get_source_segment(source, body))
                yield _with(source, node, ast.get_source_segment(source, other))


def _with(source: str, node: ast.AST, text: str) -> str:
    lines = source.encode().splitlines(keepends=True)
    start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: node.end_lineno - 1])) + node.end_col_offset
    return (source.encode()[:start] + text.encode() + source.encode()[end:]).decode()


class _Bare(ast.NodeTransformer):
    """Without what is not to be mutated."""

    def visit_Raise(self, node):
        return ast.Pass()

    def visit_arg(self, node):
        return ast.arg(node.arg)

    def visit_AnnAssign(self, node):
        node.annotation = ast.Constant(None)
        return node

    def visit_FunctionDef(self, node):
        node.returns = None
        node.decorator_list = []
        return self.generic_visit(node)

    def visit_Assert(self, node):
        return ast.Pass()


def _code(source: str) -> str:
    return ast.dump(_Bare().visit(ast.parse(source)))


def tests_of(module: str) -> list[str]:
    """The mirrored test files, and the module for its doctests."""
    path = Path("tests") / Path(module)
    stem = path.stem
    mirrored = sorted(
        str(p)
        for p in [path.with_name(f"test_{stem}.py"), *path.parent.glob(f"test_{stem}_edges.py"),
                  *path.parent.glob("test_selector_refusals.py" if stem == "selector" else "-")]
        if p.exists()
    )  # fmt: skip
    return [
        *([module] if ">>>" in Path(module).read_text() else []),
        *mirrored,
        *TESTS.get(module, []),
    ]


def run(module: str, source: str | None, limit: float, log: str = "/dev/null") -> tuple[str, float]:
    """Whether the tests find this error (survived, killed, timeout), and the seconds it took."""
    start, child = time.monotonic(), os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        os.dup2(1, 2)
        numba.config.DISABLE_JIT = "numba" in Path(module).read_text()  # else from numba's cache
        resource.setrlimit(resource.RLIMIT_AS, (20 << 30, 20 << 30))
        if source is not None:
            _replace(str(Path(module).resolve()), source)
        args = ["-x", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
        args += [
            "-W",
            "ignore:overflow encountered:RuntimeWarning",
            "-W",
            "ignore:invalid value encountered:RuntimeWarning",
            "-W",
            "ignore::pytest.PytestAssertRewriteWarning",
            "-k",
            "not " + " and not ".join(SLOW),
        ]
        try:
            code = int(pytest.main([*args, *tests_of(module)]))
        except BaseException:
            traceback.print_exc()
            code = 99
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        seconds = time.monotonic() - start
        if pid:
            code = os.waitstatus_to_exitcode(status)
            return ("survived" if code == 0 else "killed" if code != 5 else "no tests"), seconds
        if seconds > limit:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "timeout", seconds
        time.sleep(0.02)


def _replace(path: str, source: str) -> None:
    original = machinery.SourceFileLoader.get_code

    def get_code(self, name):
        if self.get_filename(name) == path:
            return compile(source, path, "exec", dont_inherit=True)
        return original(self, name)

    machinery.SourceFileLoader.get_code = get_code
    find_spec = AssertionRewritingHook.find_spec

    def only_tests(self, name, *rest):
        return None if name.split(".")[0] == "bots" else find_spec(self, name, *rest)

    AssertionRewritingHook.find_spec = only_tests


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--modules", nargs="*", default=MODULES)
    parser.add_argument("--part", type=int, nargs=2, default=(0, 1))
    parser.add_argument("--again", help="a file of results: only what survived there")
    parser.add_argument("--out", default="mutants.jsonl")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    sys.dont_write_bytecode = True
    every = [m for module in args.modules for m in mutants(module)]
    if args.list:
        return print(len(every), {x: sum(m.module == x for m in every) for x in args.modules})
    chosen = random.Random(args.seed).sample(every, min(args.sample, len(every)))
    if args.again:
        rows = [json.loads(x) for x in Path(args.again).read_text().splitlines()]
        want = {
            (Path(r["module"]).name, r["before"], r["after"])
            for r in rows
            if r["result"] == "survived"
        }
        chosen = [m for m in every if (Path(m.module).name, m.before, m.after) in want]
        print(
            len(want),
            "wanted",
            len(chosen),
            "found",
            want - {(Path(m.module).name, m.before, m.after) for m in chosen},
        )
    chosen = sorted(
        chosen[args.part[0] :: args.part[1]],
        key=lambda m: (max((i + 1 for i, x in enumerate(LAST) if x in m.module), default=0), m[:4]),
    )
    limits = {}
    done = set()
    if Path(args.out).exists():
        done = {
            (r["module"], r["line"], r["before"], r["after"])
            for r in map(json.loads, Path(args.out).read_text().splitlines())
        }
    with Path(args.out).open("a") as out:
        for mutant in chosen:
            if mutant[:4] in done:
                continue
            if mutant.module not in limits:
                result, seconds = run(mutant.module, None, 600, log="clean.txt")
                print(mutant.module, "clean:", result, f"{seconds:.1f} s", flush=True)
                assert result == "survived", "the tests fail without an error; see clean.txt"
                limits[mutant.module] = _TIMES_SLOWER * seconds + 60
            result, seconds = run(mutant.module, mutant.source, limits[mutant.module])
            row = {**mutant._asdict(), "result": result, "seconds": round(seconds, 2)}
            del row["source"]
            print(json.dumps(row), file=out, flush=True)
            if result == "survived":
                print(
                    f"{mutant.module}:{mutant.line}: {mutant.before}  ->  {mutant.after}",
                    flush=True,
                )


if __name__ == "__main__":
    main()

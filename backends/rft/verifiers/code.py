"""Programs, which tests decide about."""

import ast
import json
import re
import sys
import warnings
from collections.abc import Iterator, Mapping

from backends.rft.verifiers._jail import fair
from backends.rft.verifiers.base import AbstractVerifier
from backends.rft.verifiers.confinement import Limits
from backends.rft.verifiers.sandbox import Sandbox

_PYTHON = ("python", "python3", "py")
_FENCE = "```"
_IMPORT = re.compile(r"^\s*(?:import|from)\s+(\w+)", re.MULTILINE)
_FORMATS = (
    'it must be JSON text of `{"inputs": [...], "outputs": [...]}`, texts for standard input and '
    'output, or `{"functional": "assert ..."}`, with or without a `"prefix"`'
)


class CodeVerifier(AbstractVerifier):
    r"""1.0 when the program in a completion passes every test of the answer, else 0.0.

    The program is the last closed block fenced as Python, or else the last fenced without a
    language. It is run in a sandbox (see `sandbox.protections` for what holds it on this machine)
    and finds the standard library alone.

    Answers are JSON texts, as GURU's `ground_truth`, of two kinds:

    - `{"inputs": [...], "outputs": [...]}`: for every input the program must end with status 0 and
      print the output. White space at the ends of lines and blank lines at the end are ignored.
      The outputs never reach the program's process, so that they cannot be found there.
    - `{"functional": "..."}`: test code, which must run to its end after the program, in its
      namespace. `{"prefix": "..."}` beside it is run before the program: imports and classes that a
      task presupposes, which GURU keeps in `extra_info.prefix`.

    The reference (Reasoning360, `reward_score/coder1`) also takes numbers within 1e-6 and `yes` for
    `YES` as equal, joins all fenced blocks, and runs functional tests with the builtin names as the
    program leaves them: there, defining `zip` switches tests off. Here, tests see the genuine
    builtin names, and an object with comparisons of its own never equals plain data.

    A program that fails, hangs or exceeds a limit is wrong; so is one that ends before the tests
    do. What remains: test code shares an interpreter with the program. One written against this
    very sandbox can find its descriptors and send the nonce that proves completion, or alter the
    tests' frames. Answers by input and output have no such gap: prefer them.

    Args:
        limits: what a program may use.

    Example:
        >>> verifier = CodeVerifier()
        >>> completion = "```python\nprint(int(input()) + 1)\n```"
        >>> verifier.score(completion, '{"inputs": ["1\\n"], "outputs": ["2\\n"]}')
        1.0
        >>> verifier.score(completion, '{"functional": "assert False"}')
        0.0
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._sandbox = Sandbox(limits)

    def check(self, answer: str) -> None:
        """Any answer of the two kinds; test code must be Python that imports no packages."""
        tests = _parsed(answer)
        for name in tests.keys() & {"functional", "prefix"}:
            source = str(tests[name])
            try:
                with warnings.catch_warnings(action="ignore"):
                    fair.compiled(source, ("compared", "genuine"))
                    imported = set(_imported(ast.parse(source)))
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                raise _refusal(answer, f"its `{name}` is no Python: {error}") from None
            if foreign := sorted(imported - sys.stdlib_module_names):
                raise _refusal(
                    answer,
                    f"its `{name}` imports {', '.join(foreign)}, but there is the standard library "
                    "alone: leave the task out",
                )

    def score(self, completion: str, answer: str) -> float:
        """1.0 or 0.0."""
        program = _program(completion)
        if not program.strip() or not _is_text(program):
            return 0.0
        tests = _parsed(answer)
        if "functional" in tests:
            return float(
                self._passes(program, str(tests["functional"]), str(tests.get("prefix", "")))
            )
        inputs, outputs = tests["inputs"], tests["outputs"]
        assert isinstance(inputs, list)
        assert isinstance(outputs, list)
        printed = self._sandbox.outputs(program, inputs)
        if len(printed) < len(outputs):
            return 0.0
        return float(
            all(_lines(a) == _lines(b.encode()) for a, b in zip(printed, outputs, strict=True))
        )

    def close(self) -> None:
        """Nothing to end."""

    def _passes(self, program: str, tests: str, prefix: str) -> bool:
        imported = _IMPORT.findall(tests)
        modules = [name for name in dict.fromkeys(imported) if name in sys.stdlib_module_names]
        return self._sandbox.passes(program, tests, prefix, modules)


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or ".").split(".")[0]


def _program(completion: str) -> str:
    """The last closed block that is fenced as Python, or else without a language."""
    found: dict[bool, str] = {}
    language, block = None, list[str]()
    for line in completion.split("\n"):
        mark = line.strip()
        if language is None and mark.startswith(_FENCE):
            language, block = mark[len(_FENCE) :].strip().lower(), []
        elif language is not None and mark == _FENCE:
            if language in (*_PYTHON, ""):
                found[language != ""] = "\n".join(block)
            language = None
        else:
            block.append(line)
    return found.get(True, found.get(False, ""))


def _parsed(answer: str) -> Mapping[str, object]:
    try:
        tests = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise _refusal(answer, str(error)) from None
    if not isinstance(tests, dict):
        raise _refusal(answer, f"it is of type {type(tests).__name__}")
    if set(tests) == {"inputs", "outputs"}:
        _check_pairs(answer, tests["inputs"], tests["outputs"])
    elif "functional" not in tests or not set(tests) <= {"functional", "prefix"}:
        raise _refusal(answer, f"its keys are {sorted(tests)}")
    elif not all(isinstance(text, str) and _is_text(text) for text in tests.values()):
        raise _refusal(answer, "test code and prefix must be texts")
    elif not tests["functional"].strip():
        raise _refusal(answer, "its test code is blank")
    return tests


def _check_pairs(answer: str, inputs: object, outputs: object) -> None:
    for name, texts in (("inputs", inputs), ("outputs", outputs)):
        if not isinstance(texts, list) or not texts:
            raise _refusal(answer, f"`{name}` must be a list of at least one text")
        for text in texts:
            if not isinstance(text, str) or not _is_text(text):
                raise _refusal(answer, f"`{name}` holds {_short(repr(text))}, which is no text")
    assert isinstance(inputs, list)
    assert isinstance(outputs, list)
    if len(inputs) != len(outputs):
        raise _refusal(answer, f"it has {len(inputs)} inputs and {len(outputs)} outputs")


def _is_text(text: str) -> bool:
    """Whether no half of a surrogate pair stands alone."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _lines(text: bytes) -> list[bytes]:
    return [line.rstrip() for line in text.rstrip().split(b"\n")]


def _refusal(answer: str, reason: str) -> ValueError:
    return ValueError(
        f"`code` cannot test with the answer {_short(repr(answer))}: {reason}; {_FORMATS}"
    )


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."

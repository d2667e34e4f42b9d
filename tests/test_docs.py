"""The code, the commands and the links of README and docs hold."""

import argparse
import importlib
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.markdown import code, commands, mentioned, read
from tests.test_layout import ROOT
from tests.test_prose import PAGES, name

ALL = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
PROJECT = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]
RUN = {"python -m bench list", "python -m simulator list"}  # quick, and they need no files
COST = re.compile(r"\b(?:seconds?|minutes?|hours?)\b|\d ?(?:s|min|h)\b")
FREE = {"cd", ".", "source", "export", "git"}  # commands that take no time and need nothing


class Parsed(BaseException):
    """The arguments were understood."""


def program(words: list[str]) -> tuple[str, list[str]] | None:
    """`module:function` and arguments of one of our own commands; None for any other."""
    words = [word for word in words if not re.fullmatch(r"[A-Z_]+=\S*", word)]
    if Path(words[0]).name in PROJECT["scripts"]:
        return PROJECT["scripts"][Path(words[0]).name], words[1:]
    if Path(words[0]).name.startswith("python") and words[1:2] == ["-m"] and len(words) > 2:
        module = words[2]
        if module.split(".")[0] in ("bots", "simulator", "backends", "bench"):
            package = (ROOT / Path(*module.split("."))).is_dir()
            return f"{module}.__main__:main" if package else f"{module}:main", words[3:]
    return None


def understand(main: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Hands the arguments to the command's own parser, and does nothing with the outcome."""
    parse = argparse.ArgumentParser.parse_args

    def stop(self: argparse.ArgumentParser, *given: Any, **named: Any) -> None:
        parse(self, *given, **named)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
    module, function = main.split(":")
    try:
        getattr(importlib.import_module(module), function)(arguments)
    except Parsed:
        return
    except SystemExit as ended:
        if ended.code == 0:  # --help, --version
            return
    pytest.fail(f"{main} does not understand {arguments}")


def split(command: str) -> list[str]:
    return shlex.split(re.split(r"\s+[|>]|;\s", command)[0], comments=True)


def comment(command: str) -> str:
    return command.partition(" #")[2]


def target_exists(words: list[str]) -> bool:
    rules = re.findall(r"^([\w./%-]+):", read(ROOT / "Makefile"), flags=re.MULTILINE)
    targets = [word for word in words[1:] if "=" not in word and not word.startswith("-")]
    patterns = [re.escape(rule).replace("%", ".+") for rule in rules]
    return all(any(re.fullmatch(p, target) for p in patterns) for target in targets)


def extras_exist(words: list[str]) -> bool:
    named = re.findall(r"\[([\w,-]+)\]", " ".join(words)) if "." in " ".join(words) else []
    wanted = {extra for group in named for extra in group.split(",")}
    return wanted <= set(PROJECT["optional-dependencies"])


def unpriced(command: str) -> bool:
    """Whether a command is neither run by a test nor free, and does not say its minutes."""
    words = split(command)
    return not (" ".join(words) in RUN or words[0] in FREE or COST.search(comment(command)))


@pytest.mark.integration
@pytest.mark.parametrize(
    "page", [page for page in ALL if code(read(page), "python")], ids=lambda page: page.name
)
def test_the_code_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for block in code(read(page), "python"):
        exec(compile(block, page.name, "exec"), names)


@pytest.mark.integration
def test_the_strategies_of_the_tutorial_take_part(tmp_path):
    page = ROOT / "docs" / "your-own-strategy.md"
    (tmp_path / "my_strategy.py").write_text("\n".join(code(read(page), "python")))
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


@pytest.mark.parametrize("page", ALL, ids=name)
def test_every_command_that_a_page_names_is_understood(page, monkeypatch):
    text = read(page)
    for command in [*commands(text), *mentioned(text)]:
        words = split(command)
        own = program(words)
        if own and own[1] and "..." not in command:
            named_alone = len(own[1]) == 1 and command not in commands(text)
            understand(own[0], [*own[1], *(["--help"] if named_alone else [])], monkeypatch)
        elif words[0] == "make":
            assert target_exists(words), command
        elif words[0] == "pip":
            assert extras_exist(words), command


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_other_command_says_its_minutes_and_what_it_needs(page):
    assert not [command for command in commands(read(page)) if unpriced(command)]


@pytest.mark.integration
@pytest.mark.parametrize("command", sorted(RUN))
def test_a_quick_command_runs(command, tmp_path):
    done = subprocess.run(
        [sys.executable, *command.split()[1:]],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("package", ["bots", "bots.live", "simulator", "backends"])
def test_every_public_class_and_function_is_in_the_reference(package):
    pages = "\n".join(read(page) for page in sorted((ROOT / "docs" / "api").glob("*.md")))
    documented = {path.split(".")[-1] for path in re.findall(r"^::: (\S+)", pages, re.MULTILINE)}
    public = {name for name in importlib.import_module(package).__all__ if not name.isupper()}
    assert public <= documented


def tracked() -> set[Path] | None:
    """What a clone would hold; None outside a checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        return None
    return {ROOT / name for name in listed.stdout.split("\0") if name}


@pytest.mark.parametrize("page", ALL, ids=name)
def test_links_and_pictures_of_a_page_exist_in_a_clone(page):
    files = tracked()
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", read(page)):
        path = (page.parent / target).resolve()
        if "://" not in target:
            assert path.exists(), target
            assert files is None or path in files, f"{target} is not under version control"
            inside = page.parent == ROOT or path.is_relative_to(ROOT / "docs")
            assert inside, f"{target} is no page of the documentation site"


# The checker itself.


@pytest.mark.parametrize(
    "command", ["make demo", "pip install numpy  # once", "ray start --head", "python x.py"]
)
def test_a_command_without_its_price_is_found(command):
    assert unpriced(command)


@pytest.mark.parametrize(
    "command",
    [
        "make real   # 40 minutes; torch",
        "python -m bench run core   # 7 minutes",
        "python -m bench list",
        ". .venv/bin/activate",
        "pip install numpy  # a minute; network",
    ],
)
def test_a_command_with_its_price_or_that_is_run_is_none(command):
    assert not unpriced(command)


@pytest.mark.parametrize(
    "command",
    [
        "python -m bench run no-such-suite",
        "bots-bench run core --no-such-option",
        "python -m bots inspect",
        "python -m simulator fit",
    ],
)
def test_a_command_that_its_parser_refuses_is_found(command, monkeypatch, capsys):
    with pytest.raises(pytest.fail.Exception, match="does not understand"):
        understand(*program(split(command)), monkeypatch)


def test_a_target_or_an_extra_that_does_not_exist_is_found():
    assert target_exists(["make", "demo", "OUT=x"])
    assert not target_exists(["make", "no-such-target"])
    assert extras_exist(["pip", "install", "-e", ".[ray]"])
    assert not extras_exist(["pip", "install", "-e", ".[no-such-extra]"])

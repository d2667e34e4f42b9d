"""Every command line explains itself: its commands, their options, examples, mistakes."""

import argparse
import shlex
import subprocess
import sys

import pytest

import backends.rft.__main__ as rft
import bench.__main__ as bench
import bots.__main__ as bots
import simulator.__main__ as simulator
from bench.commands import manual
from bots import __version__
from bots.command_line import explained
from tests.test_layout import ROOT

PROGRAMS = {program.PROG: program for program in (bench, bots, simulator, rft)}
PARSERS = {name: program.parser() for name, program in PROGRAMS.items()}
COMMANDS = {
    own.prog: (parser, command, own)
    for parser in PARSERS.values()
    for command, own in parser.commands.values()
}
OPTIONS = {
    f"{name} {option.option_strings[-1] if option.option_strings else option.metavar}": option
    for name, (_, _, own) in COMMANDS.items()
    for option in own._actions
    if option.dest != "help"
}
# Runs without torch and transformers, whatever is installed.
WITHOUT_TORCH = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "transformers"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
from backends.rft.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def without_torch(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.integration
@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_has_words_and_a_metavar(name):
    option = OPTIONS[name]
    assert option.help
    assert len(option.help.split()) >= 2 or option.default is not None
    if option.nargs != 0:
        assert option.metavar is not None


@pytest.mark.integration
@pytest.mark.parametrize("name", OPTIONS)
def test_every_value_has_a_default_that_is_named_or_is_required(name):
    option = OPTIONS[name]
    text = explained(option)
    switch = option.nargs == 0 and not isinstance(option, argparse.BooleanOptionalAction)
    if option.option_strings and not switch:
        assert "(default: " in text or text.endswith("(required)"), text
    for choice in option.choices or ():
        assert str(choice) in text


@pytest.mark.parametrize("name", COMMANDS)
def test_the_examples_of_a_command_are_shown_and_understood(name):
    parser, command, own = COMMANDS[name]
    assert command.examples
    for example in command.examples:
        assert f"{parser.prog} {example}" in own.format_help()
        assert shlex.split(example)[0] == command.name
        assert parser.parse_args(shlex.split(example)).command is command.run


@pytest.mark.parametrize("name", COMMANDS)
def test_usage_is_one_line(name):
    usage = COMMANDS[name][2].format_usage()
    assert usage.count("\n") == 1
    assert len(usage) < 110


@pytest.mark.parametrize("name", PROGRAMS)
def test_without_a_command_the_help_is_printed(name, capsys):
    assert PROGRAMS[name].main([]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    for command in PARSERS[name].commands:
        assert f"\n  {command} " in printed.out


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_version_is_printed(name, capsys):
    with pytest.raises(SystemExit) as ended:
        PROGRAMS[name].main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"bots-rft {__version__}: ")


MISTAKES = {
    "rn smoke": "there is no command 'rn': do you mean run?",
    "run smok": "argument SUITE: there is no suite 'smok': do you mean smoke? "
    "`python -m bench list suites` shows all",
    "run smoke --seads 3": "there is no option '--seads': do you mean --seeds?",
    "run smoke --seeds two": "argument --seeds: two is not a whole number of at least 1",
    "run smoke --heldout-share 2": "argument --heldout-share: 2 is not a number from 0 to 1",
    "run real-tiny --algorithm gpro": "argument --algorithm: there is no algorithm 'gpro': do you "
    "mean grpo? choose one of grpo, drgrpo, rloo, dapo, maxrl",
    "run real --engine sglang": "argument --engine: there is no engine 'sglang'; choose one of "
    "local, ray, auto, vllm, transformers",
    "run real --horizon 0.5": "argument --horizon: 0.5 is not a number of at least 1",
    "run real --evaluate-every 0": "argument --evaluate-every: 0 is not a whole number of at least "
    "1",
    "run smoke again": "'again' is one argument too many: leave it out",
    "list stratgies": "there is no section 'stratgies': do you mean strategies?",
    "perf --sizes many": "argument --sizes: many must be whole numbers of tasks, as in 1e4,1e6",
    "run": "the following arguments are required: SUITE",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_is_answered_in_two_lines(words, capsys):
    with pytest.raises(SystemExit) as ended:
        bench.main(shlex.split(words))
    assert ended.value.code == 2
    told = capsys.readouterr()
    assert told.out == ""
    error, hint = told.err.splitlines()
    assert error == f"error: {MISTAKES[words]}"
    assert hint in (
        "see `python -m bench --help`",
        f"see `python -m bench {words.split()[0]} --help`",
    )


UNKNOWN = {
    "run smoke --strategy bot": "there is no strategy 'bot': do you mean bots? "
    "`python -m bench list strategies` shows all",
    "run smoke --strategy qqq": "there is no strategy 'qqq'; `python -m bench list strategies`",
    "run smoke --strategy bots:implict_weight=0.2": "there is no option 'implict_weight': do you "
    "mean implicit_weight?",
    "run smoke --scenario bse": "there is no scenario 'bse': do you mean base?",
    "run smoke --scenario base@step": "there is no variant 'step': do you mean steep?",
    "report none": "none",
}


@pytest.mark.parametrize("words", UNKNOWN)
def test_a_misspelt_name_is_answered_with_the_nearest(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert bench.main(shlex.split(words)) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert UNKNOWN[words] in told
    assert "[Errno" not in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("spelling", ["drgrpo", "dr-grpo", "dr_grpo"])
def test_both_spellings_of_dr_grpo_are_understood(spelling):
    from backends.rft.config import TrainConfig
    from bench.scenario_choice import choose
    from simulator import SCENARIOS

    options = PARSERS[bench.PROG].parse_args(["run", "real-tiny", "--algorithm", spelling])
    assert options.algorithm == TrainConfig(algorithm=spelling).algorithm == "drgrpo"
    (scenario,) = choose([f"base@{spelling}"], SCENARIOS)
    assert (scenario.name, scenario.law.gain) == ("base@drgrpo", "drgrpo")


@pytest.mark.parametrize("section", ["strategies", "suites", "scenarios", "variants"])
def test_one_section_of_the_list_can_be_asked_for(section, capsys):
    assert bench.main(["list", section]) == 0
    part = capsys.readouterr().out
    assert bench.main(["list"]) == 0
    whole = capsys.readouterr().out
    assert part in whole
    titles = [line for line in part.splitlines() if not line.startswith("  ")]
    assert all(title.startswith(section) for title in titles)


@pytest.mark.integration
@pytest.mark.parametrize("words", [(), ("make-model",), ("references",)])
def test_help_of_real_runs_needs_no_torch(words):
    done = without_torch(*words, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "usage: python -m backends.rft" in done.stdout


@pytest.mark.integration
def test_a_real_run_without_torch_says_how_to_install_it(tmp_path):
    done = without_torch("make-model", "--out", str(tmp_path / "m"))
    assert (done.returncode, done.stdout) == (2, "")
    expected = "error: this needs torch: `make .venv/rft`, or `pip install -e '.[rft]'`\n"
    assert done.stderr == expected


def test_the_page_of_the_documentation_is_up_to_date():
    assert (ROOT / manual.PAGE).read_text() == manual.page(), f"run `{manual.COMMAND}`"

"""From cells to pages, and the command line."""

import json
import re

import numpy as np
import pytest

from bench import paper
from bench.__main__ import main
from bench.report import write_report
from bench.runner import run_cells
from bench.store import Store
from bench.summary import standings, summarize
from bench.tables import Table, setting_tables
from tests.bench.helpers import tiny_plans

STRATEGIES = ["shuffle", "bots", "dapo", "mopps", "oracle-gain"]


@pytest.fixture(scope="module", name="folder")
def folder_fixture(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    store = Store(folder)
    run_cells(tiny_plans([*STRATEGIES, "tests.bench.helpers:failing"], seeds=3), store, workers=2)
    return folder


@pytest.fixture(scope="module", name="rows")
def rows_fixture(folder):
    return {row.strategy: row for row in summarize(Store(folder).load())}


def test_the_reference_is_its_own_measure(rows):
    figures = rows["shuffle"].figures
    assert figures["difference"].value == 0
    assert figures["win"].value == 0.5
    for name in ("ttb50_steps", "ttb100_rollouts", "bsf25_steps", "bsf100_rollouts"):
        assert figures[name].value == 1


def test_rows_hold_every_figure_with_an_interval_around_it(rows):
    for row in rows.values():
        assert row.seeds == 3
        for name, estimate in row.figures.items():
            if np.isfinite(estimate.value):
                assert estimate.low <= estimate.value <= estimate.high, name


def test_oversampling_is_faster_per_step_than_per_rollout(rows):
    figures = rows["dapo"].figures
    assert figures["ttb50_rollouts"].value > figures["ttb50_steps"].value
    assert figures["rollouts"].value > rows["bots"].figures["rollouts"].value


def test_shares_of_groups_add_up(rows):
    for row in rows.values():
        shares = [row.figures[name].value for name in ("etr", "all_wrong", "all_right")]
        assert sum(shares) == pytest.approx(1)


def test_the_gain_oracle_scores_one_and_the_reference_zero(rows):
    table = {standing.strategy: standing for standing in standings(list(rows.values()))}
    assert table["shuffle"].score.value == 0
    assert table["oracle-gain"].score.value == pytest.approx(1, abs=0.1)


def test_strategies_without_beliefs_have_no_belief_scores(rows):
    assert np.isnan(rows["shuffle"].figures["auc"].value)
    assert 0.5 < rows["bots"].figures["auc"].value < 1
    beliefs = setting_tables(list(rows.values()))[-1]
    assert "shuffle" not in {line[0] for line in beliefs.rows}


def test_the_page_is_self_contained_and_names_its_command(folder):
    report = write_report(folder)
    content = report.page.read_text()
    assert len(re.findall(r'src="data:image/png;base64,', content)) == 5
    assert not re.findall(r'(?:src|href)="(?!data:)', content)
    assert content.count("<figcaption>") == 5
    assert "python -m bench report" in content
    for strategy in STRATEGIES:
        assert f"<td>{strategy}</td>" in content
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", report.text.read_text()):
        assert (folder / picture).stat().st_size > 5000


def test_failed_cells_are_shown(folder):
    report = write_report(folder)
    for path in (report.page, report.text):
        assert "3 CELLS FAILED" in path.read_text()
        assert "this factory always fails" in path.read_text()


def test_strategies_and_errors_cannot_inject_markup():
    table = Table("t", ("strategy",), (("<script>alert(1)</script>",),))
    assert "<script>" not in table.html()
    assert "<script>" not in table.markdown()


def test_a_pipe_in_a_cell_does_not_break_a_markdown_table():
    table = Table("t", ("a|b", "c"), (("x|y", "z"),))
    assert table.markdown().splitlines()[2] == "| x\\|y | z |"


def test_an_empty_folder_says_what_to_do(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 2
    assert "python -m bench run" in capsys.readouterr().err


def test_runs_without_the_reference_are_shown_without_comparison(tmp_path):
    run_cells(tiny_plans(["bots"], 1), Store(tmp_path), workers=1)
    assert "No run of shuffle" in write_report(tmp_path).page.read_text()


def test_run_and_report_from_the_command_line(tmp_path, capsys):
    arguments = ["run", "smoke", "--out", str(tmp_path), "--seeds", "1", "--steps", "5"]
    arguments += ["--num-tasks", "300", "--batch-size", "8", "--group-size", "4"]
    arguments += ["--scenario", "base", "--strategy", "bots"]
    assert main(arguments) == 0
    assert "2 cells run" in capsys.readouterr().out
    assert main(arguments) == 0
    assert "0 cells run, 2 already there" in capsys.readouterr().out
    (command,) = json.loads((tmp_path / "commands.json").read_text())
    assert command.startswith("python -m bench run smoke")
    assert str(tmp_path.parent) not in command
    assert main(["report", str(tmp_path)]) == 0
    assert "report.html" in capsys.readouterr().out
    assert (tmp_path / "report.html").exists()


def test_failures_show_in_the_exit_status_and_on_the_terminal(tmp_path, capsys):
    arguments = ["run", "smoke", "--out", str(tmp_path), "--seeds", "1", "--steps", "2"]
    arguments += ["--scenario", "base", "--strategy", "tests.bench.helpers:failing"]
    assert main(arguments) == 1
    assert "this factory always fails" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--strategy", "nonsense"], "no strategy"),
        (["--pool", "nowhere.csv"], "cannot be read"),
        (["--pool", "nowhere.csv", "--num-tasks", "5"], "does not go with"),
        (["--batch-size", "99999"], "batch_size"),
    ],
)
def test_bad_input_ends_before_anything_runs(tmp_path, capsys, arguments, says):
    assert main(["run", "smoke", "--out", str(tmp_path), *arguments]) == 2
    assert says in capsys.readouterr().err
    assert not list(tmp_path.glob("*.parquet"))


def test_the_roster_is_listed(capsys):
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    for name in ("smoke", "core", "paper", "guru15", "ushape60", "bots-dots", "oracle-gain"):
        assert f"  {name} " in listed


def test_the_published_table_is_set_beside_the_replica(tmp_path):
    arguments = ["run", "paper", "--out", str(tmp_path), "--seeds", "2", "--steps", "12"]
    arguments += ["--num-tasks", "600", "--batch-size", "16"]
    for name in ("easy-to-hard", "bots-explicit", "bots", "bots:implicit_weight=0.05"):
        arguments += ["--strategy", name]
    assert main(arguments) == 0
    rows = summarize(Store(tmp_path).load())
    table = paper.comparison(rows)
    assert [line[0] for line in table.rows][:2] == [
        "easy-to-hard (offline easy to hard)",
        "bots-explicit (ρ = 0)",
    ]
    assert any("0.72" in cell for cell in table.rows[3])
    correlation, count = paper.rank_correlation(rows, "TTB 50 %")
    assert count == 4
    assert -1 <= correlation <= 1


def test_perf_prints_ratios(capsys):
    assert main(["perf", "--num-tasks", "2000", "--rounds", "3"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"plain NumPy: select \+ update \| [\d.]+ \| 1\.00", printed)
    assert "bots: whole simulated step" in printed

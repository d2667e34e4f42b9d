"""From cells to pages, and the command line."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from bench import drawing, paper
from bench.__main__ import main
from bench.report import write_report
from bench.runner import run_cells
from bench.settings import scenario_setting
from bench.stats import Estimate
from bench.store import Store
from bench.summary import standings, summarize
from bench.tables import Table, setting_tables, standings_table
from simulator import SCENARIOS
from tests.bench.helpers import synthetic_cells, tiny_plans

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


@pytest.mark.integration
def test_the_reference_is_its_own_measure(rows):
    figures = rows["shuffle"].figures
    assert figures["difference"].value == 0
    assert figures["win"].value == 0.5
    for name in ("ttb50_steps", "ttb100_rollouts", "bsf25_steps", "bsf100_rollouts"):
        assert figures[name].value == 1


@pytest.mark.integration
def test_rows_hold_every_figure_with_an_interval_around_it(rows):
    for row in rows.values():
        assert row.seeds == (0, 1, 2)
        for name, estimate in row.figures.items():
            if np.isfinite(estimate.value):
                assert estimate.low <= estimate.value <= estimate.high, name


def test_oversampling_is_faster_per_step_than_per_rollout(rows):
    figures = rows["dapo"].figures
    assert figures["ttb50_rollouts"].value > figures["ttb50_steps"].value
    assert figures["trained_share"].value < 1 == rows["bots"].figures["trained_share"].value


def test_group_figures_count_only_what_the_budget_pays_for(rows):
    for row in rows.values():
        assert (row.values["distinct_tasks"] * row.values["most_visits"] <= 12 * 16 * 12).all()
        assert (row.values["distinct_tasks"] <= 12 * 16).all()


def test_targets_are_cut_off_at_the_same_multiple_of_the_budget(rows):
    for row in rows.values():
        for name, values in row.values.items():
            if name.startswith("ttb"):
                assert (np.isinf(values) | (values * 12 <= 1.5 * 12 * 12)).all()
    assert np.isinf(rows["dapo"].values["ttb100_rollouts"]).any()


def test_shares_of_groups_add_up(rows):
    for row in rows.values():
        shares = [row.figures[name].value for name in ("etr", "all_wrong", "all_right")]
        assert sum(shares) == pytest.approx(1)


def test_the_gain_oracle_scores_one_and_the_reference_zero(rows):
    table = {standing.strategy: standing for standing in standings(list(rows.values()))}
    assert table["shuffle"].score.value == 0
    unit = table["oracle-gain"].score
    assert (unit.low, unit.value, unit.high) == (1, 1, 1)


def test_strategies_on_fewer_settings_are_shown_as_such(rows):
    other = replace(rows["bots"], setting="elsewhere")
    reference = replace(rows["shuffle"], setting="elsewhere")
    table = standings([*rows.values(), other, reference])
    shown = {line[0]: line[3] for line in standings_table(table).rows}
    assert shown["bots"] == "2"
    assert shown["mopps"] == "only 1 of 2"


def test_cells_that_cannot_be_compared_are_not(folder):
    results = Store(folder).load()
    odd = replace(results[0], config=results[0].config | {"steps": 99})
    with pytest.raises(ValueError, match="different configurations"):
        summarize([odd, *results[1:]])


def test_strategies_without_beliefs_have_no_belief_scores(rows):
    assert np.isnan(rows["shuffle"].figures["auc"].value)
    assert 0.5 < rows["bots"].figures["auc"].value < 1
    beliefs = setting_tables(list(rows.values()))[-1]
    assert beliefs.title.startswith("Predicted")
    assert "shuffle" not in {line[0] for line in beliefs.rows}


@pytest.mark.integration
def test_the_page_is_self_contained_and_names_its_command(folder):
    report = write_report(folder)
    content = report.page.read_text()
    assert len(re.findall(r'src="data:image/png;base64,', content)) == 7
    assert not re.findall(r'(?:src|href)="(?!data:)', content)
    assert content.count("<figcaption>") == 7
    assert "python -m bench report" in content
    for strategy in STRATEGIES:
        assert f"<td>{strategy}</td>" in content
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", report.text.read_text()):
        assert (folder / picture).stat().st_size > 5000


@pytest.mark.integration
def test_failed_cells_are_shown(folder):
    report = write_report(folder)
    for path in (report.page, report.text):
        assert "3 CELLS FAILED" in path.read_text()
        assert "this selector always fails" in path.read_text()


def test_strategies_and_errors_cannot_inject_markup():
    table = Table("t", ("strategy",), (("<script>alert(1)</script>",),))
    assert "<script>" not in table.html()
    assert "<script>" not in table.markdown()


def test_a_pipe_in_a_cell_does_not_break_a_markdown_table():
    table = Table("t", ("a|b", "c"), (("x|y", "z"),))
    assert table.markdown().splitlines()[2] == "| x\\|y | z |"


def test_rows_and_columns_can_change_places():
    table = Table("t", ("", "a", "b"), (("x", "1", "2"), ("y", "3", "4")))
    assert table.transposed() == Table("t", ("", "x", "y"), (("a", "1", "3"), ("b", "2", "4")))
    assert table.transposed().transposed() == table


@pytest.mark.integration
def test_one_seed_has_no_interval(tmp_path):
    run_cells(tiny_plans(["shuffle", "bots", "oracle-gain"], 1), Store(tmp_path), workers=1)
    row = next(row for row in summarize(Store(tmp_path).load()) if row.strategy == "bots")
    assert not row.differs
    tables = setting_tables([row])
    gain = dict(zip(tables[0].headings, tables[0].rows[0], strict=True))["gain over shuffle"]
    assert re.fullmatch(r"≈ [+-][\d.]+", gain)


@pytest.mark.integration
def test_the_first_run_after_a_damaged_command_file_says_what_to_do(folder, tmp_path, capsys):
    run_cells(tiny_plans(["shuffle"], 1), Store(tmp_path), workers=1)
    (tmp_path / "commands.json").write_text("[")
    assert main(["report", str(tmp_path)]) == 2
    assert "commands.json is damaged" in capsys.readouterr().err


def test_labels_keep_their_order_and_distance_and_stay_near():
    ends = [0.0, 0.01, 0.02, 0.5, 0.51, 1.0]
    places = drawing.spread(ends, 0.1)
    assert (np.diff(places) >= 0.1 - 1e-12).all()
    assert np.allclose(places, [-0.09, 0.01, 0.11, 0.455, 0.555, 1.0])
    assert drawing.spread([1.0, 2.0], 0.1) == [1.0, 2.0]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("bots:thompson=False", "bots:thompson=False"),
        ("my_pkg.mod:Sticky:bonus=2", "Sticky:bonus=2"),
        ("a_very_long_name_of_a_strategy_indeed", "a_very_long_name_of_a_s…"),
    ],
)
def test_labels_of_strategies_are_short(name, label):
    assert drawing.short(name) == label


def test_an_empty_folder_says_what_to_do(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 2
    assert "python -m bench run" in capsys.readouterr().err


@pytest.mark.integration
def test_runs_without_the_reference_are_shown_without_comparison(tmp_path):
    run_cells(tiny_plans(["bots"], 1), Store(tmp_path), workers=1)
    assert "No run of shuffle" in write_report(tmp_path).page.read_text()


@pytest.mark.integration
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


@pytest.mark.integration
def test_failures_show_in_the_exit_status_and_on_the_terminal(tmp_path, capsys):
    arguments = ["run", "smoke", "--out", str(tmp_path), "--seeds", "1", "--steps", "2"]
    arguments += ["--scenario", "base", "--strategy", "tests.bench.helpers:failing"]
    assert main(arguments) == 1
    assert "this selector always fails" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--strategy", "nonsense"], "no strategy"),
        (["--pool", "nowhere.csv"], "cannot be read"),
        (["--pool", "nowhere.csv", "--num-tasks", "5"], "does not go with"),
        (["--batch-size", "99999"], "batch_size"),
        (["--strategy", "bots:rho=1"], "no option"),
        (["--strategy", "tests.bench.helpers:broken_factory"], "this factory cannot build"),
        (["--pool", "nowhere.csv", "--scenario", "base"], "does not go with --pool"),
        (["--missing", "drop"], "--missing goes with --pool"),
        (["--scenario", "bsae"], "do you mean base"),
        (["--scenario", "base@stepe"], "do you mean steep"),
        (["--scenario", "no_refs", "--strategy", "bots"], "implicit_weight"),
    ],
)
def test_bad_input_ends_before_anything_runs(tmp_path, capsys, arguments, says):
    assert main(["run", "smoke", "--out", str(tmp_path), *arguments]) == 2
    assert says in capsys.readouterr().err
    assert not list(tmp_path.glob("*.parquet"))


def test_the_roster_is_listed(capsys):
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    names = ("smoke", "core", "paper", "learner", "guru15", "ushape60", "bots-dots", "oracle-gain")
    for name in (*names, "noise", "maxrl", "steep"):
        assert f"  {name} " in listed
    assert "[noise, rewards] A reward is" in listed


def test_the_published_table_is_set_beside_the_replica(rows):
    mine = [
        replace(rows["bots"], setting="guru15", strategy=name)
        for name in [*paper.PUBLISHED, "oracle-gain"]
    ]
    table = paper.comparison(mine)
    assert [line[0] for line in table.rows][:2] == [
        "easy-to-hard (offline easy to hard)",
        "bots-mopps (BOTS-MoPPS (λ = ρ = 0))",
    ]
    assert table.rows[5][2].startswith("0.72")
    assert paper.comparison(mine[:5]) is None


def test_agreement_with_the_paper_is_measured(rows):
    def shuffled(order):
        values = [published.ttb50 for published in paper.PUBLISHED.values()]
        return [
            replace(
                rows["bots"],
                strategy=name,
                figures=rows["bots"].figures | {"ttb50_steps": Estimate(values[k], 0, 9)},
            )
            for name, k in zip(paper.PUBLISHED, order, strict=True)
        ]

    perfect = paper.rank_correlation(shuffled(range(9)), "TTB 50 %")
    assert perfect[:2] == (pytest.approx(1), 9)
    assert perfect[2] < 0.01
    rising = np.argsort([published.ttb50 for published in paper.PUBLISHED.values()])
    order = np.empty(9, dtype=int)
    order[rising] = rising[::-1]
    reverse = paper.rank_correlation(shuffled(order), "TTB 50 %")
    assert reverse[0] < -0.9
    assert reverse[2] > 0.9


def test_only_the_full_replica_is_compared_with_the_paper(folder):
    (result, *_) = Store(folder).load()
    setting = scenario_setting(SCENARIOS["guru15"])
    config = result.config | {"steps": 200, "batch_size": 128, "group_size": 16}
    config |= json.loads(json.dumps(setting.description))
    assert not paper.is_replica(result)
    assert paper.is_replica(replace(result, config=config))
    smaller = config["scenario"] | {"num_tasks": 500}
    assert not paper.is_replica(replace(result, config=config | {"scenario": smaller}))


LAWS = {"": 0.35, "@maxrl": 0.28, "@steep": 0.27}


def many_settings(names=("base", "gap", "jump")):
    ends = {
        f"{name}{law}": {"shuffle": 0.3, "bots": end, "mopps": 0.31, "oracle-gain": 0.4}
        for name in names
        for law, end in LAWS.items()
    }
    return synthetic_cells(ends, seeds=3)


@pytest.fixture(scope="module", name="wide")
def wide_fixture(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wide")
    for result in many_settings():
        Store(folder).save(result)
    return write_report(folder)


@pytest.mark.integration
def test_many_settings_get_one_grid_and_compact_tables(wide):
    page, text = wide.page.read_text(), wide.text.read_text()
    assert len(re.findall(r'src="data:image/png;base64,', page)) == 1
    assert "](figures/gains.png)" in text
    assert "Time to best" not in text
    assert "What was rolled out" not in text
    assert "| bots > shuffle | 3 / 0 / 0 | 0 / 3 / 0 | 0 / 3 / 0 |" in text
    assert "| base | bots > shuffle | default (+5.00) | maxrl (-2.00), steep (-3.00) |" in text
    assert len(text) < 8_000


def test_a_line_per_scenario_says_what_it_stresses_and_what_is_gained(wide):
    text = wide.text.read_text()
    for name, tags in (("base", "plain"), ("gap", "difficulty"), ("jump", "drift")):
        assert f"| {name} | {tags} | 0.50 | 0.310 | +1.00 | +5.00 | +10.00 |" in text


def test_reports_say_how_much_of_what_depends_on_the_law_is_chance(wide):
    """Per row with three laws 1 - 2 (1 - t)^3 + (1 - 2 t)^3, of 9 rows."""
    text = wide.text.read_text()
    assert "Of 9 rows looked at, 6 are listed." in text
    assert "0.0013 would be listed (0.033 if 95 % were enough)" in text


def saved(folder, cells):
    for cell in cells:
        Store(folder).save(cell)
    return write_report(folder)


SEVEN = ("base", "gap", "jump", "shift", "tiny", "cost", "forget")
SCORED = {"shuffle": 0.3, "bots": 0.35, "oracle-gain": 0.4}


@pytest.mark.integration
def test_one_more_strategy_on_one_setting_leaves_the_standings_alone(tmp_path):
    cells = synthetic_cells(dict.fromkeys(SEVEN, SCORED), seeds=3)
    before = saved(tmp_path, cells).standings
    assert "| bots | 0.50 [0.50, 0.50]" in before
    after = saved(tmp_path, synthetic_cells({"base": {"dapo": 0.3}}, seeds=3))
    assert after.standings == before
    text = after.text.read_text()
    assert "mean over 7 of 7 settings" in text
    assert "Not listed: dapo." in text


@pytest.mark.integration
def test_a_setting_with_two_seeds_leaves_the_scores_of_others_their_intervals(tmp_path):
    cells = synthetic_cells(dict.fromkeys(SEVEN, SCORED), seeds=3)
    report = saved(tmp_path, [*cells, *synthetic_cells({"huge": SCORED}, seeds=2)])
    assert "| bots | 0.50 [0.50, 0.50] | 1.00" in report.standings
    assert "mean over 7 of 8 settings" in report.text.read_text()
    assert "fewer than 3 seeds do not enter" in report.text.read_text()


@pytest.mark.integration
@pytest.mark.parametrize(
    ("ends", "seeds", "says"),
    [
        ({"base": {"bots": 0.35}}, 3, "nothing was run on the same seeds as shuffle"),
        ({"base": {"shuffle": 0.3, "bots": 0.35}}, 3, "oracle-gain, the unit of the score, was"),
        ({"base": SCORED}, 2, "no setting has the 3 seeds that a score needs"),
        ({"base": SCORED | {"oracle-gain": 0.3}}, 3, "gained enough over shuffle"),
        (
            dict.fromkeys(SEVEN[:4], SCORED)
            | {name: {"shuffle": 0.3, "mopps": 0.3} for name in SEVEN[3:]}
            | {"base@steep": SCORED},
            3,
            "no setting with a score has all strategies",
        ),
    ],
)
def test_what_is_said_where_there_are_no_scores_is_true(tmp_path, ends, seeds, says):
    standings = saved(tmp_path, synthetic_cells(ends, seeds)).standings
    assert standings.startswith("no standings: ")
    assert says in standings.splitlines()[0]


def test_standings_are_of_the_default_law_alone(wide):
    assert "| bots | 0.50 [0.50, 0.50] | 1.00" in wide.standings
    assert "Repeating a task is free in these settings." in wide.text.read_text()


@pytest.mark.integration
@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["base@steep"], "Repeating a task has a price in these settings."),
        (["base@steep"], "Variant: steep."),
        (["base"], "Repeating a task is free in these settings."),
    ],
)
def test_what_is_said_about_repetition_is_true(tmp_path, names, says):
    ends = {"shuffle": 0.3, "bots": 0.35, "oracle-gain": 0.4}
    for result in synthetic_cells(dict.fromkeys(names, ends), seeds=3):
        Store(tmp_path).save(result)
    assert says in write_report(tmp_path).text.read_text()


@pytest.mark.integration
def test_a_few_settings_under_several_laws_get_conclusions_and_all_tables(tmp_path):
    for result in many_settings(("base",)):
        Store(tmp_path).save(result)
    text = write_report(tmp_path).text.read_text()
    assert "Conclusions, law by law" in text
    assert "Learning, at equal steps, tokens or seconds" in text
    assert "Tokens and seconds" in text


@pytest.mark.integration
def test_settings_without_the_reference_do_not_spoil_the_others(tmp_path):
    cells = [*many_settings(), *synthetic_cells({"shift": {"bots": 0.3}}, seeds=3)]
    for result in cells:
        Store(tmp_path).save(result)
    assert "bots > shuffle" in write_report(tmp_path).text.read_text()


@pytest.mark.integration
def test_a_file_and_a_variant_are_run_and_reported(tmp_path, capsys):
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\nsummary = ""\nnum_tasks = 300\nnum_heldout = 50\n')
    arguments = ["run", "smoke", "--out", str(tmp_path / "out"), "--seeds", "1", "--steps", "4"]
    arguments += ["--batch-size", "8", "--group-size", "4", "--strategy", "bots"]
    arguments += ["--scenario", f"{path}@steep", "--scenario", str(path), "--scenario", "no_refs"]
    arguments += ["--num-tasks", "300"]
    assert main(arguments) == 0
    assert "left out on no_refs" in capsys.readouterr().err
    cells = {(r.cell.setting, r.cell.strategy) for r in Store(tmp_path / "out").load()}
    assert cells == {
        ("mine", "bots"),
        ("mine", "shuffle"),
        ("mine@steep", "bots"),
        ("mine@steep", "shuffle"),
        ("no_refs", "shuffle"),
    }

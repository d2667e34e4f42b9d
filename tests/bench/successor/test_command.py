"""The tables hold what was run, and the page takes them in."""

import numpy as np
import pytest

from bench.__main__ import main
from bench.contest.scores import score
from bench.store import Store
from bench.successor import real, tables
from bench.successor.command import filled
from bench.successor.compare import costs_to_best, differences, median_cost, overall, verdict
from bench.successor.plan import ABLATIONS, GROUPS, SUBJECT, TUNING, spec
from bench.suites import SUITES
from bench.tune import TUNING as TUNED_ON
from tests.bench.contest.helpers import runs
from tests.bench.helpers import synthetic_cells

ENDS = {
    "noisy30": {
        "shuffle": 0.4,
        "bots": 0.45,
        "mopps": 0.55,
        SUBJECT: 0.5,
        "oracle-gain": 0.6,
    },
    "cost": {
        "shuffle": 0.4,
        "bots": 0.3,
        "mopps": 0.4,
        SUBJECT: 0.5,
        "oracle-gain": 0.8,
    },
    "gap": {
        "shuffle": 0.4,
        "bots": 0.3,
        "mopps": 0.4,
        SUBJECT: 0.8,
        "oracle-gain": 0.8,
    },
}
PARTS = ("runs", "standing", "against", "groups", "axes", "scenarios", "ablation")


def blank() -> str:
    return "# Title\n" + "".join(f"<!-- {p} -->\n<!-- end {p} -->\nwords\n" for p in PARTS)


def test_differences_are_paired_and_in_units_of_the_oracles_gain():
    found = differences(score(runs(ENDS)), SUBJECT, "bots")
    assert found["noisy30"] == pytest.approx(np.full(6, 0.25))
    assert found["cost"] == pytest.approx(np.full(6, 0.5))


def test_scenarios_seen_while_tuning_are_shown_and_not_counted():
    scores = score(runs(ENDS))
    assert tables.counted(scores) == ["noisy30", "cost"]
    verdicts = tables.against(scores).rows
    assert verdicts[0][1].startswith("+0.375")
    assert "gap (tuning)" in [row[0] for row in tables.by_scenario(scores).rows]


def test_the_table_says_where_it_loses():
    scores = score(runs(ENDS))
    by_name = {row[0]: row for row in tables.against(scores).rows}
    assert by_name["`mopps`"][3] == "1 / 0 / 1"
    assert by_name["`mopps`"][4].startswith("noisy30 -0.25")


def test_the_overall_interval_covers_the_mean_of_noise_and_ignores_no_seed():
    rng = np.random.default_rng(0)
    rows = {str(k): 0.3 + rng.normal(0, 0.1, 8) for k in range(12)}
    estimate = overall(rows)
    assert estimate.low < 0.3 < estimate.high
    assert verdict(estimate) == "better"
    gap = {**rows, "0": np.where(np.arange(8) == 0, np.nan, rows["0"])}
    without_first = overall({name: row_S[1:] for name, row_S in rows.items()})
    assert overall(gap) == without_first
    assert np.isnan(overall({}).value)


def test_the_cost_to_reach_shuffles_best_is_relative_and_may_be_infinite():
    given = runs({"noisy30": {"shuffle": 0.4, SUBJECT: 0.6, "bots": 0.2, "oracle-gain": 0.6}})
    names = ["noisy30"]
    mine = median_cost(costs_to_best(given, SUBJECT, names))
    assert mine.value == pytest.approx(0.23 / 0.43)  # seed 3, the upper of the middle two
    assert 0.2 / 0.4 - 1e-9 <= mine.low <= mine.value <= mine.high <= 0.25 / 0.45 + 1e-9
    assert np.isinf(median_cost(costs_to_best(given, "bots", names)).value)


def test_the_page_is_filled_between_its_marks_and_nothing_else_changes():
    text = filled("a\n<!-- x -->\nold\n<!-- end x -->\nb\n", {"x": r"new \1"})
    assert text == "a\n<!-- x -->\nnew \\1\n<!-- end x -->\nb\n"
    assert filled(text, {"x": r"new \1"}) == text
    with pytest.raises(ValueError, match="no place for 'y'"):
        filled(text, {"y": ""})


@pytest.mark.integration
def test_the_command_writes_tables_and_pictures(tmp_path, capsys):
    folders = {name: tmp_path / name for name in ("suite", "ablation")}
    for cell in synthetic_cells(ENDS):
        Store(folders["suite"]).save(cell)
    without = {spec(option): 0.45 for option in ABLATIONS.values()}
    ends = {"noisy30": ENDS["noisy30"] | without}
    for cell in synthetic_cells(ends):
        Store(folders["ablation"]).save(cell)
    (tmp_path / "successor.md").write_text(blank())
    command = ["successor", str(folders["suite"]), "--ablation", str(folders["ablation"])]
    assert main([*command, "--out", str(tmp_path)]) == 0
    page = (tmp_path / "successor.md").read_text()
    assert "| `bots` | +0.375" in page
    row = next(line for line in page.splitlines() if "`references=False`" in line)
    assert row.startswith("| no reference | `references=False` | -0.250")
    assert "| 0 / 0 / 1 | noisy30 **-0.25 ±" in row
    assert page.count("words") == len(PARTS)
    figures = tmp_path / "results" / "successor" / "figures"
    assert {path.name for path in figures.iterdir()} == {"forest.png", "ablation.png"}


def test_results_are_needed(tmp_path, capsys):
    assert main(["successor", "--out", str(tmp_path)]) == 2
    assert "give FOLDER, --ablation or --real" in capsys.readouterr().err


def test_a_folder_without_the_subject_is_refused(tmp_path, capsys):
    rows = {name: end for name, end in ENDS["noisy30"].items() if name != SUBJECT}
    for cell in synthetic_cells({"noisy30": rows}):
        Store(tmp_path).save(cell)
    (tmp_path / "successor.md").write_text(blank())
    assert main(["successor", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert f"no run of {SUBJECT}" in capsys.readouterr().err


def test_what_is_tuned_on_is_not_counted():
    counted = {n for group, names in GROUPS.items() for n in names if group != TUNING}
    assert not counted & {scenario.name for scenario in TUNED_ON.scenarios}
    assert {scenario.name for scenario in SUITES["successor"].scenarios} == counted | set(
        GROUPS[TUNING]
    )


def test_the_suites_hold_the_control_and_every_ablation():
    assert {"bots", "bots-informative", "mopps", "dps", SUBJECT} <= set(
        SUITES["successor"].strategies
    )
    assert {spec(option) for option in ABLATIONS.values()} <= set(SUITES["ablation"].strategies)


def test_real_gains_are_paired_in_points_and_averaged_over_settings():
    ends = {"mine": {"shuffle": 0.2, "bots": 0.23, SUBJECT: 0.24, "oracle-gain": 0.5}}
    other = {"other": {"shuffle": 0.2, "bots": 0.21, "oracle-gain": 0.5}}
    table = real.gains({"mine": runs(ends), "other": runs(other)})
    assert table.headings[-1] == "mean over settings"
    rows = {row[0]: row[1:] for row in table.rows}
    mine, others, mean = rows["`bots` minus `shuffle`"]
    assert (mine[:4], others[:4], mean[:4]) == ("+3.0", "+1.0", "+2.0")
    assert rows[f"`{SUBJECT}` minus `bots`"][0].startswith("+1.0")
    assert rows[f"`{SUBJECT}` minus `bots`"][1:] == ("", "")
    assert len(real.gains({"mine": runs(ends)}).headings) == 2

from pathlib import Path

import pytest

from simulator import SCENARIOS
from simulator.__main__ import main
from simulator.calibration.replay import resized
from simulator.calibration.trace import Trace, read
from simulator.scenario_files import read as read_scenario
from simulator.scenario_files import write
from tests.simulator.calibration.replicas import logged

LOG = Path(__file__).parents[3] / "shared" / "data" / "grpo_trace.csv.gz"
FITTED = Path(__file__).parents[2] / "simulator" / "fitted" / "deepscaler_1_5b.toml"
POOL = resized(SCENARIOS["base"], num_tasks=120, batch_size=30, num_heldout=10, group_size=8)


def save(trace: Trace, path: Path) -> None:
    rows = zip(trace.task_R, trace.visit_R, trace.successes_R, trace.trials_R, strict=True)
    lines = [",".join(map(str, row)) for row in rows]
    path.write_text("\n".join(["task,visit,successes,trials", *lines]))


@pytest.fixture
def log(tmp_path):
    save(logged(POOL, 5, 9, 100), tmp_path / "log.csv")
    return tmp_path / "log.csv"


@pytest.mark.slow
def test_a_fitted_scenario_can_be_checked(log, tmp_path, capsys):
    out = tmp_path / "own.toml"
    sizes = ["--pool-size", "120", "--batch-size", "30", "--share", "0.5"]
    assert main(["fit", str(log), "--out", str(out), *sizes]) == 0
    assert "learning_rate" in capsys.readouterr().out
    assert out.read_text().startswith("# python -m simulator fit log.csv --out own.toml --share")
    scenario = read_scenario(out)
    assert (scenario.name, scenario.num_tasks, scenario.steps) == ("own", 120, 32)
    assert main(["check", str(out), str(log), "--share", "0.5", "--complement"]) == 0
    assert "50 tasks, 9 visits each" in capsys.readouterr().out


@pytest.mark.integration
def test_check_writes_what_it_prints(log, tmp_path, capsys):
    write(tmp_path / "s.toml", POOL)
    files = ["--out", str(tmp_path / "t.md"), "--picture", str(tmp_path / "p.png")]
    assert main(["check", str(tmp_path / "s.toml"), str(log), "--replicas", "10", *files]) == 0
    assert (tmp_path / "t.md").read_text() == capsys.readouterr().out
    assert (tmp_path / "p.png").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ["check", "bse", "LOG"],
            "there is no scenario 'bse'",
        ),
        (["check", "bse", "LOG"], "do you mean base? `python -m simulator list` shows all"),
        (["check", "none.toml", "LOG"], "cannot be read as a scenario"),
        (["check", "base", "none.csv"], "cannot be read"),
        (["check", "base", "LOG", "--complement"], "choose a share between 0 and 1"),
        (["fit", "LOG", "--out", "x.toml", "--pool-size", "9"], "the log alone has 100 tasks"),
    ],
)
def test_bad_input_ends_with_a_reason(arguments, complaint, log, capsys):
    assert main([str(log) if part == "LOG" else part for part in arguments]) == 2
    assert complaint in capsys.readouterr().err


def test_the_shipped_scenario_is_the_run_it_says():
    scenario = read_scenario(FITTED)
    sizes = scenario.num_tasks, scenario.batch_size, scenario.group_size, scenario.steps
    assert sizes == (1209, 128, 8, 500)
    assert scenario.tags == ("fitted",)


@pytest.mark.slow
@pytest.mark.skipif(not LOG.exists(), reason="the log is not part of the project")
def test_the_shipped_scenario_resembles_the_run_it_was_fitted_to():
    from simulator.calibration.check import check

    found = check(read_scenario(FITTED), read(LOG).split(0.5, 0)[1], 20)
    assert found.inside_M.sum() >= 0.7 * found.judged_M.sum()

import re
from pathlib import Path

import numpy as np
import pytest

from bench.__main__ import main
from bench.replay import read_log, write_log
from bench.replay.selected import Sizes, own_groups, rates_of, selected
from tests.bench.replay import logs

LOG = Path(__file__).parents[4] / "shared" / "data" / "grpo_trace.csv.gz"


def save(path: Path, references: bool = False) -> Path:
    log = logs.shuffled(60, 10, 8)
    columns = {
        "task": log.trace.names_K[log.trace.task_R],
        "step": log.step_R,
        "successes": log.trace.successes_R,
        "trials": log.trace.trials_R,
    }
    if references:
        weak = logs.rates(60)[log.trace.task_R] / 2
        columns |= {"reference/weak": weak, "reference/strong": weak * 2}
    write_log(path, columns)
    return path


@pytest.mark.integration
def test_a_log_is_judged_and_the_page_says_how(tmp_path, capsys):
    out = tmp_path / "out"
    words = ["replay", str(save(tmp_path / "log.csv")), "--logged", "shuffle", "--seeds", "3"]
    words += ["--strategy", "mopps", "--strategy", "dapo", "--out", str(out)]
    assert main(words) == 0
    page = (out / "replay.md").read_text()
    assert page in capsys.readouterr().out
    assert "python -m bench replay log.csv --logged shuffle --seeds 3" in page
    number = r"\d\.\d{3} \[\d\.\d{3}, \d\.\d{3}\]"
    assert re.search(rf"\| mopps \| {number} \| [-+].*?(?: \| {number}){{3}} \|", page)
    assert re.search(r"\| shuffle \| - \| - \| - \| - \| - \|", page)
    assert re.search(r"\| own mean rate \| .* \| \+0.000 \[\+0.000, \+0.000\] \|", page)
    assert re.search(rf"\| mopps \| {number} \| \+0.*? \| \d+ \| {number} \| \d+% \| \d+ \|", page)
    assert re.search(rf"\| dapo \| {number} \|.*\| - \| - \| - \|", page)
    assert re.search(rf"\| any task \| - \| - \| - \| {number} \|", page)
    assert (out / "replay.png").stat().st_size > 10_000


@pytest.mark.integration
def test_strategies_that_need_references_are_left_out_where_the_log_has_none(tmp_path, capsys):
    words = ["--seeds", "1", "--steps", "3", "--out", str(tmp_path / "out")]
    assert main(["replay", str(save(tmp_path / "log.csv")), *words]) == 0
    told = capsys.readouterr()
    assert "left out: strategy 'bots'" in told.err
    assert "| bots |" not in told.out
    assert "nothing is estimated off-policy" in told.out
    assert main(["replay", str(save(tmp_path / "log.csv", references=True)), *words]) == 0
    told = capsys.readouterr()
    assert "| bots |" in told.out
    assert "| reference strong |" in told.out


@pytest.mark.integration
def test_runs_of_its_own_stand_beside_what_is_foretold(tmp_path, capsys):
    import pyarrow as pa
    import pyarrow.parquet as pq

    for name, solved in (("mopps--0", 4), ("mopps--1", 4), ("mopps--2", 4), ("uniform--0", 8)):
        groups = {"task": ["a", "b"], "step": [0, 0], "successes": [solved, 8], "trials": [8, 8]}
        pq.write_table(pa.table(groups), tmp_path / f"mine--{name}.parquet")
    log = str(save(tmp_path / "mine--shuffle--0.csv"))
    words = ["--strategy", "mopps", "--strategy", "uniform", "--strategy", "kimi", "--steps", "4"]
    words += ["--seeds", "1", "--runs", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main(["replay", log, *words]) == 0
    page = capsys.readouterr().out
    assert re.search(r"\| mopps .*\| 0.500 \[0.500, 0.500\] \|\n", page)
    assert re.search(r"\| uniform .*\| 0.000 \|\n", page)
    assert re.search(r"\| kimi .*\| - \|\n", page)
    assert main(["replay", str(save(tmp_path / "other.csv")), *words]) == 2
    assert "has no trace other.csv--STRATEGY" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--strategy", "bots"], "strategy 'bots'"),
        (["--strategy", "oracle-gain"], "nobody knows the true solve rates"),
        (["--batch-size", "61"], "batch_size is 61"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, capsys, words, message):
    log = str(save(tmp_path / "log.csv"))
    assert main(["replay", log, *words, "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_choice_by_results_finds_more_informative_groups_than_none():
    log = logs.shuffled(60, 10, 12)
    rates = rates_of(log)
    sizes = Sizes(60, 10, 8)
    blind, seeing = (selected(log, spec, sizes, 3, rates) for spec in ("shuffle", "mopps"))
    assert (seeing.informative_S > blind.informative_S).all()
    assert blind.distinct_S.tolist() == [60, 60, 60]
    again = selected(log, "mopps", sizes, 3, rates)
    assert again.informative_S.tolist() == seeing.informative_S.tolist()


def test_shuffle_on_the_replay_gets_what_the_log_got():
    """720 groups and 5 seeds of as many: within 4 standard errors, a false alarm in 10^4."""
    log = logs.shuffled(60, 10, 12)
    rates = rates_of(log)
    logged = log.informative_R.mean()
    error = np.sqrt(logged * (1 - logged) / log.step_R.size)
    replayed = selected(log, "shuffle", Sizes(72, 10, 8), 5, rates).informative_S.mean()
    assert replayed == pytest.approx(own_groups(log, rates, 20), abs=4 * error)
    assert replayed == pytest.approx(logged, abs=4 * error)


@pytest.mark.skipif(not LOG.exists(), reason="the log of the real run is not here")
def test_the_replay_of_a_real_run_is_faithful():
    log = read_log(LOG, steps_per_visit=9.445)
    assert log.pool.num_tasks == 605
    assert own_groups(log, rates_of(log), 3) == pytest.approx(log.informative_R.mean(), abs=0.01)

from dataclasses import replace
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.cell import run_cell
from bench.settings import scenario_setting
from bench.store import Store
from bench.validation import fitting
from bench.validation.agreement import Agreement, agreement
from bench.validation.evidence import gather
from bench.validation.mechanisms import parse
from bench.validation.outcomes import Outcomes, outcomes
from simulator.calibration.state_space import Accuracy
from tests.bench.validation.stand_in import STRATEGIES, TRUTH, changed, write


@pytest.fixture(scope="module", autouse=True)
def few_tasks():
    """A rougher fit, in seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "_MOST_TASKS", 40)
        patch.setattr(fitting, "_ACCURACY", Accuracy(1.0, 4))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("real"), TRUTH, ("shuffle", "mopps"), seeds=2)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("out")


@pytest.mark.integration
def test_nothing_of_other_strategies_reaches_the_fit(folder, out, tmp_path):
    fitting.fit(gather(folder), [parse("plain")], out / "truth")
    store, changed_store = Store(folder), Store(tmp_path)
    for path in (folder / "traces").iterdir():
        (tmp_path / "traces").mkdir(exist_ok=True)
        (tmp_path / "traces" / path.name).write_bytes(path.read_bytes())
    for result in store.load():
        other = result.cell.strategy != "shuffle"
        scale = {"heldout": 0.3, "informative": 0.1} if other else {}
        columns = {k: v * scale.get(k, 1.0) for k, v in result.columns.items()}
        changed_store.save(replace(result, columns=columns))
    (tmp_path / "truth--mopps--0.parquet").write_text("not a result")
    assert fitting.digest(gather(tmp_path)) == fitting.digest(gather(folder))
    fitting.fit(gather(tmp_path), [parse("plain")], tmp_path / "fits")
    for name in ("plain.toml", "base.toml"):
        assert (tmp_path / "fits" / name).read_text() == (out / "truth" / name).read_text()


@pytest.mark.integration
def test_a_fit_is_kept_until_shuffles_runs_change(folder, out, monkeypatch):
    fitting.fit(gather(folder), [parse("plain")], out / "truth")

    def refuse(*_):
        raise AssertionError("fitted again")

    monkeypatch.setattr(fitting, "_estimates", refuse)
    fitting.fit(gather(folder), [parse("plain")], out / "truth")
    evidence = gather(folder)
    fewer = replace(evidence, runs=evidence.runs[:1])
    with pytest.raises(AssertionError, match="fitted again"):
        fitting.fit(fewer, [parse("plain")], out / "truth")


@pytest.mark.slow
def test_a_fit_that_was_interrupted_is_made_again(folder, out, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    evidence = gather(folder)
    other = replace(evidence, runs=evidence.runs[:1])
    fitting.fit(evidence, [parse("plain")], out / "truth")
    with monkeypatch.context() as patch:
        patch.setattr(fitting, "_estimates", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fitting.fit(other, [parse("plain")], out / "truth")
    assert fitting.fit(evidence, [parse("plain")], out / "truth")


@pytest.mark.integration
def test_the_command_reports_and_fills_a_page(folder, out, tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("Words.\n<!-- truth -->\nold\n<!-- end of truth -->\nMore words.\n")
    options = ["--sim-seeds", "1", "--workers", "1", "--mechanism", "plain", "--out", str(out)]
    assert main(["validate", str(folder), *options, "--page", str(page)]) == 0
    report = (out / "report.md").read_text()
    for words in ("| mopps |", "Kendall", "2 strategies, 2 real and 1 simulated seeds", "TTB"):
        assert words in report
    assert (out / "gains.png").stat().st_size > 10_000
    assert (out / "etr.png").stat().st_size > 10_000
    text = page.read_text()
    assert text.startswith("Words.\n<!-- truth -->\n### truth\n\n2 strategies")
    assert text.endswith("<!-- end of truth -->\nMore words.\n")
    assert "old" not in text
    assert "filled truth" in capsys.readouterr().out


@pytest.mark.integration
def test_strategies_can_be_chosen(folder, out, capsys):
    options = ["--sim-seeds", "1", "--workers", "1", "--mechanism", "plain", "--out", str(out)]
    assert main(["validate", str(folder), *options, "--strategy", "mopps"]) == 0
    assert "| mopps |" in (out / "report.md").read_text()
    assert main(["validate", str(folder), *options, "--strategy", "dps"]) == 2
    assert "has no 'dps' on all seeds: choose of shuffle, mopps" in capsys.readouterr().err


@pytest.mark.integration
def test_a_page_without_blocks_is_refused(folder, out, tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("Words.")
    options = ["--sim-seeds", "1", "--workers", "1", "--mechanism", "plain", "--out", str(out)]
    assert main(["validate", str(folder), *options, "--page", str(page)]) == 2
    assert "has none of the blocks" in capsys.readouterr().err
    assert page.read_text() == "Words."


def predicted(folder: Path, out: Path, name: str, seeds: int = 4) -> Outcomes:
    (fitted,) = fitting.fit(gather(folder), [parse(name)], out)
    setting = scenario_setting(fitted.scenario, 1.25)
    return outcomes([run_cell(setting, name, seed) for seed in range(seeds) for name in STRATEGIES])


def judged(folder: Path, out: Path, name: str) -> Agreement:
    real = outcomes(Store(folder).load())
    return agreement(real, predicted(folder, out, name).take(real.strategies))


@pytest.mark.slow
def test_runs_of_a_known_law_are_predicted(tmp_path):
    found = judged(write(tmp_path, TRUTH), tmp_path / "fits", "domains")
    assert found.kendall.value >= 0.8
    assert found.gain_error.value < 0.15
    assert abs(found.etr_bias) < 0.1
    assert found.signs[0] == found.signs[1]


@pytest.mark.slow
def test_a_missing_mechanism_is_seen(tmp_path):
    folder = write(tmp_path, changed(TRUTH, repetition_visits=1.0, learning_rate=0.4))
    without, right = (
        judged(folder, tmp_path / "fits", name) for name in ("domains", "domains+repetition=1")
    )
    assert right.gain_error.value < 0.6 * without.gain_error.value
    assert right.kendall.value >= without.kendall.value

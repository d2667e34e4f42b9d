import numpy as np
import pytest

from bench.store import Store
from bench.validation.evidence import first_rates, gather, trials
from simulator import build
from tests.bench.validation.stand_in import TRUTH, write


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("real"), TRUTH, ("shuffle",), seeds=2)


def test_evidence_holds_the_pool_as_it_is(folder):
    evidence = gather(folder)
    assert evidence.setting == "truth"
    assert evidence.num_tasks == TRUTH.num_tasks
    for run in evidence.runs:
        references = build(TRUTH, run.seed).references
        order = run.trace.names_K.astype(int)
        for name, rates_N in references.items():
            assert run.references[name].tolist() == rates_N[order].tolist()
        assert {*run.domains_K} == {"A1", "A2", "B1", "B2"}


def test_heldout_is_that_of_the_cells(folder):
    evidence, cells = gather(folder), Store(folder).load()
    expected = np.mean([cell.columns["heldout"][20] for cell in cells])
    assert evidence.heldout_at(20) == pytest.approx(expected)


def test_tasks_of_different_runs_stay_apart(folder):
    evidence = gather(folder)
    stacked = evidence.stacked()
    assert stacked.num_tasks == 2 * TRUTH.num_tasks
    assert {*evidence.domains()} == {*stacked.names_K}
    assert stacked.successes_R.sum() == sum(run.trace.successes_R.sum() for run in evidence.runs)


def test_first_rates_are_those_of_the_earliest_groups(folder):
    run = gather(folder).runs[0]
    earliest = {}
    for task, when, solved in zip(
        run.trace.task_R, run.trace.when_R, run.trace.successes_R, strict=True
    ):
        earliest[task] = min(earliest.get(task, (10**9, 0)), (when, solved))
    assert first_rates([run])[0].tolist() == [earliest[k][1] / 8 for k in sorted(earliest)]


def test_a_folder_without_shuffle_is_refused(tmp_path):
    with pytest.raises(ValueError, match="on 0 settings"):
        gather(tmp_path)


def test_a_missing_trace_is_named(folder, tmp_path):
    for path in folder.glob("*.parquet"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(ValueError, match="is missing: a fit needs the trace"):
        gather(tmp_path)


@pytest.mark.parametrize("count", [1, 8, 16, 100])
def test_trials_are_read_off_the_rates(count):
    rates = np.arange(count + 1) / count
    assert trials(np.append(rates, np.nan)) == count

"""Memory and time by pool size."""

import re
import time
from types import SimpleNamespace

import pytest

from bench import scaling
from bench.__main__ import main
from bench.scaling import measure_size


def test_a_size_is_measured():
    scale = measure_size(2_000, rounds=2)
    assert scale.num_tasks == 2_000
    assert 20 < scale.bytes_per_task < 200
    assert scale.peak_bytes > 1e7
    assert min(scale.build_seconds, scale.step, scale.ratio, scale.ratio_of_all, *scale.sweeps) > 0


@pytest.mark.slow
@pytest.mark.alone
def test_the_compiled_step_is_faster_than_plain_numpy_on_a_million_tasks(monkeypatch):
    processor = SimpleNamespace(perf_counter=time.process_time)  # load adds none to it
    monkeypatch.setattr(scaling, "time", processor)
    scale = measure_size(1_000_000, rounds=10)
    assert scale.ratio < 0.5
    assert scale.ratio_of_all < 0.05


@pytest.mark.integration
def test_the_command_prints_a_line_per_size(capsys):
    assert main(["scaling", "--sizes", "1e3", "--rounds", "1"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^\| 1,000 \|", printed, re.MULTILINE)


def test_a_pool_smaller_than_a_batch_is_refused(capsys):
    assert main(["scaling", "--sizes", "100"]) == 2
    assert "name larger --sizes" in capsys.readouterr().err


@pytest.mark.parametrize("sizes", ["1.5", "0", "many"])
def test_sizes_must_be_numbers_of_tasks(sizes):
    with pytest.raises(SystemExit):
        main(["scaling", "--sizes", sizes])

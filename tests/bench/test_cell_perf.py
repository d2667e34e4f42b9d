import re

from bench.__main__ import main
from bench.cell_perf import measure_cells
from bench.settings import scenario_setting
from simulator import Scenario

TINY = Scenario("tiny", "", num_tasks=300, num_heldout=50, batch_size=10, steps=5)


def test_every_strategy_has_a_rate_and_the_profile_its_slowest_lines():
    text = measure_cells(scenario_setting(TINY, 1.0), ["shuffle", "mopps"])
    assert re.search(r"\| shuffle \| \d+\.\d\d \| \d+\.\d\d \|", text)
    assert re.search(r"\| mopps \| \d+\.\d\d \| \d+\.\d\d \|", text)
    assert len(re.findall(r"\d+\.\d %", text)) == 3


def test_an_unknown_strategy_is_refused(capsys):
    assert main(["perf-cells", "--suite", "smoke", "--strategy", "nobody"]) == 2
    assert "there is no strategy 'nobody'" in capsys.readouterr().err

"""The tables of costs, and the protocol by which contenders in other processes are timed."""

import io
import json
import re
import stat
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from bench.__main__ import main
from bench.peers import install_trinity, trinity
from bench.peers.serve import array_bytes, memory, serve, settled_memory
from bench.performance import growth
from bench.performance import stopwatch as timing
from bench.performance.bandwidth import measure_bandwidth
from bench.performance.growth import Growth, measure_growth
from bench.performance.ours import PlainNumPy, plain_bots
from bench.performance.process import Contender, Step, started
from bench.performance.stages import STAGES, head, stage_times, table
from bench.performance.stopwatch import stopwatch
from bench.performance.world import World

TINY = ["perf", "--sizes", "2000", "--batch-size", "16", "--rounds", "3"]

PEER = """#!{python}
import json, sys
setting = json.loads(sys.stdin.readline())
def say(**values): print(json.dumps(values), flush=True)
say(wall=0.5, cpu=0.5, arrays=64000, versions=dict(fake="7.0"))
for line in sys.stdin:
    request = json.loads(line)
    if "select" in request: say(ids={ids}, wall=1.0, cpu=2.0)
    elif "update" in request: say(wall=3.0, cpu=4.0)
    else: say(kept=5_000_000, extra=7_000_000)
"""


def executable(path, text):
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def cells(printed, name):
    (row,) = re.findall(rf"^\| {re.escape(name)} \| (.*) \|$", printed, re.MULTILINE)
    return row.split(" | ")


@pytest.mark.integration
def test_the_peer_takes_part_in_the_comparison(tmp_path, capsys):
    peer = executable(
        tmp_path / "python",
        PEER.format(python=sys.executable, ids="list(range(request['select']))"),
    )
    assert main([*TINY, "--table", "comparison", "--peer", peer]) == 0
    printed = capsys.readouterr().out
    assert "N = 2,000, B = 16" in printed
    assert "fake 7.0" in printed
    select, update, together, ratio, _, _, kept, extra, *_ = cells(printed, "trinity-rft")
    assert (select, update, together) == ("1000.00", "3000.00", "4000.00")
    assert (kept, extra) == ("5.0", "7.0")
    assert re.fullmatch(r"[\d.]+ \[[\d.]+, [\d.]+\]", ratio)
    assert cells(printed, "live")[3] == "1.0 [1.0, 1.0]"
    assert float(cells(printed, "bots")[2]) > 0
    assert float(cells(printed, "plain NumPy")[2]) > 0


@pytest.mark.parametrize("ids", ["[0] * request['select']", "[-1, 1, 2, 3]", "[0, 1, 2, 9]", "[0]"])
def test_a_peer_that_does_not_select_distinct_tasks_is_refused(tmp_path, ids):
    peer = executable(tmp_path / "python", PEER.format(python=sys.executable, ids=ids))
    world = World.of(8)
    with (
        pytest.raises(ValueError, match="did not select 4 distinct tasks of 8"),
        started(Contender("peer", "", (peer,)), world, threads=1) as talk,
    ):
        talk.step(world, 4)


def test_what_a_peer_said_before_it_ended_is_shown(tmp_path):
    text = f"#!{sys.executable}\nraise SystemExit('no module named trinity')"
    peer = executable(tmp_path / "python", text)
    with (
        pytest.raises(ValueError, match="no module named trinity"),
        started(Contender("peer", "", (peer,)), World.of(8), threads=1),
    ):
        pass


@pytest.mark.integration
def test_a_peer_that_is_not_there_is_an_error_before_anything_is_timed(capsys):
    assert main([*TINY, "--table", "comparison", "--peer", "/nowhere/python"]) == 2
    assert "/nowhere/python does not run" in capsys.readouterr().err


def test_a_pool_of_less_than_two_batches_is_refused(capsys):
    assert main(["perf", "--sizes", "1000", "--batch-size", "512"]) == 2
    assert "name larger --sizes" in capsys.readouterr().err


class Counting:
    """A contender that selects the first tasks and remembers what it was told."""

    def __init__(self, weak_N, strong_N, setting):
        self.weak_N, self.given, self.versions = weak_N, (weak_N,), {"counting": "1"}
        self.told = []

    def build(self):
        return {"own": np.zeros(self.weak_N.size), "given": self.weak_N}

    def select(self, batch_size):
        print("noise")
        return range(batch_size)

    def update(self, ids_B, solved_B):
        self.told.append((ids_B.tolist(), solved_B.tolist()))


def answers(tmp_path, *requests):
    made = []

    def enter(*arguments):
        made.append(Counting(*arguments))
        return made[-1]

    np.save(tmp_path / "rates.npy", np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]))
    setting = {"rates": str(tmp_path / "rates.npy"), "group_size": 4, "threads": 1}
    lines, out = [json.dumps(line) + "\n" for line in (setting, *requests)], io.StringIO()
    serve(enter, io.StringIO("".join(lines)), out)
    return made[-1], [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.mark.integration
def test_each_request_has_one_answer(tmp_path):
    contender, said = answers(
        tmp_path, {"select": 2}, {"update": {"ids": [1, 0], "solved": [4, 2]}}, {"memory": True}
    )
    built, selected, learned, used = said
    assert (built["arrays"], built["versions"]) == (3 * 8, {"counting": "1"})
    assert selected["ids"] == [0, 1]
    assert contender.told == [([1, 0], [4.0, 2.0])]
    assert contender.weak_N.tolist() == [0.1, 0.2, 0.3]
    assert min(each[name] for each in (built, selected, learned) for name in ("wall", "cpu")) >= 0
    assert set(used) == {"kept", "extra"}


@pytest.mark.integration
@pytest.mark.skipif(memory("VmRSS") is None, reason="memory is read from /proc")
def test_the_peak_of_memory_counts_from_where_it_was_settled():
    np.ones(32_000_000).sum()
    before = settled_memory()
    assert memory("VmHWM") - before < 64e6
    np.ones(16_000_000).sum()
    assert memory("VmHWM") - before == pytest.approx(128e6, abs=64e6)


def test_arrays_are_counted_once_whatever_they_are_seen_through():
    whole, given = np.zeros(100), np.zeros(1000)
    owner = SimpleNamespace(a=whole[:10], b=[whole[5:], whole.reshape(10, 10)], given=given)
    assert array_bytes(owner, (given,)) == 800
    assert array_bytes(owner) == 8800


def test_the_published_selector_gets_the_papers_setting(monkeypatch):
    calls = {}

    class Published:
        def __init__(self, source, config):
            calls.update(source=source, config=config)

        def get_indices(self, batch_size):
            return list(range(batch_size))

        def feedback(self, indices, values):
            calls["values"] = values.tolist()

    torch = ModuleType("torch")
    torch.set_num_threads = lambda threads: calls.update(threads=threads)
    selector, config = ModuleType("selector"), ModuleType("config")
    selector.DifficultyBasedSelector, config.DataSelectorConfig = Published, SimpleNamespace
    for name, module in (
        ("torch", torch),
        ("trinity.buffer.selector.selector", selector),
        ("trinity.common.config", config),
    ):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(trinity, "version", lambda name: "0")
    weak_N, strong_N = np.zeros(5), np.ones(5)
    contender = trinity.Trinity(weak_N, strong_N, {"group_size": 16, "threads": 2})
    contender.build()
    assert contender.select(3) == [0, 1, 2]
    contender.update(np.array([0, 1]), np.array([4.0, 16.0]))
    assert calls["values"] == [0.25, 1.0]
    assert calls["threads"] == 2
    assert calls["config"].feature_keys == ["weak", "strong"]
    assert calls["config"].kwargs == {
        "m": 16, "lamb": 0.1, "rho": 0.1, "target_reward": 0.5, "tau": 0, "do_sample": True,
    }  # fmt: skip
    assert calls["source"].dataset == {"weak": weak_N, "strong": strong_N}


def test_the_peer_is_installed_without_its_dependencies(tmp_path, monkeypatch, capsys):
    commands = []

    def run(command, check):
        commands.append([str(part) for part in command])
        return subprocess.CompletedProcess(command, returncode=0)

    monkeypatch.setattr(install_trinity.venv, "create", lambda folder, with_pip: None)
    monkeypatch.setattr(install_trinity.subprocess, "run", run)
    assert install_trinity.main([str(tmp_path / "peer")]) == 0
    first, second, check = commands
    assert first[-2:] == ["--no-deps", "trinity-rft==0.6.0"]
    assert "torch>=2.11,<2.14" in second
    assert check[1:3] == ["-I", "-c"]
    assert f"--peer {tmp_path / 'peer'}" in capsys.readouterr().out


def test_the_peer_is_not_installed_for_a_python_that_it_refuses(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(install_trinity.sys, "version_info", (3, 13, 0))
    assert install_trinity.main([str(tmp_path / "peer")]) == 2
    assert "needs Python 3.10 to 3.12" in capsys.readouterr().err


def test_plain_numpy_has_the_beliefs_of_the_selector():
    world = World.of(500)
    rates, setting = (world.weak_N, world.strong_N), {"group_size": world.group_size}
    plain, ours = PlainNumPy(*rates, setting), plain_bots(*rates, setting)
    selector = [each.build() for each in (plain, ours)][1]
    for seed in range(5):
        ids_B = np.random.default_rng(seed).permutation(500)[:40]
        solved_B = world.solved(ids_B)
        plain.update(ids_B, solved_B)
        ours.update(ids_B, solved_B)
    np.testing.assert_allclose(plain.mean(), selector.solve_rates(), rtol=1e-12)


def test_the_world_measures_its_references_in_16_rollouts():
    world, exact = World.of(300), World.of(300, exact=True)
    assert (world.weak_N * 16 % 1 == 0).all()
    assert np.unique(exact.weak_N).size == 300
    assert (exact.weak_N <= exact.strong_N).all()
    assert world.truth_N.tolist() == World.of(300).truth_N.tolist()


def test_a_stopwatch_gives_each_place_its_own_time_and_leaves_no_trace(monkeypatch):
    clock = SimpleNamespace(now=0.0)

    def spend(seconds):
        clock.now += seconds

    module = ModuleType("timed")
    module.inner = lambda: spend(2.0)
    module.outer = lambda: (spend(1.0), module.inner(), module.inner())
    monkeypatch.setitem(sys.modules, "timed", module)
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    before = dict(vars(module))
    with stopwatch(["timed:outer", "timed:inner"]) as seconds:
        module.outer()
    assert seconds == {"timed:inner": 4.0, "timed:outer": 1.0}
    assert dict(vars(module)) == before


def test_what_cannot_be_timed_is_named():
    with (
        pytest.raises(ValueError, match="nothing to time at json:nobody"),
        stopwatch(["json:nobody"]),
    ):
        pass


def test_every_stage_of_a_step_takes_time():
    times = stage_times(num_tasks=2_000, batch_size=16, rounds=1)
    assert times.size.num_visited > 16
    assert len(times.seconds) == len(STAGES)
    assert min(times.seconds) > 0
    memory = measure_bandwidth(threads=1, size=8_000_000)
    assert min(memory.read_one, memory.read, memory.copy) > 0
    rows = table([times, times], memory).rows
    assert [row[0] for row in rows][:-2] == [stage.name for stage in STAGES]
    assert {len(row) for row in rows} == {5}
    assert f"{times.size.num_visited:,}" in head([times], memory, 1)


def test_growth_is_told_as_a_power_of_the_number_of_tasks():
    growths = [
        Growth(10_000, fresh=1e-3, steady=1e-3, exact=1e-3, visited=1e-3, built=0.1),
        Growth(1_000_000, fresh=1e-3, steady=1e-2, exact=1e-1, visited=1e-1, built=0.1),
    ]
    (first, *_), (second, *cells) = [row[1:] for row in growth.table(growths).rows]
    assert (first, second) == ("1.00", "1.00 (0.00)")
    assert cells[:3] == ["10.00 (0.50)", "100.00 (1.00)", "100.00 (1.00)"]


@pytest.mark.slow
@pytest.mark.alone
def test_a_step_costs_at_most_linearly_more_on_a_larger_pool(monkeypatch):
    monkeypatch.setattr(Step, "seconds", property(lambda step: step.cpu))  # load adds none to it
    small, large = (measure_growth(size, 64, rounds=9, threads=1) for size in (10_000, 1_000_000))
    for name in ("fresh", "steady", "visited"):
        assert getattr(large, name) < 100 * getattr(small, name), name

"""Kills, full disks and files: what was saved is there, whole, and nothing in it is code."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bots import load_state, save_state
from bots.live import LiveSelector
from tests.bots.live.life.test_life import flat
from tests.bots.live.life.worker import made, num_batches, step
from tests.test_layout import ROOT

LONGEST = 0.4  # seconds that a worker lives after its first save


def worker(path: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "tests.bots.live.life.worker", str(path)]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)


def killed(path: Path, seconds: float) -> int:
    """Lets a worker run, kills it, and says how many batches its last finished save holds."""
    process = worker(path)
    assert process.stdout is not None
    first = process.stdout.readline()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
    rest, _ = process.communicate()
    assert process.returncode == -9
    return int((first + rest).splitlines()[-1])


def outlive(folder: Path, kills: int) -> None:
    """The state found after each kill is, bit for bit, that of a run which is never killed."""
    path, rng, undisturbed = folder / "state.npz", np.random.default_rng(0), made()
    for _ in range(kills):
        acknowledged = killed(path, rng.uniform(0, LONGEST))
        found = made()
        found.load_state_dict(load_state(path))
        assert num_batches(found) >= acknowledged
        while num_batches(undisturbed) < num_batches(found):
            step(undisturbed)
        assert flat(found.state_dict()) == flat(undisturbed.state_dict())
        leftovers = {name for name in os.listdir(folder) if not name.endswith(".tmp")}
        assert leftovers <= {"state.npz", "state.npz.previous"}


@pytest.mark.integration
def test_a_run_that_is_killed_goes_on_as_if_it_had_not_been(tmp_path):
    outlive(tmp_path, 2)


@pytest.mark.slow
def test_a_run_that_is_killed_twenty_times_goes_on_as_if_it_had_not_been(tmp_path):
    outlive(tmp_path, 20)


FULL_DISK = """
import resource, sys
from bots import load_state, save_state

path, limits = sys.argv[1], [int(limit) for limit in sys.argv[2:]]
state = load_state(path)
for limit in limits:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        save_state(path, state)
    except OSError as error:
        print(error.errno, flush=True)
    else:
        print("saved", flush=True)
"""


def experienced(steps: int = 30) -> LiveSelector:
    selector = made()
    for _ in range(steps):
        step(selector)
    return selector


@pytest.mark.integration
def test_a_full_disk_leaves_the_files_that_were_there(tmp_path):
    path, selector = tmp_path / "state.npz", experienced()
    for _ in range(2):
        step(selector)
        save_state(path, selector.state_dict())
    before = {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)}
    size = path.stat().st_size
    limits = [0, 1, 100, *range(1000, size, 1000), size - 1]
    command = [sys.executable, "-c", FULL_DISK, str(path), *map(str, limits)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["27"] * len(limits)  # EFBIG
    assert {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)} == before
    again = made()
    again.load_state_dict(load_state(path))
    assert flat(again.state_dict()) == flat(selector.state_dict())


def test_nothing_in_a_file_is_pickled(tmp_path):
    save_state(tmp_path / "state.npz", experienced().state_dict())
    with zipfile.ZipFile(tmp_path / "state.npz") as file:
        for name in file.namelist():
            content = file.read(name)
            if content.startswith(b"\x93NUMPY"):
                with file.open(name) as member:
                    array = np.lib.format.read_array(member, allow_pickle=False)
                assert array.dtype.kind in "biufUS", name
            else:
                json.loads(content)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused_and_the_one_before_is_named(tmp_path, share):
    path, selector = tmp_path / "state.npz", experienced(8)
    save_state(path, selector.state_dict())
    before = flat(selector.state_dict())
    step(selector)
    save_state(path, selector.state_dict())
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ValueError, match=r"state.npz.previous, which was saved before it"):
        load_state(path)
    again = made()
    again.load_state_dict(load_state(f"{path}.previous"))
    assert flat(again.state_dict()) == before

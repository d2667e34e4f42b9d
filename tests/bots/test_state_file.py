import os
import shutil
import signal
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from bots import BOTSSelector, Feedback, Pool, load_state, save_state, state_file

ROOT = Path(__file__).parents[2]
POOL = Pool.numbered(6, {"weak": np.full(6, 0.1), "strong": np.linspace(0.2, 0.9, 6)})


def selector(seed: int = 0, kind: str = "PCG64") -> BOTSSelector:
    return BOTSSelector(POOL, np.random.Generator(getattr(np.random, kind)(seed)))


def live(made: BOTSSelector, steps: int) -> list[list[int]]:
    batches = []
    for step in range(steps):
        ids = made.select(2)
        made.update(Feedback(ids, [step % 5, 2], [4, 4]))
        batches.append(ids.tolist())
    return batches


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "SFC64", "Philox", "MT19937"])
def test_a_file_resumes_bit_for_bit(tmp_path, kind):
    first, second = selector(kind=kind), selector(seed=9)
    live(first, 5)
    save_state(tmp_path / "s.npz", first.state_dict())
    second.load_state_dict(load_state(tmp_path / "s.npz"))
    assert live(second, 9) == live(first, 9)


def test_equal_states_give_equal_files(tmp_path):
    for name in ("a", "b"):
        save_state(tmp_path / name, selector().state_dict())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    "value", [object(), b"x", {1: 2}, {"a": [{1: 2}]}, [np.zeros(1)], {1}, np.array([None])]
)
def test_a_refused_state_leaves_the_old_file_alone(tmp_path, value):
    path = tmp_path / "s.npz"
    save_state(path, {"a": 1})
    with pytest.raises(ValueError, match="state"):
        save_state(path, {"a": value})
    assert load_state(path) == {"a": 1}
    assert os.listdir(tmp_path) == ["s.npz"]


def test_what_is_no_dict_is_refused(tmp_path):
    with pytest.raises(ValueError, match="pass what state_dict returned"):
        save_state(tmp_path / "s.npz", [1])


def test_the_file_before_is_kept_beside(tmp_path):
    path, previous = tmp_path / "s.npz", tmp_path / "s.npz.previous"
    save_state(path, {"a": 1})
    assert os.listdir(tmp_path) == ["s.npz"]
    for number in (2, 3):
        save_state(path, {"a": number})
        assert (load_state(path), load_state(previous)) == ({"a": number}, {"a": number - 1})
    save_state(path, {"a": 4}, keep_previous=False)
    assert (load_state(path), load_state(previous)) == ({"a": 4}, {"a": 2})
    assert sorted(os.listdir(tmp_path)) == ["s.npz", "s.npz.previous"]


def test_a_folder_in_the_way_stays(tmp_path):
    path = tmp_path / "s.npz"
    path.mkdir()
    (path / "mine").touch()
    with pytest.raises(OSError, match="directory"):
        save_state(path, {"a": 1})
    assert [entry.name for entry in tmp_path.rglob("*")] == ["s.npz", "mine"]


def numbered(number: int) -> dict:
    return {"number": number, "values": np.full(50_000, float(number))}


def saved_number(path: Path) -> int:
    state = load_state(path)
    assert (state["values"] == state["number"]).all()
    return state["number"]


def save_forever(path: Path, number: int, pipe: int) -> None:
    try:
        for following in count(number + 1):
            save_state(path, numbered(following))
            os.write(pipe, following.to_bytes(8, "big"))
    finally:
        os._exit(1)


def no_link(*_: object) -> None:
    raise PermissionError("this file system has no hard links")


def survive(path: Path, kills: int, links: bool) -> None:
    """Kills savers some time after their first save; the last one, or the one under way, is there.

    The time only varies what is cut off: nothing that is demanded depends on it.
    """
    if not links:
        os.link = no_link
    rng = np.random.default_rng(0)
    save_state(path, numbered(0))
    last = 0
    for _ in range(kills):
        reads, writes = os.pipe()
        child = os.fork()
        if child == 0:
            save_forever(path, last, writes)
        os.close(writes)
        with open(reads, "rb") as pipe:
            first = pipe.read(8)
            time.sleep(rng.uniform(0, 0.01))
            os.kill(child, signal.SIGKILL)
            assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
            acknowledged = int.from_bytes((first + pipe.read())[-8:], "big")
        there = [place for place in (path, state_file._previous(path)) if place.exists()]
        assert len(there) == 2 or not links or acknowledged <= 1
        found = max(saved_number(place) for place in there)
        assert found in (acknowledged, acknowledged + 1)
        last = found
    assert last >= kills


@pytest.mark.integration
@pytest.mark.skipif(os.name != "posix", reason="needs fork and SIGKILL")
@pytest.mark.parametrize("links", [True, False])
def test_a_killed_save_loses_nothing(tmp_path, links):
    code = "import sys, pathlib; from tests.bots.test_state_file import survive; "
    code += f"survive(pathlib.Path(sys.argv[1]), 20, {links})"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "s.npz")], cwd=ROOT, check=True)


def refusal(path: Path) -> str:
    with pytest.raises(ValueError, match="state") as caught:
        load_state(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "not a saved state: it is empty; go back to an earlier checkpoint"),
        (b"weights: 3\n", "is not a state written by save_state: name a file of its"),
        (b"\x89PNG\r\n" + bytes(99), "is not a state written by save_state: name a file of its"),
        (b"PK\x03\x04" + bytes(99), "its end is missing; go back to an earlier checkpoint"),
    ],
)
def test_a_foreign_file_is_named_with_what_is_wrong(tmp_path, content, what):
    path = tmp_path / "s.npz"
    path.write_bytes(content)
    assert refusal(path).endswith(what)


def test_a_foreign_file_names_the_state_that_was_saved_before_it(tmp_path):
    path = tmp_path / "s.npz"
    for _ in range(2):
        save_state(path, selector().state_dict())
    path.write_bytes(b"weights: 3\n")
    assert refusal(path).endswith(f"written by save_state: load {path}.previous, which is")


def test_a_foreign_zip_is_refused(tmp_path):
    path = tmp_path / "s.npz"
    np.savez(path, a=np.zeros(3))
    assert "zip file without the header of a state" in refusal(path)


def test_a_folder_is_refused(tmp_path):
    assert "a folder: name a file in it" in refusal(tmp_path)


def test_every_truncation_is_refused(tmp_path):
    path = tmp_path / "s.npz"
    save_state(path, selector().state_dict())
    content = path.read_bytes()
    for length in range(1, len(content), 7):
        path.write_bytes(content[:length])
        assert "end is missing" in refusal(path) or length == 1


@pytest.mark.integration
def test_a_flipped_byte_is_refused_or_changes_nothing(tmp_path):
    path = tmp_path / "s.npz"
    save_state(path, {"a": np.arange(3), "b": {"c": [1.5, None], "d": np.array(["x"])}})
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :])
        try:
            state = load_state(path)
        except ValueError:
            continue
        assert (state["a"].tolist(), state["b"]["c"]) == ([0, 1, 2], [1.5, None])
        assert state["b"]["d"].tolist() == ["x"]


@pytest.mark.parametrize("damaged", ["truncated", "missing"])
@pytest.mark.parametrize("previous", ["sound", "damaged", "none"])
def test_the_remedy_names_the_file_before_if_it_is_sound(tmp_path, damaged, previous):
    path, beside = tmp_path / "s.npz", tmp_path / "s.npz.previous"
    for number in (1, 2):
        save_state(path, {"a": number})
    if previous != "sound":
        beside.write_bytes(b"damaged")
    if previous == "none":
        beside.unlink()
    path.write_bytes(path.read_bytes()[:-9])
    if damaged == "missing":
        path.unlink()
    with pytest.raises((ValueError, FileNotFoundError)) as caught:
        load_state(path)
    assert isinstance(caught.value, FileNotFoundError) == (damaged == "missing")
    assert str(path) in str(caught.value)
    assert (f"load {beside}" in str(caught.value)) == (previous == "sound")


def test_a_file_that_may_not_be_read_is_an_error_of_the_system(tmp_path):
    path = tmp_path / "s.npz"
    save_state(path, {"a": 1})
    shutil.move(path, tmp_path / "file")
    with pytest.raises(NotADirectoryError):
        load_state(tmp_path / "file" / "s.npz")

import os

import numpy as np
import pytest

from bots import BOTSSelector, Feedback, Pool, load_state, save_state

POOL = Pool.numbered(6, {"weak": np.full(6, 0.1), "strong": np.linspace(0.2, 0.9, 6)})


def selector(seed: int = 0) -> BOTSSelector:
    return BOTSSelector(POOL, np.random.default_rng(seed))


def live(made: BOTSSelector, steps: int) -> list[list[int]]:
    batches = []
    for step in range(steps):
        ids = made.select(2)
        made.update(Feedback(ids, [step % 5, 2], [4, 4]))
        batches.append(ids.tolist())
    return batches


def test_a_file_resumes_bit_for_bit(tmp_path):
    first, second = selector(), selector(seed=9)
    live(first, 5)
    save_state(tmp_path / "s.npz", first.state_dict())
    second.load_state_dict(load_state(tmp_path / "s.npz"))
    assert live(second, 9) == live(first, 9)


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "SFC64", "Philox", "MT19937"])
def test_every_bit_generator_of_numpy_resumes(tmp_path, kind):
    first = BOTSSelector(POOL, np.random.Generator(getattr(np.random, kind)(3)))
    live(first, 3)
    save_state(tmp_path / "s.npz", first.state_dict())
    second = selector()
    second.load_state_dict(load_state(tmp_path / "s.npz"))
    assert live(second, 5) == live(first, 5)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "s.npz"
    save_state(path, {"a": 1})
    with pytest.raises(TypeError):
        save_state(path, {"a": object()})
    assert load_state(path) == {"a": 1}
    assert os.listdir(tmp_path) == ["s.npz"]


@pytest.mark.parametrize("entry", ["a/b", "json"])
def test_reserved_names_are_refused(tmp_path, entry):
    with pytest.raises(ValueError, match="reserved"):
        save_state(tmp_path / "s.npz", {entry: np.zeros(1)})


def damaged(content: bytes) -> list[bytes]:
    half = len(content) // 2
    flipped = content[:half] + bytes([content[half] ^ 255]) + content[half + 1 :]
    return [b"", b"junk", content[:half], content[:-30], flipped]


def test_a_damaged_file_is_a_clear_error(tmp_path):
    path = tmp_path / "s.npz"
    save_state(path, selector().state_dict())
    for content in damaged(path.read_bytes()):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="not a saved state"):
            load_state(path)


def test_pickled_objects_are_never_loaded(tmp_path):
    path = tmp_path / "s.npz"
    np.savez(path, json=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="not a saved state"):
        load_state(path)

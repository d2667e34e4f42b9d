"""Selectors remember how large the last batch and its groups were, and read states that do not."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from bots import BOTSSelector, Feedback, Pool, save_state
from bots.__main__ import main
from bots.live import LiveSelector
from bots.residual_memory import ResidualMemorySelector

RATES = {"weak": np.linspace(0, 0.8, 60), "strong": np.linspace(0.2, 1, 60)}
POOL = Pool.numbered(60, RATES)
ADDED = {
    BOTSSelector: (1, ("batch_size", "group_size")),
    LiveSelector: (1, ("batch_size",)),
    ResidualMemorySelector: (2, ("batch_size", "group_size")),
}
MAKERS = pytest.mark.parametrize("make", ADDED)


def used(make, steps: int = 3):
    selector = make(POOL, np.random.default_rng(0))
    for step in range(steps):
        task_ids = selector.select(20)
        selector.update(Feedback(task_ids, (task_ids + step) % 17, np.full(20, 16)))
    return selector


def aged(selector):
    """Its state as the version before wrote it."""
    version, names = ADDED[type(selector)]
    state = {k: v for k, v in selector.state_dict().items() if k not in names}
    return state | {"version": version}


@MAKERS
def test_a_state_of_the_version_before_goes_on_bit_for_bit(make):
    selector, again = used(make), make(POOL, np.random.default_rng(9))
    again.load_state_dict(aged(selector))
    for _ in range(3):
        chosen = selector.select(20)
        assert_array_equal(again.select(20), chosen)
        feedback = Feedback(chosen, chosen % 5, np.full(20, 16))
        for one in (selector, again):
            one.update(feedback)
    assert_array_equal(again.solve_rates(), selector.solve_rates())


@pytest.mark.parametrize("make", [BOTSSelector, LiveSelector])
def test_inspection_takes_both_sizes_from_the_state(make, tmp_path, capsys):
    save_state(tmp_path / "s", used(make).state_dict())
    assert main(["inspect", str(tmp_path / "s")]) == 0
    out = capsys.readouterr().out
    assert "informative (group of 16)" in out
    assert "next batch: 20 tasks" in out
    assert "assumed" not in out


def test_inspection_lists_both_sizes_of_residual_memory(tmp_path, capsys):
    save_state(tmp_path / "s", used(ResidualMemorySelector).state_dict())
    assert main(["inspect", str(tmp_path / "s")]) == 0
    lines = {tuple(line.split()) for line in capsys.readouterr().out.splitlines()}
    assert {("batch_size", "20"), ("group_size", "16.0")} <= lines


@pytest.mark.parametrize("make", [BOTSSelector, LiveSelector])
def test_inspection_says_which_sizes_are_guesses(make, tmp_path, capsys):
    save_state(tmp_path / "new", make(POOL, np.random.default_rng(0)).state_dict())
    assert main(["inspect", str(tmp_path / "new")]) == 0
    assert capsys.readouterr().out.count("assumed: the state does not say") == 2
    save_state(tmp_path / "old", aged(used(make)))
    assert main(["inspect", str(tmp_path / "old")]) == 0
    assert "batch size                 32, assumed" in capsys.readouterr().out


@pytest.mark.parametrize("make", [BOTSSelector, ResidualMemorySelector])
def test_feedback_that_measured_nothing_leaves_the_group_size(make):
    selector = used(make)
    selector.update(Feedback([1, 2], [0, 0], [0, 0]))
    assert selector.state_dict()["group_size"] == 16


@MAKERS
def test_sizes_that_cannot_be_are_refused(make):
    for name in ADDED[make][1]:
        state = used(make).state_dict() | {name: -1}
        with pytest.raises(ValueError, match=f"{name} is -1"):
            make(POOL, np.random.default_rng(0)).load_state_dict(state)

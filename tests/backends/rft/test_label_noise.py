"""Wrong labels: as many as asked for, of both kinds, and nothing else is touched."""

from functools import cache

import numpy as np
import pytest

from backends.rft.families import make_tasks
from backends.rft.label_noise import with_wrong_labels
from backends.rft.tasks import Task

pytestmark = pytest.mark.integration


@cache
def tasks() -> tuple[Task, ...]:
    return make_tasks("ASMGORPUT", 20, 2, 0)[0]


def changed(share: float, seed: int = 0) -> list[int]:
    noisy = with_wrong_labels(tasks(), share, seed)
    assert [task.key for task in noisy] == [task.key for task in tasks()]
    assert [task.prompt for task in noisy] == [task.prompt for task in tasks()]
    return [k for k, (a, b) in enumerate(zip(tasks(), noisy, strict=True)) if a.answer != b.answer]


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_that_share_of_answers_changes_and_nothing_else(share):
    found = len(changed(share)) / len(tasks())
    assert found == pytest.approx(share, abs=0.005)


def test_half_of_them_are_near_misses():
    noisy = with_wrong_labels(tasks(), 1.0, 0)
    near = [
        sorted(a.answer) == sorted(b.answer) or a.answer[:-1] == b.answer[:-1]
        for a, b in zip(tasks(), noisy, strict=True)
        if len(a.answer) > 3
    ]
    assert 0.45 < np.mean(near) < 0.75  # an answer of another task can be near by chance


def test_the_seed_alone_decides():
    assert changed(0.3) == changed(0.3) != changed(0.3, seed=1)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_outside_0_and_1_is_refused(share):
    with pytest.raises(ValueError, match="share"):
        with_wrong_labels(tasks(), share, 0)

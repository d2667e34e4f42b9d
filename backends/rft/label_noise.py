"""Wrong labels for tasks whose labels are right, to see what selection makes of them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from backends.rft.tasks import Task
from bots import checks


def with_wrong_labels(tasks: Sequence[Task], share: float, seed: int) -> tuple[Task, ...]:
    """The tasks, a share of which have another answer.

    Every second one gets the answer of another task of its domain, which a model hardly ever gives;
    the others a near miss, a mistake that a model makes: two unequal neighbouring characters change
    places, or the last digit is one too high. Those are what a solve rate near 1/2 can hide.

    Args:
        tasks: with text for answers.
        share: of the tasks, in [0, 1], at random.
        seed: of that choice and of the answers.

    Example:
        >>> tasks = [Task(f"Rab{x}=", f"Rab{x}=", f"{x}ba", domain="R1") for x in "cde"]
        >>> [task.answer for task in with_wrong_labels(tasks, 1.0, 0)]
        ['eba', 'bda', 'dba']
    """
    checks.number("share", share, 0, 1)
    rng = np.random.default_rng([seed, 4])
    changed = list(tasks)
    for turn, place in enumerate(rng.permutation(len(tasks))[: round(share * len(tasks))]):
        task = tasks[place]
        others = sorted({t.answer for t in tasks if t.domain == task.domain} - {task.answer})
        foreign = turn % 2 == 0 and bool(others)
        answer = others[rng.integers(len(others))] if foreign else _near_miss(task.answer, rng)
        changed[place] = replace(task, answer=answer)
    return tuple(changed)


def _near_miss(answer: str, rng: np.random.Generator) -> str:
    """The answer with one mistake in it."""
    unequal = [i for i in range(len(answer) - 1) if answer[i] != answer[i + 1]]
    if unequal:
        i = unequal[rng.integers(len(unequal))]
        return answer[:i] + answer[i + 1] + answer[i] + answer[i + 2 :]
    last = answer[-1:] or "0"
    return answer[:-1] + (str((int(last) + 1) % 10) if last.isdigit() else last + last)

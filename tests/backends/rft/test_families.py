from collections import Counter
from itertools import islice, pairwise

import numpy as np
import pytest

from backends.rft.families import FAMILIES, LEVELS, SYMBOLS, examples, make_tasks

EVERY = "".join(FAMILIES)
pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def made():
    return make_tasks(EVERY, 30, 10, seed=3)


def parts(prompt: str) -> tuple[str, str]:
    assert prompt.endswith("=")
    return prompt[0], prompt[1:-1]


def divides_both(d: int, a: int, b: int) -> bool:
    return a % d == 0 and b % d == 0


def right(prompt: str, answer: str) -> bool:
    """Whether the answer is right, by another way than the one that made it."""
    letter, text = parts(prompt)
    match letter:
        case "A":
            a, b = map(int, text.split("+"))
            return int(answer[::-1]) - a == b and (answer == "0" or answer[-1] != "0")
        case "S":
            return int(answer) == sum(map(int, text.replace("+", "")))
        case "M":
            a, b = map(int, text.split("*"))
            return int(answer) == sum([b] * a)
        case "G":
            a, b = map(int, text.split(","))
            return int(answer) == max(d for d in range(1, a + 1) if divides_both(d, a, b))
        case "O":
            rises = all(one <= other for one, other in pairwise(answer))
            return rises and Counter(answer) == Counter(text)
        case "R":
            return [*answer] == [*reversed(text)]
        case "P":
            steps = zip("0" + answer, answer, text, strict=False)
            return len(answer) == len(text) and all(
                (int(after) - int(before) - int(digit)) % 10 == 0 for before, after, digit in steps
            )
        case "U":
            first = sorted(set(text), key=text.index)
            return [*answer] == first
        case "T":
            places, turned = text.split(":")
            n, k = len(turned), int(places)
            return 1 <= k < n and all(answer[i] == turned[(i + k) % n] for i in range(n))
    raise AssertionError(letter)


def level(prompt: str) -> set[int]:
    """The levels that a question can belong to."""
    letter, text = parts(prompt)
    match letter:
        case "A":
            one, other = text.split("+")
            return {len(one)} & {len(other)}  # none for terms of different length
        case "S":
            return {text.count("+")}
        case "M":
            digits = tuple(map(len, text.split("*")))
            return {[(1, 1), (2, 1), (3, 1), (2, 2), (3, 2), (3, 3)].index(digits) + 1}
        case "G":
            largest = max(map(int, text.split(",")))
            return {k for k, top in enumerate((9, 20, 50, 99, 300, 999), 1) if largest <= top}
        case "U":
            return {len(text) - 3}
        case "T":
            return {len(text.split(":")[1]) - 2}
    return {len(text) - 2}


def test_every_answer_is_right(made):
    for task in (*made[0], *made[1]):
        assert right(task.prompt, task.answer), task
        assert set(task.answer) <= set(SYMBOLS)


def test_every_question_is_of_its_level(made):
    for task in (*made[0], *made[1]):
        assert task.domain[0] == task.prompt[0]
        assert int(task.domain[1:]) in level(task.prompt), task


def test_no_question_occurs_twice_over_pool_and_heldout(made):
    prompts = [task.prompt for task in (*made[0], *made[1])]
    assert len(set(prompts)) == len(prompts)
    assert all(task.key == task.prompt for task in (*made[0], *made[1]))


def test_every_family_has_every_level_in_both_parts(made):
    cells = {f"{letter}{level}" for letter in EVERY for level in LEVELS}
    assert {task.domain for task in made[0]} == cells
    assert {task.domain for task in made[1]} == cells
    assert max(Counter(task.domain for task in made[0]).values()) == 30
    assert max(Counter(task.domain for task in made[1]).values()) == 10


def test_a_small_cell_keeps_questions_to_learn_from():
    pool, heldout = make_tasks("M", 1000, 1000, seed=0)
    assert sum(task.domain == "M1" for task in pool) == 40  # of 100 products of two digits
    assert sum(task.domain == "M1" for task in heldout) == 15


def test_the_same_seed_gives_the_same_tasks_and_another_gives_others(made):
    assert make_tasks(EVERY, 30, 10, seed=3) == made
    assert set(make_tasks("R", 30, 10, seed=4)[0]) != {t for t in made[0] if t.domain[0] == "R"}


def test_a_family_has_the_same_tasks_whatever_is_beside_it(made):
    alone = make_tasks("T", 30, 10, seed=3)
    for part, whole in zip(alone, made, strict=True):
        assert part == tuple(task for task in whole if task.domain[0] == "T")


def test_examples_are_right_and_never_one_of_those_kept_apart():
    pool, heldout = make_tasks("M", 40, 15, seed=0)
    apart = frozenset(task.prompt for task in (*pool, *heldout))
    drawn = list(islice(examples("M", apart, np.random.default_rng(0)), 3000))
    assert not apart & {prompt for prompt, _ in drawn}
    assert all(right(prompt, answer) for prompt, answer in drawn)
    anything = islice(examples("M", frozenset(), np.random.default_rng(0)), 3000)
    assert apart & {prompt for prompt, _ in anything}


def test_examples_of_low_levels_are_more_frequent():
    """Level l has weight 0.9 ** l; each within 5 sigma, false alarms 4e-6 in all."""
    drawn = islice(examples("R", frozenset(), np.random.default_rng(0)), 20_000)
    counts = Counter(len(prompt) - 4 for prompt, _ in drawn)
    weights = {level: 0.9**level for level in LEVELS}
    for level_, weight in weights.items():
        share = weight / sum(weights.values())
        sigma = np.sqrt(20_000 * share * (1 - share))
        assert abs(counts[level_] - 20_000 * share) < 5 * sigma

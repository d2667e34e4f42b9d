"""Procedural task families with exact levels, small enough for a model of 300,000 weights."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np

from backends.rft.tasks import Task

LEVELS = range(1, 7)
SYMBOLS = "0123456789abcde"
_DRAWS = 4000
_POOL_SHARE, _HELDOUT_SHARE = 0.4, 0.15
_GCD_UP_TO = (9, 20, 50, 99, 300, 999)
_FACTOR_DIGITS = ((1, 1), (2, 1), (3, 1), (2, 2), (3, 2), (3, 3))

Question = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Family:
    """Questions of one kind.

    Attributes:
        letter: the first character of its prompts.
        summary: what is asked.
        ask: draws a question of a level: what stands between the letter and `=`, and the answer.
    """

    letter: str
    summary: str
    ask: Callable[[np.random.Generator, int], Question]

    def draw(self, rng: np.random.Generator, level: int) -> Question:
        """A prompt and its answer.

        Example:
            >>> FAMILIES["R"].draw(np.random.default_rng(0), 1)
            ('Rc97=', '79c')
        """
        arguments, answer = self.ask(rng, level)
        return f"{self.letter}{arguments}=", answer


def make_tasks(
    letters: Sequence[str], pool_per_cell: int, heldout_per_cell: int, seed: int
) -> tuple[tuple[Task, ...], tuple[Task, ...]]:
    """Tasks for the pool and held-out tasks, of every family at every level.

    No question occurs twice within a family, at whatever level. A small cell gives at most 40 % of
    its questions to the pool and 15 % to the held-out tasks, so that the rest can be learned from.

    Args:
        letters: which families.
        pool_per_cell: tasks of one family and level in the pool.
        heldout_per_cell: the same, held out.
        seed: of the questions.
    """
    pool: list[Task] = []
    heldout: list[Task] = []
    for letter in letters:
        used: set[str] = set()
        for level in LEVELS:
            cell = [
                question for question in _distinct(letter, level, seed) if question[0] not in used
            ]
            for_pool = min(pool_per_cell, int(_POOL_SHARE * len(cell)))
            for_heldout = min(heldout_per_cell, int(_HELDOUT_SHARE * len(cell)))
            chosen = cell[: for_pool + for_heldout]
            used.update(prompt for prompt, _ in chosen)
            tasks = [Task(p, p, a, "exact", f"{letter}{level}") for p, a in chosen]
            pool += tasks[:for_pool]
            heldout += tasks[for_pool:]
    return tuple(pool), tuple(heldout)


def examples(
    letters: Sequence[str],
    without: frozenset[str],
    rng: np.random.Generator,
    level_weight: float = 0.9,
) -> Iterator[Question]:
    """Questions for supervised training, for ever, none of which is in `without`.

    Families are equally likely, level l has weight `level_weight` ** l.
    """
    weights = level_weight ** np.array(LEVELS, dtype=float)
    weights /= weights.sum()
    while True:
        families = rng.integers(len(letters), size=_DRAWS)
        levels = rng.choice(np.array(LEVELS), size=_DRAWS, p=weights)
        for family, level in zip(families, levels, strict=True):
            question = FAMILIES[letters[int(family)]].draw(rng, int(level))
            if question[0] not in without:
                yield question


def _distinct(letter: str, level: int, seed: int) -> list[Question]:
    """Distinct questions of a cell, in random order."""
    rng = np.random.default_rng([seed, ord(letter), level])
    return list(dict(FAMILIES[letter].draw(rng, level) for _ in range(_DRAWS)).items())


def _number(rng: np.random.Generator, digits: int) -> int:
    """Uniform among the numbers of so many digits, 0 included for one."""
    return int(rng.integers(10 ** (digits - 1) if digits > 1 else 0, 10**digits))


def _text(rng: np.random.Generator, symbols: str, length: int) -> str:
    return "".join(symbols[place] for place in rng.integers(len(symbols), size=length))


def _sum(rng: np.random.Generator, level: int) -> Question:
    a, b = _number(rng, level), _number(rng, level)
    return f"{a}+{b}", str(a + b)[::-1]


def _chain(rng: np.random.Generator, level: int) -> Question:
    terms = rng.integers(10, size=level + 1)
    return "+".join(map(str, terms)), str(terms.sum())


def _product(rng: np.random.Generator, level: int) -> Question:
    a, b = (_number(rng, digits) for digits in _FACTOR_DIGITS[level - 1])
    return f"{a}*{b}", str(a * b)


def _gcd(rng: np.random.Generator, level: int) -> Question:
    a, b = (int(value) for value in rng.integers(1, _GCD_UP_TO[level - 1] + 1, size=2))
    return f"{a},{b}", str(gcd(a, b))


def _sort(rng: np.random.Generator, level: int) -> Question:
    digits = _text(rng, SYMBOLS[:10], level + 2)
    return digits, "".join(sorted(digits))


def _reverse(rng: np.random.Generator, level: int) -> Question:
    text = _text(rng, SYMBOLS, level + 2)
    return text, text[::-1]


def _prefix_sums(rng: np.random.Generator, level: int) -> Question:
    digits = rng.integers(10, size=level + 2)
    return "".join(map(str, digits)), "".join(map(str, digits.cumsum() % 10))


def _unique(rng: np.random.Generator, level: int) -> Question:
    text = _text(rng, SYMBOLS[:10], level + 3)
    return text, "".join(dict.fromkeys(text))


def _rotate(rng: np.random.Generator, level: int) -> Question:
    text = _text(rng, SYMBOLS, level + 2)
    places = int(rng.integers(1, len(text)))
    return f"{places}:{text}", text[places:] + text[:places]


FAMILIES = {
    family.letter: family
    for family in (
        Family("A", "a sum, least significant digit first", _sum),
        Family("S", "a chain of sums of one-digit numbers", _chain),
        Family("M", "a product", _product),
        Family("G", "a greatest common divisor", _gcd),
        Family("O", "digits in order", _sort),
        Family("R", "a text reversed", _reverse),
        Family("P", "prefix sums modulo 10", _prefix_sums),
        Family("U", "a text without repeated symbols", _unique),
        Family("T", "a text rotated to the left", _rotate),
    )
}

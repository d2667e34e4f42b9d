"""What fuzzing checks, on a few hundred mutations that are always the same."""

from types import ModuleType

import numpy as np
import pytest

from tests.fuzz import feedback_target, state_target


def mutated(seed: bytes, rng: np.random.Generator) -> bytes:
    """A few bytes removed, inserted, replaced, or copied from elsewhere."""
    data = bytearray(seed)
    for _ in range(rng.integers(1, 5)):
        place, other = rng.integers(len(data) + 1, size=2)
        removed, added = rng.integers(9, size=2)
        anything = bytes(data[other : other + added]) if rng.random() < 0.5 else rng.bytes(added)
        data[place : place + removed] = anything
    return bytes(data)


@pytest.mark.parametrize("target", [state_target, feedback_target])
def test_a_seed_and_its_mutations_show_no_defect(target: ModuleType):
    rng = np.random.default_rng(0)
    seeds = target.seeds()
    for seed in seeds:
        target.check(seed)
    for _ in range(300):
        target.check(mutated(seeds[rng.integers(len(seeds))], rng))

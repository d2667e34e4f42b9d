import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots import Pool
from bots.baselines import EasyToHardSelector
from tests.bots.baselines.schedules.naive import NaiveWalk

NUM_TASKS = 12
REFERENCES = {"weak": np.random.default_rng(3).random(NUM_TASKS)}
exclusions = st.lists(
    st.tuples(st.integers(1, 4), st.sets(st.integers(0, NUM_TASKS - 1), max_size=8)), max_size=30
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_easy_to_hard_goes_by_the_weak_rate_then_the_strong_one_then_starts_again():
    references = {"weak": [0.2, 0.9, 0.2, np.nan], "strong": [0.5, 0.1, 0.8, 1.0]}
    selector = EasyToHardSelector(Pool.numbered(4, references), rng())
    assert selector.select(3).tolist() == [1, 2, 0]
    assert selector.select(3).tolist() == [3, 1, 2]


def test_easy_to_hard_breaks_ties_at_random():
    pool = Pool.numbered(30, {"weak": np.zeros(30)})
    orders = {tuple(EasyToHardSelector(pool, rng(seed)).select(30)) for seed in range(3)}
    assert len(orders) == 3


def test_easy_to_hard_needs_rates():
    with pytest.raises(ValueError, match="the pool has none"):
        EasyToHardSelector(Pool.numbered(4), rng())


@given(exclusions)
def test_easy_to_hard_passes_over_excluded_tasks_as_on_paper(steps):
    pool = Pool.numbered(NUM_TASKS, REFERENCES)
    order = np.argsort(-pool.references["weak"]).tolist()
    selector, walk = EasyToHardSelector(pool, rng()), NaiveWalk(order)
    for size, gone in steps:
        expected = walk.take(size, gone)
        if len(expected) < size:
            walk = NaiveWalk(order)
            expected += walk.take(size - len(expected), gone | set(expected))
        assert selector.select(size, list(gone)).tolist() == expected


@pytest.mark.parametrize("damage", ["walk_N", "order_N"])
def test_easy_to_hard_refuses_a_state_whose_walk_is_none(damage):
    selector = EasyToHardSelector(Pool.numbered(NUM_TASKS, REFERENCES), rng())
    state = selector.state_dict()
    state[damage][0] = state[damage][1]
    with pytest.raises(ValueError, match=f"the state's {damage} is"):
        selector.load_state_dict(state)

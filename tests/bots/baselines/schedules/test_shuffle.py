import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bots import Pool
from bots.baselines import ShuffleSelector
from tests.bots.baselines.schedules.naive import NaiveWalk

NUM_TASKS = 12
exclusions = st.lists(
    st.tuples(st.integers(1, 4), st.sets(st.integers(0, NUM_TASKS - 1), max_size=8)), max_size=30
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_shuffle_visits_every_task_once_per_epoch_in_new_orders():
    selector = ShuffleSelector(Pool.numbered(12), rng())
    epochs = [np.concatenate([selector.select(4) for _ in range(3)]) for _ in range(2)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(12))
    assert epochs[0].tolist() != epochs[1].tolist()


def test_shuffle_drops_a_remainder_rather_than_repeating_a_task():
    selector = ShuffleSelector(Pool.numbered(10), rng())
    for _ in range(50):
        assert len(set(selector.select(4).tolist())) == 4


@given(exclusions)
def test_shuffle_passes_over_excluded_tasks_as_on_paper(steps):
    selector, draws, walk = ShuffleSelector(Pool.numbered(NUM_TASKS), rng()), rng(), NaiveWalk([])
    for size, gone in steps:
        if len(set(walk.left) - gone) < size:
            walk = NaiveWalk(draws.permutation(NUM_TASKS).tolist())
        assert selector.select(size, list(gone)).tolist() == walk.take(size, gone)

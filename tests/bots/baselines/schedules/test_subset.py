import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bots.baselines.schedules.subset import SubsetEpochs
from tests.bots.baselines.schedules.naive import NaiveWalk

NUM_TASKS, SIZE = 12, 5
DISTANCE_N = np.random.default_rng(3).random(NUM_TASKS)
exclusions = st.lists(
    st.tuples(st.integers(1, 4), st.sets(st.integers(0, NUM_TASKS - 1), max_size=8)), max_size=30
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(exclusions)
def test_epochs_over_a_subset_as_on_paper(steps):
    epochs = SubsetEpochs(DISTANCE_N, SIZE, rng())
    ranking = sorted(range(NUM_TASKS), key=lambda task: DISTANCE_N[task])
    subset, draws, walk = ranking[:SIZE], rng(1), NaiveWalk([])
    used = rng(1)
    for size, gone in steps:
        inside = min(size, len(set(subset) - gone))
        if len(set(walk.left) - gone) < inside:
            walk = NaiveWalk([subset[place] for place in draws.permutation(SIZE)])
        expected = walk.take(inside, gone)
        expected += [task for task in ranking[SIZE:] if task not in gone][: size - inside]
        assert epochs.take(size, used, np.array(sorted(gone), dtype=int)).tolist() == expected


def test_nothing_in_the_subset_leaves_the_stand_ins():
    epochs = SubsetEpochs(np.array([3.0, np.nan, 1.0, 2.0]), 0, rng())
    nothing = np.empty(0, dtype=np.int64)
    assert epochs.take(3, rng(), nothing).tolist() == [2, 3, 0]
    assert epochs.take(4, rng(), nothing).tolist() == [2, 3, 0, 1]


def test_ties_are_put_in_order_at_random():
    made = [SubsetEpochs(np.zeros(30), 3, rng(seed)) for seed in range(3)]
    assert len({tuple(epochs.state_dict()["ranking"].tolist()) for epochs in made}) == 3

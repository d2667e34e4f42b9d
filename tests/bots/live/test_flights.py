import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.live.flights import Flights

TASKS = st.integers(0, 9)


def flights(*batches, version: float = 0.0) -> Flights:
    made = Flights()
    for batch in batches:
        made.open(np.array(batch), version)
    return made


def test_batches_are_numbered_in_order():
    made = Flights()
    assert [made.open(np.array([k]), 0.0) for k in range(3)] == [0, 1, 2]
    made.close(2)
    assert made.open(np.array([7]), 0.0) == 3
    assert (made.num_batches, sorted(made.tasks())) == (3, [0, 1, 7])


def test_a_task_is_taken_once_from_the_batch_that_it_is_in():
    made = flights([1, 2, 3], [3, 4])
    assert made.take(0, np.array([3, 2, 9])).tolist() == [True, True, False]
    assert made.take(0, np.array([3, 2])).tolist() == [False, False]
    assert sorted(made.tasks()) == [1, 3, 4]
    assert made.take(5, np.array([1])).tolist() == [False]


def test_what_lands_unnamed_comes_from_the_oldest_batch():
    made = flights([1, 2], [2, 3])
    made.land(np.array([2, 8]))
    assert sorted(made.tasks()) == [1, 2, 3]
    assert made.take(0, np.array([2])).tolist() == [False]
    assert made.take(1, np.array([2])).tolist() == [True]


def test_closed_and_lost_batches_expect_nothing():
    made = flights([1], [2])
    made.open(np.array([3]), 5.0)
    made.close(0)
    made.close(0)
    assert made.lost(5.0) == 1
    assert made.tasks().tolist() == [3]
    made.stamp(9.0)
    assert made.lost(9.0) == 0
    assert made.lost(9.5) == 1
    assert made.num_batches == 0


def test_a_batch_that_was_never_selected_is_refused():
    made = flights([1])
    made.check(0)
    with pytest.raises(ValueError, match="never selected"):
        made.check(1)


def test_tasks_that_leave_the_pool_are_no_longer_expected():
    made = flights([1, 2], [1], [3, 4])
    made.forget(np.array([1, 3]))
    assert made.num_batches == 2
    made.moved(np.array([-1, -1, 7, -1, -1]))
    assert (made.num_batches, made.tasks().tolist()) == (1, [7])


@given(
    st.lists(st.tuples(st.sampled_from(["open", "take", "land", "close", "lost"]), TASKS, TASKS))
)
def test_any_life_is_restored_from_its_state(life):
    made = Flights()
    for now, (what, one, other) in enumerate(life):
        if what == "open":
            made.open(np.unique([one, other]), float(now))
        elif what == "take":
            made.take(one, np.array([other]))
        elif what == "land":
            made.land(np.unique([one, other]))
        else:
            made.close(one) if what == "close" else made.lost(now - one)
    state = made.state_dict()
    restored = Flights.restored(state, 10)
    assert str(restored.state_dict()) == str(state)
    assert restored.open(np.array([1]), 0.0) == made.open(np.array([1]), 0.0)


DAMAGES = {
    "batches": [lambda x: x[::-1].copy(), lambda x: x + 9, lambda x: x - 9, lambda x: x[:1]],
    "sizes": [lambda x: x + 1, lambda x: 0 * x, lambda x: x.astype(float), lambda x: -x],
    "tasks": [lambda x: x + 9, lambda x: x - 9, lambda x: x[:-1], lambda x: x[None]],
    "since": [lambda x: x * np.nan, lambda x: x[:1], lambda x: x.tolist()],
    "next": [lambda x: 0, lambda x: -1, lambda x: 2.0, lambda x: None],
}


@pytest.mark.parametrize(
    ("name", "which"), [(n, i) for n in DAMAGES for i in range(len(DAMAGES[n]))]
)
def test_damaged_states_are_refused(name, which):
    state = flights([1, 2], [3]).state_dict()
    Flights.restored(state, 10)
    state[name] = DAMAGES[name][which](state[name])
    with pytest.raises(ValueError, match=r"damaged|next batch"):
        Flights.restored(state, 10)


@pytest.mark.parametrize("state", [None, {}, [], {"next": 0}])
def test_other_states_are_refused(state):
    with pytest.raises(ValueError, match="damaged"):
        Flights.restored(state, 10)

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from bots import Feedback, Pool
from bots.baselines.histories.dps import DPSSelector

THIRD = 1 / 3


def make(num_tasks: int, **options) -> DPSSelector:
    return DPSSelector(Pool.numbered(num_tasks), np.random.default_rng(0), **options)


def test_dps_by_hand():
    """Partial, then solved, then unobserved, with decay 1/2.

    At first every column of the moves is (1, 1, 1). The move to the middle comes from the three
    states alike: a third each. The columns of the middle row are then 4/3 of 10/3, so q is
    (0.3, 0.4, 0.3). The move to the last state comes from the middle for certain.
    """
    selector = make(2, decay=0.5)
    selector.update(Feedback([0], [3], [8]))
    state = selector.state_dict()
    assert_allclose(state["moves_N33"][0], [[1, 1, 1], [4 / 3] * 3, [1, 1, 1]])
    assert_allclose(state["next_N3"][0], [0.3, 0.4, 0.3])
    selector.update(Feedback([0], [8], [8]))
    state, kept = selector.state_dict(), 0.5 + 0.5 * 4 / 3
    assert_allclose(state["moves_N33"][0], [[1, 1, 1], [kept] * 3, [1, 2, 1]])
    assert_allclose(state["next_N3"][0], np.array([1, kept, 1]) / (2 + kept))
    selector.update(Feedback([1], [0], [8]))
    state, left = selector.state_dict(), 0.5 + 0.5 * kept
    moves = np.array([[1, 1, 1], [left] * 3, [1, 1.5, 1]])
    assert_allclose(state["moves_N33"][0], moves)
    after = moves / moves.sum(0) @ (np.array([1, kept, 1]) / (2 + kept))
    assert_allclose(state["next_N3"][0], after)
    assert_allclose(state["next_N3"][1], [0.4, 0.3, 0.3])


class Chain:
    """One task, as lists, by enumeration of all paths since it was last measured.

    Without decay, moves change at measurements alone, so between two of them the chain is fixed,
    and the state before the second one, given both, is a sum over paths.
    """

    def __init__(self):
        self.moves = [[1.0] * 3 for _ in range(3)]
        self.start, self.gap = [THIRD] * 3, 0  # past distribution, steps since
        self.seen = False

    def shares(self):
        totals = [sum(row[j] for row in self.moves) for j in range(3)]
        return [[row[j] / totals[j] for j in range(3)] for row in self.moves]

    def weights(self, length):
        """Every path of `length` moves with its probability."""
        shares = self.shares()
        for path in product(range(3), repeat=length + 1):
            weight = self.start[path[0]]
            for origin, goal in pairwise(path):
                weight *= shares[goal][origin]
            yield path, weight

    def observe(self, state):
        origins = [0.0] * 3
        for path, weight in self.weights(self.gap + 1):
            if path[-1] == state:
                origins[path[-2]] += weight
        for origin in range(3):
            self.moves[state][origin] += origins[origin] / sum(origins)
        self.start, self.gap, self.seen = [float(i == state) for i in range(3)], 0, True

    def prediction(self):
        found = [0.0] * 3
        for path, weight in self.weights(self.gap + 1):
            found[path[-1]] += weight
        return found


states = st.sampled_from([None, 0, 1, 2])
steps = st.lists(st.tuples(states, states).filter(lambda step: step != (None, None)), max_size=6)


@settings(max_examples=40, deadline=None)
@given(steps)
def test_without_decay_the_filter_is_a_sum_over_all_paths(observed):
    selector, chains = make(2, decay=1.0), [Chain(), Chain()]
    for step in observed:
        ids = [task for task in range(2) if step[task] is not None]
        selector.update(Feedback(ids, [step[task] * 4 for task in ids], [8] * len(ids)))
        for chain, state in zip(chains, step, strict=True):
            if state is not None:
                chain.observe(state)
            elif chain.seen:
                chain.gap += 1
    expected = [chain.prediction() if chain.seen else [THIRD] * 3 for chain in chains]
    assert_allclose(selector.state_dict()["next_N3"], expected, rtol=1e-9)


def test_full_decay_keeps_the_last_move_alone():
    selector = make(1, decay=0.0)
    for solved in (0, 4, 4, 8):
        selector.update(Feedback([0], [solved], [8]))
    expected = np.ones((3, 3))
    expected[2, 1] += 1
    assert selector.state_dict()["moves_N33"][0].tolist() == expected.tolist()


def test_an_unvisited_task_forgets_its_moves_and_its_state():
    selector = make(2)
    selector.update(Feedback([0], [8], [8]))
    for _ in range(60):
        selector.update(Feedback([1], [8], [8]))
    assert_allclose(selector.state_dict()["moves_N33"][0], np.ones((3, 3)), atol=1e-6)
    assert_allclose(selector.state_dict()["next_N3"][0], [THIRD] * 3, atol=1e-6)


def test_tasks_likely_to_be_partly_solved_are_preferred_then_unseen_ones():
    selector = make(9)
    for _ in range(3):
        selector.update(Feedback([0, 1, 2, 3], [4, 1, 0, 8], [8, 8, 8, 8]))
    assert set(selector.select(2).tolist()) == {0, 1}
    assert set(selector.select(7).tolist()) == {0, 1, 4, 5, 6, 7, 8}
    assert set(selector.select(2, [0]).tolist()) - {1} <= {4, 5, 6, 7, 8}


def test_a_group_that_was_lost_moves_nothing():
    selector = make(2)
    selector.update(Feedback([0], [4], [8]))
    before = selector.state_dict()["next_N3"].tolist()
    selector.update(Feedback([0], [0], [0]))
    assert selector.state_dict()["next_N3"].tolist() == before


def test_dps_chooses_among_the_next_candidates_that_are_not_excluded():
    selector = make(40, candidate_ratio=2)
    order = [task for task in np.random.default_rng(0).permutation(40).tolist() if task % 2]
    assert set(selector.select(5, np.arange(0, 40, 2))) <= set(order[:10])


@pytest.mark.parametrize("wrong", [{"decay": 1.5}, {"candidate_ratio": 0}, {"prior": 0.0}])
def test_dps_refuses_impossible_settings(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        make(4, **wrong)

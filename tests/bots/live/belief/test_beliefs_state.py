import numpy as np
import pytest

from bots.live.belief.beliefs import Beliefs
from tests.bots.live.helpers import lived_beliefs

DAMAGES = {
    "class_N": [lambda x: x + 11, lambda x: x[:-1], lambda x: x.astype(np.int64), lambda x: x[:0]],
    "excess_N2": [lambda x: x * np.nan, lambda x: x[:, 0], lambda x: x * np.float32(np.inf)],
    "last_N": [lambda x: x * np.nan, lambda x: x + np.inf, lambda x: x[:-1]],
    "streak_N": [lambda x: x.astype(np.int16), lambda x: x[:-1], lambda x: x.tolist()],
    "removed_N": [lambda x: x[:-1], lambda x: x | 1, lambda x: x.astype(np.bool_)],
    "visited_V": [lambda x: x - 300, lambda x: x + 300, lambda x: np.append(x, x[:1])],
    "alpha_C": [lambda x: x - 50, lambda x: 0 * x, lambda x: x * np.nan, lambda x: x * 1e300],
    "beta_C": [lambda x: x - 50, lambda x: x[:-1], lambda x: x + np.inf, lambda x: x[None]],
    "weight": [lambda x: -x, lambda x: -0.5, lambda x: np.nan, lambda x: "1"],
    "scale": [lambda x: 0.0, lambda x: 2.0, lambda x: -x, lambda x: None],
    "updates": [lambda x: -1, lambda x: 1.5, lambda x: True],
}


@pytest.mark.parametrize(
    ("name", "which"), [(n, i) for n in DAMAGES for i in range(len(DAMAGES[n]))]
)
def test_damaged_states_are_refused(name, which):
    state = lived_beliefs(5).state_dict()
    with np.errstate(all="ignore"):
        state[name] = DAMAGES[name][which](state[name])
    with pytest.raises(ValueError, match=r"damaged|must be"):
        Beliefs.restored(state, (1.0, 1.0))


@pytest.mark.parametrize("name", sorted(lived_beliefs(5, 2).state_dict()))
def test_states_without_an_entry_are_refused(name):
    state = lived_beliefs(5).state_dict()
    del state[name]
    with pytest.raises(ValueError, match="missing"):
        Beliefs.restored(state, (1.0, 1.0))


def test_beliefs_that_never_learned_come_back():
    for num_tasks in (1, 8, 9):
        state = Beliefs(np.zeros(num_tasks, np.uint16), 1).state_dict()
        assert str(Beliefs.restored(state, (1.0, 1.0)).state_dict()) == str(state)

import numpy as np
import pytest

from bots.live.selector import LiveSelector
from tests.bots.live.helpers import pool_of


def selector() -> LiveSelector:
    return LiveSelector(pool_of(20), np.random.default_rng(0))


def test_a_selector_that_never_chose_comes_back():
    state = selector().state_dict()
    again = selector()
    again.load_state_dict(state)
    assert again.state_dict()["density"].size == 0
    assert state["version"] == 1


@pytest.mark.parametrize("density", [[0.0, 1.0], [1.0, -1.0], [0.0]])
def test_a_density_that_is_not_positive_is_refused(density):
    state = selector().state_dict() | {"density": np.array(density)}
    with pytest.raises(ValueError, match="density"):
        selector().load_state_dict(state)

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bots import Pool
from bots.live.pools import joined
from bots.live.selector import LiveSelector
from tests.bots.live.helpers import pool_of, step


def selector() -> LiveSelector:
    return LiveSelector(pool_of(20), np.random.default_rng(0))


def test_a_selector_that_never_chose_comes_back():
    state = selector().state_dict()
    again = selector()
    again.load_state_dict(state)
    assert again.state_dict()["density"].size == 0
    assert state["version"] == 2


@pytest.mark.parametrize("density", [[0.0, 1.0], [1.0, -1.0], [0.0]])
def test_a_density_that_is_not_positive_is_refused(density):
    state = selector().state_dict() | {"density": np.array(density)}
    with pytest.raises(ValueError, match="density"):
        selector().load_state_dict(state)


def test_a_class_that_only_the_new_pool_has_begins_as_one_that_is_added():
    old, rng = selector(), np.random.default_rng(1)
    for _ in range(5):
        step(old, rng)
    extra = Pool([999], {"weak": [0.33], "strong": [0.77]})
    resumed = LiveSelector(joined(old.pool, extra), np.random.default_rng(0))
    resumed.resume(old.state_dict())
    (added,) = old.add(extra)
    counts = np.array(old.beliefs.pseudo_counts(np.array([added])))
    assert counts.sum() > 2.5
    assert_allclose(resumed.beliefs.pseudo_counts(np.array([added])), counts, rtol=1e-6)

import numpy as np

from bots.live.belief.beliefs import Beliefs

NOTHING = np.empty(0, np.int64), (np.empty(0), np.empty(0))


def test_what_is_immaterial_is_forgotten_at_every_sixteenth_update():
    beliefs = Beliefs(np.zeros(4, np.uint16), 1)
    assert beliefs.state_dict()["updates"] == 0
    beliefs.update(1.0, (0.0, None), np.array([2]), (np.ones(1), np.ones(1)))
    beliefs.update(0.0, (0.0, None), *NOTHING)
    for _ in range(15):
        beliefs.tidy()
        assert beliefs.visited_V.tolist() == [2]
    beliefs.tidy()
    assert beliefs.visited_V.size == 0

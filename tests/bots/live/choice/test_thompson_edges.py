import numpy as np

from bots.live.choice import thompson
from bots.live.choice.thompson import DrawLaw, draw_best
from tests.bots.live.helpers import NEVER, believed


def test_classes_and_visited_tasks_do_not_share_random_numbers(monkeypatch):
    """Tasks of low numbers would otherwise be drawn with the first class's gaps."""
    keys = {"count_proposals": [], "list_proposals": [], "mark_visited": []}

    def spied(name):
        plain = getattr(thompson, name)

        def spy(key, *rest):
            keys[name].append(int(key))
            return plain(key, *rest)

        return spy

    for name in keys:
        monkeypatch.setattr(thompson, name, spied(name))
    beliefs = believed(np.zeros(30, np.int64), (0.5,), (3.0,), {1: (9.0, 11.0)})
    law = DrawLaw(0.5, np.ones(1), np.zeros(1, np.int64), 1, NEVER)
    draw_best(beliefs, law, np.array([5]), np.array([100.0]), np.random.default_rng(0))
    assert keys["count_proposals"] == keys["list_proposals"]
    every = keys["count_proposals"] + keys["mark_visited"]
    assert len(set(every)) == len(every) > 0

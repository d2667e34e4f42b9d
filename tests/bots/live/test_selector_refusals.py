import numpy as np
import pytest

from bots import Pool
from tests.bots.live.helpers import feedback, flat, lived_selector, make_selector, pool_of

CALLS = {
    "select-0": lambda s: s.select(0),
    "select-many": lambda s: s.select(201),
    "exclude-mask": lambda s: s.select(5, np.zeros(200, np.bool_)),
    "exclude-outside": lambda s: s.select(5, np.array([200])),
    "exclude-all": lambda s: s.draw(5, np.arange(198)),
    "unknown-batch": lambda s: s.update(feedback([1], 2, batch_id=99)),
    "unknown-task": lambda s: s.update(feedback([1, 200], 2)),
    "unknown-task-of-batch": lambda s: s.update(feedback([1, 200], 2, batch_id=0)),
    "huge": lambda s: s.update(feedback([1], 2, trials=2e9)),
    "cancel-unknown": lambda s: s.cancel(99),
    "cancel-negative": lambda s: s.cancel(-1),
    "remove-outside": lambda s: s.remove([200]),
    "remove-all": lambda s: s.remove(np.arange(200)),
    "remove-none": lambda s: s.remove([]),
    "add-known": lambda s: s.add(pool_of(3, domains=3)),
    "add-others": lambda s: s.add(Pool(["x"])),
    "add-domains": lambda s: s.add(pool_of(60, domains=40, first=900)),
    "positions": lambda s: s.positions([5, 1_000]),
    "load-nothing": lambda s: s.load_state_dict({}),
    "resume-nothing": lambda s: s.resume(None),
    "load-other": lambda s: s.load_state_dict(make_selector(199).state_dict()),
    "resume-settings": lambda s: s.resume(make_selector(target=0.4).state_dict()),
}


@pytest.mark.integration
@pytest.mark.parametrize("name", CALLS)
def test_a_refused_call_changes_nothing(name):
    selector = lived_selector(4, domain_floor=0.1)
    selector.draw(8)
    before, pool = flat(selector.state_dict()), selector.pool
    with pytest.raises(ValueError, match=r"."):
        CALLS[name](selector)
    assert flat(selector.state_dict()) == before
    assert selector.pool is pool

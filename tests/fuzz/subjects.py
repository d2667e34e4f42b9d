"""The selectors that fuzzing drives: both kinds, and the live one with all its options."""

from collections.abc import Callable

import numpy as np

from bots import BOTSConfig, BOTSSelector, Feedback, Pool
from bots.live import LiveConfig, LiveSelector
from bots.selector import AbstractSelector
from tests.bots.states import same

NUM_TASKS = 6
POOL = Pool(
    np.arange(NUM_TASKS),
    {"weak": np.array([0, 0, 0.25, 0.25, 0.5, np.nan]), "strong": np.linspace(0.5, 1, NUM_TASKS)},
    np.array(["a", "b"] * 3),
)
_OPTIONS = LiveConfig(
    learned_weight=True,
    predictor="logit",
    thompson=False,
    utility="informative",
    per_token=True,
    fractional=True,
    staleness=0.1,
    coverage=0.3,
    cooldown=2.0,
    retest=3.0,
    patience=5.0,
    allocation="progress",
    domain_floor=0.1,
)


def _rng(kind: str = "PCG64") -> np.random.Generator:
    return np.random.Generator(getattr(np.random, kind)(0))


MAKERS: list[Callable[[], AbstractSelector]] = [
    lambda: BOTSSelector(POOL, _rng()),
    lambda: BOTSSelector(POOL, _rng("MT19937"), BOTSConfig(implicit_weight=0, temperature=0.1)),
    lambda: LiveSelector(POOL, _rng("Philox")),
    lambda: LiveSelector(POOL, _rng(), _OPTIONS),
    lambda: LiveSelector(POOL, _rng("SFC64"), LiveConfig(retest=4.0, domain_ceiling=0.9)),
]


def lived(selector: AbstractSelector, steps: int = 3) -> AbstractSelector:
    """The selector after some steps of which the last was not answered."""
    for step in range(steps):
        ids = selector.select(2)
        selector.update(
            Feedback(ids, [step % 5, 2], [4, 4], current_version=step, policy_version=0)
        )
    selector.select(2)
    return selector


def use(selector: AbstractSelector) -> None:
    """A step; a selector may refuse it, but must go on believing in rates."""
    try:
        ids = selector.select(2)
        selector.update(Feedback(ids, [1, 4], [4, 4]))
        selector.metrics()
    except ValueError:
        pass
    sound(selector)


def sound(selector: AbstractSelector) -> None:
    """Refuses beliefs that are no rates, and state that no other selector of the kind takes."""
    rates = selector.solve_rates()
    assert rates is None or ((rates >= 0) & (rates <= 1)).all(), rates
    state = selector.state_dict()
    selector.load_state_dict(state)
    assert same(selector.state_dict(), state)

"""Arrays that are taken for feedback: refused with a ValueError, or valid counts.

What a selector refuses to learn from changes nothing in it, and after what it accepts it goes on.
"""

import warnings
from typing import Any

import numpy as np

from bots import Feedback, RolloutBatch
from tests.bots.states import same
from tests.fuzz.draws import Draws
from tests.fuzz.subjects import MAKERS, lived, sound

_SELECTORS = [lived(make()) for make in MAKERS]
_STATES = [selector.state_dict() for selector in _SELECTORS]
_LONGEST = 5


def seeds() -> list[bytes]:
    """Some bytes of each kind; fuzzing finds the rest."""
    rng = np.random.default_rng(0)
    return [bytes([number]) + rng.bytes(60) for number in range(32)] + [bytes(40)]


def check(data: bytes) -> None:
    """Raises an AssertionError, or whatever came up, when the data shows a defect."""
    draws = Draws(data)
    number = draws.integer(len(_SELECTORS))
    try:
        feedback = draws.choice([_counted, _rolled_out, _from_rewards])(draws)
    except ValueError:
        return
    _check_counts(feedback)
    selector, start = _SELECTORS[number], _STATES[number]
    try:
        selector.update(feedback)
    except ValueError:
        assert same(selector.state_dict(), start)
        return
    sound(selector)
    selector.load_state_dict(start)
    assert same(selector.state_dict(), start)


def _counted(draws: Draws) -> Feedback:
    length = draws.integer(_LONGEST) + 1
    columns = [draws.values(length) for _ in range(3)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # some look like mean rewards
        return Feedback(*columns, **_rest(draws, length, ("squares_B", "tokens_B")))


def _from_rewards(draws: Draws) -> Feedback:
    length, flat = draws.integer(_LONGEST) + 1, draws.integer(2)

    def table() -> Any:
        if flat:
            return draws.values(length)
        return [draws.values(draws.integer(_LONGEST)) for _ in range(length)]

    threshold = draws.choice([None, 0.5, "fractional", draws.odd()])
    tokens = table() if draws.integer(3) == 0 else None
    rest = _rest(draws, length, ())
    return Feedback.from_rewards(
        draws.values(length), table(), threshold=threshold, tokens=tokens, **rest
    )


def _rolled_out(draws: Draws) -> Feedback:
    length, width = draws.integer(_LONGEST) + 1, draws.integer(_LONGEST)
    rewards = draws.values(length * width)
    if isinstance(rewards, np.ndarray) and rewards.size == length * width:
        rewards = rewards.reshape(length, width)
    batch = RolloutBatch(draws.values(length), rewards)
    threshold = draws.choice([1.0, 0.5, None, draws.odd()])
    return batch.feedback(threshold, **_rest(draws, length, ("tokens_B",)))


def _rest(draws: Draws, length: int, columns: tuple[str, ...]) -> dict[str, Any]:
    rest = {name: draws.values(length) for name in columns if draws.integer(3) == 0}
    versions = ("batch_id", "policy_version", "current_version")
    return rest | {name: draws.odd() for name in versions if draws.integer(2)}


def _check_counts(feedback: Feedback) -> None:
    ids_B, solved_B, trials_B = feedback.task_ids_B, feedback.successes_B, feedback.trials_B
    assert ids_B.dtype == np.int64
    assert ids_B.min() >= 0
    assert ids_B.shape == solved_B.shape == trials_B.shape
    assert np.isfinite(trials_B).all()
    assert ((solved_B >= 0) & (solved_B <= trials_B)).all()
    assert feedback.age >= 0
    evidence = feedback.evidence()
    rates_U = evidence.solve_rates_U
    assert ((rates_U >= 0) & (rates_U <= 1)).all(), rates_U
    assert np.isfinite(evidence.trials_U).all()
    assert (np.diff(evidence.task_ids_U) > 0).all()
    assert evidence.group_size >= 0
    assert 1 <= evidence.information <= 16

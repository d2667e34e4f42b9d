"""From a state to a view of it."""

from bots.inspection.bots_view import BOTSView
from bots.inspection.live_view import LiveView
from bots.inspection.view import AbstractView
from bots.state import State


def opened(state: State) -> AbstractView | None:
    """A view of the state of a selector that holds Beta beliefs; None for any other's.

    Raises:
        ValueError: for a state of another version, or a damaged one.

    Example:
        >>> import numpy as np
        >>> from bots import BOTSSelector, Pool
        >>> pool = Pool.numbered(3, {"weak": [0.0, 0.2, 0.9], "strong": [0.3, 0.9, 1.0]})
        >>> view = opened(BOTSSelector(pool, np.random.default_rng(0)).state_dict())
        >>> view.points.rates_X.tolist()
        [0.5, 0.5, 0.5]
    """
    if state["selector"] == "live":
        return LiveView(state)
    if state["selector"] == "bots":
        return BOTSView(state)
    return None

"""What a live selector's state holds."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bots import checks
from bots import state as states
from bots._types import Floats
from bots.live.belief.beliefs import Beliefs
from bots.live.belief.classes import TaskClasses, TooManyClassesError, classes_of
from bots.live.config import LiveConfig
from bots.live.flights import Flights
from bots.live.keys import digests, matching
from bots.live.learning import Learning
from bots.live.pools import unpacked
from bots.pool import Pool

NAME, VERSION = "live", 2
MIGRATIONS: dict[int, Callable[[states.State], states.State]] = {
    1: lambda state: state | {"batch_size": 0}
}
"""By version of older states, what makes the next version of it."""
ENTRIES = ("digests", "classes", "beliefs", "learning", "flights", "density", "batch_size")


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """A selector's state, as objects.

    Attributes:
        digests_N: of the tasks' keys.
        classes: the tasks' classes.
        beliefs: about all tasks.
        learning: what feedback has taught.
        flights: batches in flight.
        density_S: as in `Scene`.
        rng: the selector's random numbers.
        batch_size: of the last batch that was chosen; 0: there was none.
    """

    digests_N: npt.NDArray[np.uint64]
    classes: TaskClasses
    beliefs: Beliefs
    learning: Learning
    flights: Flights
    density_S: Floats
    rng: np.random.Generator
    batch_size: int

    @staticmethod
    def unpacked(state: dict[str, Any], config: LiveConfig) -> "Saved":
        """The parts of a state with the right entries.

        Raises:
            ValueError: for damaged state.
        """
        classes, beliefs = (
            unpacked(state["classes"]),
            Beliefs.restored(state["beliefs"], config.prior),
        )
        learning = Learning(config)
        learning.load_state_dict(state["learning"])
        density_S = checks.vector("density", state["density"])
        digests_N = state["digests"]
        sound = isinstance(digests_N, np.ndarray) and digests_N.dtype == np.uint64
        if not sound or digests_N.shape != (beliefs.num_tasks,) or (density_S < 1e-300).any():
            raise ValueError("the state's digests or density are damaged: " + _REMEDY)
        if beliefs.sums.alpha_C.size != classes.num_classes:
            raise ValueError("the state's classes and beliefs do not fit together: " + _REMEDY)
        flights = Flights.restored(state["flights"], beliefs.num_tasks)
        rng = states.generator(state["rng"])
        return Saved(
            *(digests_N.copy(), classes, beliefs, learning, flights, density_S.copy(), rng),
            checks.integer("batch_size", state["batch_size"], 0),
        )

    def on(self, pool: Pool, config: LiveConfig) -> "Saved":
        """The same for another pool, task by task where keys agree.

        Raises:
            ValueError: when the pool has other references.
        """
        try:
            (classes, class_N), move = classes_of(pool, self.classes), self.beliefs.moved
        except TooManyClassesError:
            (classes, class_N), move = classes_of(pool), self.beliefs.regrouped
        digests_N = digests(pool.keys_N)
        old, new = matching(self.digests_N, digests_N)
        position = np.full(self.digests_N.size, -1)
        position[old] = new
        rates_C = self.learning.predict(classes) if config.predicts else None
        beliefs = move(class_N, classes.num_classes, rates_C, (old, new))
        self.flights.moved(position)
        density_S = np.empty(0)
        return replace(
            self, digests_N=digests_N, classes=classes, beliefs=beliefs, density_S=density_S
        )


_REMEDY = "go back to an earlier checkpoint"

"""The state of `LiveSelector`, opened for reading."""

from typing import Any

import numpy as np

from bots import checks
from bots import state as states
from bots._types import Floats, Ints
from bots.inspection.view import LARGEST_GROUP, AbstractView, Batch, Points, Visits
from bots.live.choice.barring import barred
from bots.live.choice.choosing import Scene, choose
from bots.live.choice.kernels import REMOVED
from bots.live.config import LiveConfig
from bots.live.prediction.reliability import LearnedWeight
from bots.live.saved import ENTRIES, MIGRATIONS, NAME, VERSION, Saved
from bots.state import State

_BATCH_SIZE = 32
_NONE = np.empty(0, np.int64)


class LiveView(AbstractView):
    """What a live selector believes: a point per class for its unvisited tasks, and one per visit.

    Args:
        state: what `LiveSelector.state_dict` returned.

    Raises:
        ValueError: for a state of another version, or a damaged one.
    """

    def __init__(self, state: State) -> None:
        state = states.migrated(state, VERSION, MIGRATIONS)
        own = {name: state.get(name) for name in ("pool", "config", "rng")}
        states.check(state, {"selector": NAME, "version": VERSION, **own}, ENTRIES)
        self._config = _config(state["config"])
        self._saved = saved = _unpacked(state, self._config)
        self._flights = state["flights"]
        self._updates = state["beliefs"]["updates"]
        self._weight = LearnedWeight(self._config.implicit_weight)
        self._weight.load_state_dict(state["learning"]["weight"])
        checks.number("the state's group_size", saved.learning.group_size, 0, LARGEST_GROUP)
        if saved.beliefs.removed.size == saved.beliefs.num_tasks:
            raise ValueError("the state's tasks were all removed: go back to an earlier checkpoint")
        table = saved.beliefs.table
        visited = saved.beliefs.visited_V.astype(np.int64)
        self._visited_V = visited[table.flags_N[visited] & REMOVED == 0]
        self._cost_C = self._costs()
        self._points = self._all_points()

    @property
    def domains_D(self) -> tuple[str, ...]:
        """The classes' domains."""
        return self._saved.classes.domains_D

    @property
    def points(self) -> Points:
        """The classes, and then the visited tasks."""
        return self._points

    @property
    def group_size(self) -> float:
        """As in the last feedback; 8 before the first one."""
        return self._saved.learning.group_size

    @property
    def batch_size(self) -> int:
        """As in the last choice, before the first one 32; never more than there are tasks."""
        there = self._saved.beliefs.num_tasks - self._saved.beliefs.removed.size
        return min(self._saved.batch_size or _BATCH_SIZE, there)

    @property
    def assumed(self) -> tuple[str, ...]:
        """What the state does not say before the first choice or feedback."""
        known = {"group size": self._saved.learning.started, "batch size": self._saved.batch_size}
        return tuple(name for name, value in known.items() if not value)

    def changed(self) -> dict[str, object]:
        """Settings that are not those of `LiveConfig()`."""
        default = LiveConfig().as_json()
        return {k: v for k, v in self._config.as_json().items() if v != default[k]}

    def standing(self) -> dict[str, float]:
        """Clock, tasks and flights; `flights/oldest` is an age in policy versions."""
        saved, since = self._saved, self._flights["since"]
        oldest = {"flights/oldest": saved.learning.now - float(since.min())} if since.size else {}
        return {
            "feedback/version": saved.learning.now,
            "posterior/updates": float(self._updates),
            "pool/tasks": float(saved.beliefs.num_tasks - saved.beliefs.removed.size),
            "pool/removed": float(saved.beliefs.removed.size),
            "pool/visited_lately": float(self._visited_V.size),
            "flights/batches": float(saved.flights.num_batches),
            "flights/tasks": float(np.unique(saved.flights.tasks()).size),
            **oldest,
        }

    def learned(self) -> dict[str, float]:
        """The predictor's figures, what implicit evidence weighs, tokens, and how feedback came."""
        config, figures = self._config, self._saved.learning.metrics()
        del figures["feedback/version"]
        if config.learned_weight:
            figures["implicit/weight"] = self._weight.weight(config.forgetting, self.group_size)
        return figures

    def pseudo_counts(self, task_ids: Ints) -> tuple[Floats, Floats]:
        """Of the class, and the residual."""
        return self._saved.beliefs.pseudo_counts(task_ids)

    def domains(self, task_ids: Ints) -> Ints:
        """Those of the classes."""
        return self._saved.classes.domain_C[self._saved.beliefs.table.class_N[task_ids]]

    def members(self, point: int, at_most: int) -> Ints:
        """The task, or a class's tasks that are neither visited nor removed."""
        beliefs = self._saved.beliefs
        visited = point - self._saved.classes.num_classes
        if visited >= 0:
            return self._visited_V[[visited]]
        start, end = beliefs.starts_C[point : point + 2]
        members = beliefs.table.member_N[start:end]
        return members[beliefs.table.flags_N[members] == 0][:at_most].astype(np.int64)

    def visits(self) -> Visits:
        """Also of tasks that are like their class again."""
        beliefs = self._saved.beliefs
        last_N = beliefs.table.last_N.astype(np.float64)
        last_N[beliefs.removed] = np.nan
        return Visits(self._saved.learning.now, last_N)

    def next_batch(self, batch_size: int) -> Batch:
        """What `LiveSelector.draw` would return."""
        saved = self._saved
        batch_size = checks.batch_size(batch_size, saved.beliefs.num_tasks)
        progress_D = saved.learning.progress(len(self.domains_D))
        scene = Scene(
            *(saved.beliefs, saved.classes, self._config, self._cost_C, saved.learning.now),
            *(saved.learning.group_size, progress_D, saved.density_S),
        )
        rng = np.random.Generator(type(saved.rng.bit_generator)())
        rng.bit_generator.state = saved.rng.bit_generator.state
        rest = saved.learning.now, self._config.cooldown
        away = barred(saved.beliefs, saved.flights.tasks(), rest, batch_size)
        choice = choose(scene, batch_size, away, rng)
        return Batch(choice.task_ids_B, choice.inclusion(scene))

    def _costs(self) -> Floats:
        saved = self._saved
        return saved.learning.costs(saved.classes, saved.beliefs.class_rates())

    def _all_points(self) -> Points:
        beliefs, classes = self._saved.beliefs, self._saved.classes
        alpha_V, beta_V = beliefs.pseudo_counts(self._visited_V)
        class_V = beliefs.table.class_N[self._visited_V]
        count_C = beliefs.unvisited(_NONE)
        return Points(
            np.concatenate([beliefs.sums.alpha_C, alpha_V]),
            np.concatenate([beliefs.sums.beta_C, beta_V]),
            np.concatenate([count_C, np.ones(self._visited_V.size, np.int64)]),
            np.concatenate([classes.domain_C, classes.domain_C[class_V]]),
            np.concatenate([self._cost_C, self._cost_C[class_V]]),
        )


def _config(settings: dict[str, Any]) -> LiveConfig:
    try:
        return LiveConfig.of_json(settings)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the state's settings are not those of this release ({error}): load it with the "
            "release that wrote it"
        ) from None


def _unpacked(state: State, config: LiveConfig) -> Saved:
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            return Saved.unpacked(state, config)
    except (TypeError, LookupError, ArithmeticError) as error:
        raise ValueError(
            f"the state is damaged ({error!r}): go back to an earlier checkpoint"
        ) from None

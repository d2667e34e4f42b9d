"""The state of `BOTSSelector`, opened for reading."""

import hashlib
from dataclasses import asdict
from typing import Any

import numpy as np

from bots import checks
from bots import state as states
from bots._types import Floats, Ints
from bots.acquisition import closeness, softmax_b, top_b
from bots.bots_selector import ENTRIES, MIGRATIONS, NAME, VERSION, BOTSConfig
from bots.inspection.view import LARGEST_GROUP, AbstractView, Batch, Points
from bots.posterior import BetaPosterior
from bots.state import State

_BATCH_SIZE, _GROUP_SIZE = 32, 8.0


class BOTSView(AbstractView):
    """What a BOTS selector believes: a point per task.

    Its state knows no domains, no visits and no batches in flight.

    Args:
        state: what `BOTSSelector.state_dict` returned.

    Raises:
        ValueError: for a state of another version, or a damaged one.
    """

    def __init__(self, state: State) -> None:
        state = states.migrated(state, VERSION, MIGRATIONS)
        own = {name: state.get(name) for name in ("pool", "config", "rng")}
        states.check(state, {"selector": NAME, "version": VERSION, **own}, ENTRIES)
        self._posterior = BetaPosterior(state["alpha"], state["beta"])
        if self._posterior.num_tasks == 0:
            raise ValueError("the state has no task: go back to an earlier checkpoint")
        self._config, self._prior = _config(state["config"])
        self._updates = checks.integer("updates", state["updates"], 0)
        self._batch_size = checks.integer("batch_size", state["batch_size"], 0)
        self._group_size = checks.number("group_size", state["group_size"], 0, LARGEST_GROUP)
        self._rng = states.generator(state["rng"])
        implicit = state["implicit"] if isinstance(state["implicit"], dict) else {}
        self._implicit = {k: float(v) for k, v in implicit.items() if type(v) in (int, float)}

    @property
    def domains_D(self) -> tuple[str, ...]:
        """One without a label."""
        return ("",)

    @property
    def points(self) -> Points:
        """The tasks."""
        size = self._posterior.num_tasks
        domain_N, count_N = np.zeros(size, np.int64), np.ones(size, np.int64)
        alpha_N, beta_N = self._posterior.alpha_N, self._posterior.beta_N
        return Points(alpha_N, beta_N, count_N, domain_N, np.ones(size))

    @property
    def group_size(self) -> float:
        """As in the last feedback; 8 before the first one."""
        return self._group_size or _GROUP_SIZE

    @property
    def batch_size(self) -> int:
        """As in the last choice; 32 before the first one."""
        return min(self._batch_size or _BATCH_SIZE, self._posterior.num_tasks)

    @property
    def assumed(self) -> tuple[str, ...]:
        """What the state does not say: an older one neither, a new one before its first use."""
        known = {"group size": self._group_size, "batch size": self._batch_size}
        return tuple(name for name, value in known.items() if not value)

    def changed(self) -> dict[str, object]:
        """Settings that are not those of `BOTSConfig()`; the prior, if it is not Beta(1, 1)."""
        default = asdict(BOTSConfig())
        uniform = np.ones(self._posterior.num_tasks).tobytes()
        usual = self._prior == hashlib.sha256(uniform + uniform).hexdigest()
        changed: dict[str, object] = {
            k: v for k, v in asdict(self._config).items() if v != default[k]
        }
        return changed if usual else changed | {"prior": "not Beta(1, 1)"}

    def standing(self) -> dict[str, float]:
        """The number of updates and of tasks."""
        tasks = float(self._posterior.num_tasks)
        return {"posterior/updates": float(self._updates), "pool/tasks": tasks}

    def learned(self) -> dict[str, float]:
        """The numbers that the implicit evidence remembers."""
        return {f"implicit/{name}": value for name, value in self._implicit.items()}

    def pseudo_counts(self, task_ids: Ints) -> tuple[Floats, Floats]:
        """As they are stored."""
        return self._posterior.alpha_N[task_ids], self._posterior.beta_N[task_ids]

    def domains(self, task_ids: Ints) -> Ints:
        """0."""
        return np.zeros(task_ids.size, np.int64)

    def members(self, point: int, at_most: int) -> Ints:
        """The task."""
        return np.array([point])[:at_most]

    def visits(self) -> None:
        """Nothing."""

    def next_batch(self, batch_size: int) -> Batch:
        """What `BOTSSelector.select` would return."""
        batch_size = checks.batch_size(batch_size, self._posterior.num_tasks)
        config, rng = self._config, np.random.Generator(type(self._rng.bit_generator)())
        rng.bit_generator.state = self._rng.bit_generator.state
        rates_N = self._posterior.sample(rng) if config.thompson else self._posterior.mean()
        utility_N = closeness(rates_N, config.target)
        if config.temperature == 0:
            return Batch(top_b(utility_N, batch_size, rng), None)
        return Batch(softmax_b(utility_N, batch_size, config.temperature, rng), None)


def _config(settings: dict[str, Any]) -> tuple[BOTSConfig, object]:
    """The settings, and the prior's digest."""
    try:
        return BOTSConfig(**{k: v for k, v in settings.items() if k != "prior"}), settings["prior"]
    except (TypeError, ValueError, KeyError) as error:
        raise ValueError(
            f"the state's settings are not those of this release ({error!r}): load it with the "
            "release that wrote it"
        ) from None

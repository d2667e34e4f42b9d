"""BOTS for pools that are huge and change, with feedback that comes when it comes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bots import checks
from bots import state as states
from bots._types import Floats, Ints
from bots.feedback import Feedback
from bots.live.belief.beliefs import Beliefs
from bots.live.belief.classes import TaskClasses, TooManyClassesError, classes_of
from bots.live.choice.barring import barred
from bots.live.choice.choosing import Choice, Scene, choose
from bots.live.choice.kernels import REMOVED
from bots.live.choice.ranked import among
from bots.live.config import LiveConfig
from bots.live.estimate import Estimate, pool_mean
from bots.live.flights import Flights
from bots.live.keys import digests, matching
from bots.live.learning import Learning
from bots.live.pools import check_settings, joined, packed
from bots.live.saved import ENTRIES, MIGRATIONS, NAME, VERSION, Saved
from bots.pool import Pool
from bots.selector import AbstractSelector


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """A batch, with what is needed to account for it.

    Attributes:
        batch_id: to be handed back with its feedback.
        task_ids_B: positions in the pool.
        inclusion_B: the probability with which each task was chosen, in (0, 1], given what was
            believed and what all other tasks drew; exact. (0 where a prior with a pole at the
            target makes draws tie.)
        predicted_B: the solve rates that were expected of them.
        predicted_mean: what was expected of the pool's tasks on average.
        num_tasks: tasks in the pool.
        version: the policy version.
    """

    batch_id: int
    task_ids_B: Ints
    inclusion_B: Floats
    predicted_B: Floats
    predicted_mean: float
    num_tasks: int
    version: float

    def mean_reward(self, rates_B: npt.ArrayLike) -> Estimate:
        """An unbiased estimate of the mean reward of the pool, from a batch that is not typical.

        Tasks that could not be chosen, because they were in flight, at rest or excluded, are taken
        to be what was predicted of them. So are tasks without a chance given the others' draws:
        under expectations, with costs per token, or in a domain that got no place. A coverage
        floor gives every task a chance.

        Args:
            rates_B: the measured mean reward of each task, NaN where its group was lost.
        """
        rates_B = np.asarray(rates_B, dtype=np.float64)
        known = ~np.isnan(rates_B)
        return pool_mean(
            rates_B[known],
            self.predicted_B[known],
            self.inclusion_B[known],
            self.predicted_mean,
            self.num_tasks,
        )


class LiveSelector(AbstractSelector):
    """Chooses tasks near a target solve rate, like `BOTSSelector`, for weeks and for many tasks.

    With default settings its law is that of `BOTSSelector` with the paper's settings, computed
    differently: beliefs are folded by class (`Beliefs`), and Thompson draws that cannot matter are
    not made (`draw_best`). So a step costs O(classes + tasks visited lately + B), not O(N).

    Beyond the law:

    - Tasks in flight, that is selected and without feedback yet, are chosen again only when fewer
      than a batch of others are left, and then like those. Feedback with a `batch_id` counts once,
      in whatever order it comes; a batch is given up by `cancel`, or after `patience` versions.
    - Beliefs fade per policy version, if feedback says which version the trainer holds
      (`Feedback.current_version`), otherwise per call. The first feedback counts as one version.
    - `add`, `remove` and `resume` change the pool; tasks are known by their keys.
    - `draw` returns inclusion probabilities, and from them the pool's mean reward.

    Everything else is a setting: see `LiveConfig`.

    Source: arXiv 2510.26374 for the law; the rest is ours.

    Args:
        pool: the tasks. Tasks of equal reference rates and domain form a class.
        rng: the selector's own random numbers.
        config: what is believed and preferred.

    Raises:
        ValueError: when the settings ask for references that the pool lacks, or for more places
            for domains than there are.

    Example:
        >>> pool = Pool.numbered(3, {"weak": [0.0, 0.2, 0.9], "strong": [0.3, 0.9, 1.0]})
        >>> selector = LiveSelector(pool, np.random.default_rng(0), LiveConfig(thompson=False))
        >>> selector.update(Feedback([0], [1], [10]))
        >>> selector.select(1).tolist()
        [1]
    """

    def __init__(
        self, pool: Pool, rng: np.random.Generator, config: LiveConfig | None = None
    ) -> None:
        config = LiveConfig() if config is None else config
        classes, class_N = classes_of(pool)
        check_settings(config, classes, class_N)
        self._pool = pool
        self._rng = checks.rng(rng)
        self._config = config
        self._classes = classes
        self._beliefs = Beliefs(class_N, classes.num_classes, config.prior)
        self._learning = Learning(config)
        self._flights = Flights()
        self._density_S = np.empty(0)
        self._batch_size = 0  # of the last batch; 0: there was none

    @property
    def pool(self) -> Pool:
        """The tasks, those removed included: a position means the same task for ever."""
        return self._pool

    @property
    def beliefs(self) -> Beliefs:
        """What is believed; not a copy."""
        return self._beliefs

    def positions(self, keys: npt.ArrayLike) -> Ints:
        """The positions of the tasks with these keys.

        Raises:
            ValueError: when there is no such task.
        """
        wanted = digests(np.asarray(keys))
        old, new = matching(digests(self._pool.keys_N), wanted)
        if new.size < wanted.size:
            missing = np.setdiff1d(np.arange(wanted.size), new)[0]
            raise ValueError(
                f"no task has the key {np.asarray(keys)[missing]!r} ({wanted.size - new.size} such "
                "keys): add the task first, or drop it"
            )
        positions = np.empty(wanted.size, np.int64)
        positions[new] = old
        return positions

    def select(self, batch_size: int, exclude: Ints | None = None) -> Ints:
        """The positions of `draw`, without the rest."""
        choice = self._choose(batch_size, exclude)
        self._flights.open(choice.task_ids_B, self._learning.now)
        return choice.task_ids_B

    def draw(self, batch_size: int, exclude: Ints | None = None) -> Selection:
        """The next batch, which is in flight from here on; see `select`."""
        choice = self._choose(batch_size, exclude)
        scene, beliefs = self._scene(), self._beliefs
        alpha_B, beta_B = beliefs.pseudo_counts(choice.task_ids_B)
        return Selection(
            self._flights.open(choice.task_ids_B, self._learning.now),
            choice.task_ids_B,
            choice.inclusion(scene),
            alpha_B / (alpha_B + beta_B),
            beliefs.mean_of(_mean),
            beliefs.num_tasks - beliefs.removed.size,
            self._learning.now,
        )

    def cancel(self, batch_id: int) -> None:
        """Gives a batch up: its tasks are no longer in flight, and feedback for it is ignored."""
        self._flights.check(checks.integer("batch_id", batch_id, 0))
        self._flights.close(batch_id)

    def update(self, feedback: Feedback) -> None:
        """Learns from groups, unless they were counted before or their tasks were removed."""
        fresh = self._landed(checks.feedback(feedback, self._beliefs.num_tasks))
        if fresh is None:
            return
        first = not self._learning.started
        self._learning.take(fresh, self._classes, self._beliefs)
        if first:  # which version it is was not known when the batches in flight were selected
            self._flights.stamp(self._learning.now)
        lost = self._flights.lost(self._learning.now - self._config.patience)
        self._learning.counters["lost"] += lost

    def add(self, pool: Pool) -> Ints:
        """More tasks, with the same references; their positions.

        A new task is believed to be what its class is: tasks of the same reference rates and
        domain. A class that is new begins with what is predicted of it, weighed as for the others.

        Raises:
            ValueError: for keys that are there already, even of removed tasks, or other references.
        """
        whole = joined(self._pool, pool)
        try:
            classes, class_M = classes_of(pool, known=self._classes)
        except TooManyClassesError:
            classes, class_N = classes_of(whole)
            check_settings(self._config, classes, class_N)
            self._beliefs = self._regrouped(classes, class_N)
        else:
            check_settings(self._config, classes, self._beliefs.table.class_N, class_M)
            self._beliefs.grow(class_M, classes.num_classes, self._learning.predict(classes))
        self._classes, self._pool = classes, whole
        return np.arange(whole.num_tasks - pool.num_tasks, whole.num_tasks)

    def remove(self, task_ids: npt.ArrayLike) -> None:
        """Tasks that are never chosen again; feedback that comes late for them is ignored.

        Raises:
            ValueError: for a task that is not in the pool, or when none would be left.
        """
        task_ids = checks.task_ids(task_ids)
        checks.within(task_ids, self._beliefs.num_tasks)
        if np.union1d(self._beliefs.removed, task_ids).size == self._beliefs.num_tasks:
            raise ValueError("no task would be left; keep at least one, or make a new selector")
        self._beliefs.remove(task_ids)
        self._flights.forget(task_ids)

    def solve_rates(self) -> Floats:
        """Posterior means, those of removed tasks included."""
        alpha_N, beta_N = self._beliefs.pseudo_counts(np.arange(self._beliefs.num_tasks))
        return alpha_N / (alpha_N + beta_N)

    def metrics(self) -> dict[str, float]:
        """Mean belief and effective sample size, what is in flight, and what came how."""
        beliefs, active = self._beliefs, self._beliefs.num_tasks - self._beliefs.removed.size
        return {
            "posterior/mean": beliefs.mean_of(_mean),
            "posterior/effective_sample_size": beliefs.mean_of(np.add),
            "pool/tasks": float(active),
            "pool/visited_lately": float(beliefs.visited_V.size),
            "flights/batches": float(self._flights.num_batches),
            "flights/tasks": float(self._flights.tasks().size),
            **self._learning.metrics(),
        }

    def state_dict(self) -> dict[str, Any]:
        """Everything; with the tasks' keys as 64-bit digests, see `resume`."""
        return {
            **self._header(),
            "digests": digests(self._pool.keys_N),
            "classes": packed(self._classes),
            "beliefs": self._beliefs.state_dict(),
            "learning": self._learning.state_dict(),
            "flights": self._flights.state_dict(),
            "density": self._density_S.copy(),
            "batch_size": self._batch_size,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts all of it back; `resume` does so onto a pool that has changed."""
        state = states.migrated(state, VERSION, MIGRATIONS)
        states.check(state, self._header(), ENTRIES)
        saved = Saved.unpacked(state, self._config)
        if saved.beliefs.num_tasks != self._pool.num_tasks:
            raise ValueError(
                f"the state has {saved.beliefs.num_tasks} beliefs for {self._pool.num_tasks} tasks"
            )
        self._take(saved)

    def resume(self, state: dict[str, Any]) -> None:
        """Takes over what the state of another pool says about the tasks that both have, by key.

        Tasks that only this pool has are believed to be what their class is; those that only the
        state has are forgotten, and feedback for them is not expected. The order of the tasks,
        their reference rates and their domains may differ. A task that had been removed and is in
        this pool is back.

        Raises:
            ValueError: for state of other settings or other references, or damaged state.
        """
        if not isinstance(state, dict):
            raise ValueError("this is not a selector's state; pass what state_dict returned")
        state = states.migrated(state, VERSION, MIGRATIONS)
        states.check({**state, "pool": self._pool.fingerprint}, self._header(), ENTRIES)
        self._take(Saved.unpacked(state, self._config).on(self._pool, self._config))

    def _regrouped(self, classes: TaskClasses, class_N: npt.NDArray[np.uint16]) -> Beliefs:
        """The beliefs in new classes, with tasks that are new at the end."""
        same = np.arange(self._beliefs.num_tasks)
        rates_C = self._learning.predict(classes)
        made = self._beliefs.regrouped(class_N, classes.num_classes, rates_C, (same, same))
        made.remove(self._beliefs.removed)
        return made

    def _choose(self, batch_size: int, exclude: Ints | None) -> Choice:
        """A batch, none of it barred."""
        batch_size = checks.batch_size(batch_size, self._beliefs.num_tasks)
        rest = self._learning.now, self._config.cooldown
        away = barred(self._beliefs, self._flights.tasks(), rest, batch_size, exclude)
        choice = choose(self._scene(), batch_size, away, self._rng)
        self._density_S, self._batch_size = choice.density_S, batch_size
        return choice

    def _scene(self) -> Scene:
        return Scene(
            self._beliefs,
            self._classes,
            self._config,
            self._learning.costs(self._classes, self._beliefs.class_rates()),
            self._learning.now,
            self._learning.group_size,
            self._learning.progress(len(self._classes.domains_D)),
            self._density_S,
        )

    def _landed(self, feedback: Feedback) -> Feedback | None:
        """The groups that count: expected, and of tasks that are still there. None: no group."""
        task_ids = np.unique(feedback.task_ids_B)
        gone = self._beliefs.table.flags_N[task_ids] & REMOVED > 0
        fresh = np.ones(task_ids.size, np.bool_)
        if feedback.batch_id is None:
            self._flights.land(task_ids)
        else:
            self._flights.check(feedback.batch_id)
            fresh = self._flights.take(feedback.batch_id, task_ids)
        self._learning.counters["removed"] += int(gone.sum())
        self._learning.counters["duplicates"] += int((~fresh & ~gone).sum())
        counts = fresh & ~gone
        if counts.all():
            return feedback
        kept_B = among(feedback.task_ids_B, task_ids[counts])
        return feedback.only(kept_B) if counts.any() else None

    def _take(self, saved: Saved) -> None:
        self._classes, self._beliefs, self._learning = saved.classes, saved.beliefs, saved.learning
        self._flights, self._density_S, self._rng = saved.flights, saved.density_S, saved.rng
        self._batch_size = saved.batch_size

    def _header(self) -> states.State:
        return states.header(NAME, VERSION, self._pool, self._rng, self._config.as_json())


def _mean(alpha: Floats, beta: Floats) -> Floats:
    return alpha / (alpha + beta)

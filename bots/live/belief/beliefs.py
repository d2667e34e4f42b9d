"""Beta beliefs about all tasks of a pool, folded by class, at most 24 bytes per task."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bots._types import Bools, Floats, Ints
from bots.live.belief.beliefs_state import STORED, checked
from bots.live.choice.kernels import REMOVED, VISITED, Recall, Sums, Table, due_again, material

_SMALLEST_SCALE = 1e-20  # residuals are stored divided by the scale, in float32, which ends at 1e38
_IMMATERIAL = 1e-6  # of alpha + beta: a residual below is dropped
_TIDY_EVERY = 16  # updates
_LONGEST_STREAK = 127


class Beliefs:
    """Beliefs p_k ~ Beta(alpha_k, beta_k) that share what is known about whole classes of tasks.

    The update is that of `bots.BetaPosterior.update`, with keep = 1 - lambda. For a task that was
    not measured it is the same for all tasks of a class::

        alpha_C' = alpha_0 + keep (alpha_C - alpha_0) + weight p~_C

    A measured task departs from its class by a residual, alpha_k - alpha_C, which then fades by
    `keep` at every update, whatever is predicted, because the update is linear::

        residual' = keep residual

    So an update costs O(C + B), and a task whose residual has faded is like its class again.

    Differences from `BetaPosterior`, which computes the same law task by task in float64: residuals
    are float32, and dropped below a millionth of alpha + beta. Together these move a pseudo-count
    by less than two millionths of alpha + beta, and so the mean; a count that is a tiny share of
    alpha + beta may be off by more of itself. Only where nothing is ever forgotten do roundings add
    up, to some 3e-8 of alpha + beta times the root of the task's number of visits.

    Args:
        class_N: the class of each task.
        num_classes: C.
        prior: alpha_0 and beta_0, both > 0.
    """

    def __init__(
        self,
        class_N: npt.NDArray[np.uint16],
        num_classes: int,
        prior: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        num_tasks = class_N.size
        self.table = Table(
            class_N,
            np.zeros((num_tasks, 2), np.float32),
            np.full(num_tasks, -np.inf, np.float32),
            _by_class(class_N),
            np.zeros(num_tasks, np.int8),
            np.zeros(num_tasks, np.uint8),
        )
        self._alpha_0, self._beta_0 = float(prior[0]), float(prior[1])
        self._alpha_C = np.full(num_classes, self._alpha_0)
        self._beta_C = np.full(num_classes, self._beta_0)
        self.starts_C = _starts(class_N, num_classes)
        self._weight = 0.0  # pseudo-counts that a class has beyond the prior's
        self._scale = 1.0
        self._visited = np.empty(0, np.int32)
        self._num_visited = 0
        self._updates = 0
        self.removed = np.empty(0, np.int64)  # tasks, ascending
        self.removed_C = np.zeros(num_classes, np.int64)  # how many of each class
        self._gone_C = np.zeros(num_classes, np.int64)  # of these, without a residual

    @property
    def num_tasks(self) -> int:
        """N, removed tasks included."""
        return int(self.table.class_N.size)

    @property
    def sums(self) -> Sums:
        """Beliefs of the classes; not a copy."""
        return Sums(self._alpha_C, self._beta_C, self._scale, self._alpha_0, self._beta_0)

    @property
    def visited_V(self) -> npt.NDArray[np.int32]:
        """Tasks that may differ from their class; not a copy."""
        return self._visited[: self._num_visited]

    @property
    def num_bytes(self) -> int:
        """What is stored per task, in total."""
        return sum(array.nbytes for array in self.table) + self._visited.nbytes

    @property
    def prior(self) -> tuple[float, float]:
        """alpha_0 and beta_0."""
        return self._alpha_0, self._beta_0

    def unvisited(self, barred: Ints) -> Ints:
        """How many tasks of each class were not visited lately, are neither removed nor barred.

        `barred` has distinct tasks, none of them removed.
        """
        others = barred[self.table.flags_N[barred] & VISITED == 0]
        away = np.concatenate([self.visited_V, others])
        return np.diff(self.starts_C) - self._gone_C - self._counts(away)

    def class_rates(self) -> Floats:
        """Expected solve rates of each class's unvisited tasks, shape (C,)."""
        return self._alpha_C / (self._alpha_C + self._beta_C)

    def mean_of(self, rate: Callable[[Floats, Floats], Floats]) -> float:
        """The mean over all tasks that were not removed of a function of alpha and beta."""
        visited_V = self.visited_V[self.table.flags_N[self.visited_V] & REMOVED == 0]
        total = rate(self._alpha_C, self._beta_C) @ self.unvisited(np.empty(0, np.int64))
        total += rate(*self.pseudo_counts(visited_V.astype(np.int64))).sum()
        return float(total / max(self.num_tasks - self.removed.size, 1))

    def pseudo_counts(self, task_ids: Ints) -> tuple[Floats, Floats]:
        """Alpha and beta of these tasks."""
        classes = self.table.class_N[task_ids]
        excess = self._scale * self.table.excess_N2[task_ids].astype(np.float64)
        alpha, beta = self._alpha_C[classes] + excess[:, 0], self._beta_C[classes] + excess[:, 1]
        return np.maximum(alpha, self._alpha_0), np.maximum(beta, self._beta_0)

    def drawn(self, task_ids: Ints, recall: Recall) -> tuple[Floats, Floats]:
        """Alpha and beta that a draw of these tasks comes from: the prior's where they are due."""
        alpha, beta = self.pseudo_counts(task_ids)
        due = self.due(task_ids, recall)
        return np.where(due, self._alpha_0, alpha), np.where(due, self._beta_0, beta)

    def due(self, task_ids: Ints, recall: Recall) -> Bools:
        """Which of these tasks, all solved or all failed at their last visits, are due again.

        Only visited ones: a task whose residual was dropped, before there were tests, is its class.
        """
        if not recall.interval < np.inf:
            return np.zeros(task_ids.size, np.bool_)
        due = due_again(self.table.streak_N[task_ids], self.table.last_N[task_ids], recall)
        return due & (self.table.flags_N[task_ids] & VISITED > 0)

    def update(
        self,
        keep: float,
        implicit: tuple[float, Floats | None],
        tasks_U: Ints,
        counts_U: tuple[Floats, Floats],
    ) -> None:
        """One step of forgetting, implicit and explicit evidence, for all tasks.

        Args:
            keep: 1 - lambda, to the power of the versions that have passed; in [0, 1].
            implicit: pseudo-counts that a prediction is worth, >= 0; and p~ by class, in [0, 1],
                NaN where nothing is predicted, None: nowhere.
            tasks_U: the measured tasks, distinct.
            counts_U: their successes and failures.
        """
        before_U = self.pseudo_counts(tasks_U)
        self._step(keep, *implicit)
        classes = self.table.class_N[tasks_U]
        for place, (sums_C, prior) in enumerate(self._of_classes()):
            now_U = prior + keep * (before_U[place] - prior) + counts_U[place]
            self.table.excess_N2[tasks_U, place] = (now_U - sums_C[classes]) / self._scale
        self._append(tasks_U)

    def visit(self, tasks_U: Ints, counts_U: tuple[Floats, Floats], version: float) -> None:
        """Remembers when these tasks were measured, and whether all was solved or all failed."""
        successes, failures = counts_U
        old = self.table.streak_N[tasks_U].astype(np.int64)
        solved, failed = (failures == 0), (successes == 0)
        new = np.where(solved, np.maximum(old, 0) + 1, np.where(failed, np.minimum(old, 0) - 1, 0))
        self.table.streak_N[tasks_U] = np.clip(new, -_LONGEST_STREAK, _LONGEST_STREAK)
        self.table.last_N[tasks_U] = version

    def tidy(self, keeps: Callable[[], Bools | None] = lambda: None) -> None:
        """Every few updates, forgets residuals that are immaterial.

        Args:
            keeps: says which visited tasks, shape (V,), must be kept whatever their residual; None:
                none.
        """
        self._updates += 1
        if self._updates % _TIDY_EVERY:
            return
        visited_V, table = self.visited_V, self.table
        stays_V = material(table, self.sums, visited_V, _IMMATERIAL)
        kept_V = keeps()
        stays_V = stays_V if kept_V is None else stays_V | kept_V
        gone = visited_V[~stays_V]
        table.excess_N2[gone] = 0
        table.flags_N[gone] &= ~VISITED
        self._gone_C += self._counts(gone[table.flags_N[gone] & REMOVED > 0])
        self._visited = np.sort(visited_V[stays_V])  # in order of memory, which is much faster
        self._num_visited = self._visited.size

    def grow(
        self, class_M: npt.NDArray[np.uint16], num_classes: int, rates_C: Floats | None
    ) -> None:
        """More tasks, after those that there are; new classes begin with what is predicted.

        Args:
            class_M: the class of each new task.
            num_classes: C, at least as large as before.
            rates_C: p~ of all classes, new ones included; NaN or None: new ones have the prior.
        """
        added, new = class_M.size, num_classes - self._alpha_C.size
        if new > 0:
            rates = np.full(new, np.nan) if rates_C is None else rates_C[-new:]
            weight = np.where(np.isnan(rates), 0.0, self._weight)
            rates = np.nan_to_num(rates)
            self._alpha_C = np.append(self._alpha_C, self._alpha_0 + weight * rates)
            self._beta_C = np.append(self._beta_C, self._beta_0 + weight * (1 - rates))
            none = np.zeros(new, np.int64)
            self.removed_C = np.append(self.removed_C, none)
            self._gone_C = np.append(self._gone_C, none)
        table = self.table
        class_N = np.concatenate([table.class_N, class_M])
        self.table = Table(
            class_N,
            np.concatenate([table.excess_N2, np.zeros((added, 2), np.float32)]),
            np.append(table.last_N, np.full(added, -np.inf, np.float32)),
            _by_class(class_N),
            np.append(table.streak_N, np.zeros(added, np.int8)),
            np.append(table.flags_N, np.zeros(added, np.uint8)),
        )
        self.starts_C = _starts(class_N, self._alpha_C.size)

    def moved(
        self,
        class_M: npt.NDArray[np.uint16],
        num_classes: int,
        rates_C: Floats | None,
        places: tuple[Ints, Ints],
    ) -> "Beliefs":
        """The same beliefs about another pool's tasks, whose classes go on from these.

        Args:
            class_M: the class of each task of that pool.
            num_classes: C, at least as large as here.
            rates_C: p~ of all classes; see `grow`.
            places: of the tasks that both have: here, and there.
        """
        made = Beliefs(class_M[:0], self._alpha_C.size, self.prior)
        made._alpha_C, made._beta_C = self._alpha_C.copy(), self._beta_C.copy()
        made._weight, made._updates = self._weight, self._updates
        made.grow(class_M, num_classes, rates_C)
        return self._told(made, places)

    def regrouped(
        self,
        class_M: npt.NDArray[np.uint16],
        num_classes: int,
        rates_C: Floats | None,
        places: tuple[Ints, Ints],
    ) -> "Beliefs":
        """The same about another pool's tasks, in classes that have nothing to do with these.

        A class is believed to be what its tasks were on average; arguments as in `moved`.
        """
        old, new = places
        made = Beliefs(class_M[:0], 0, self.prior)
        made._weight, made._updates = self._weight, self._updates
        made.grow(class_M, num_classes, rates_C)
        was, now = self.table.class_N[old], class_M[new]
        tasks_C = np.bincount(now, minlength=num_classes)
        known_C = tasks_C > 0
        for mine_C, sums_C in ((self._alpha_C, made._alpha_C), (self._beta_C, made._beta_C)):
            totals_C = np.bincount(now, mine_C[was], num_classes)
            sums_C[known_C] = totals_C[known_C] / tasks_C[known_C]
        return self._told(made, places)

    def _told(self, made: "Beliefs", places: tuple[Ints, Ints]) -> "Beliefs":
        """`made`, with what is known of single tasks."""
        old, new = places
        made.table.last_N[new] = self.table.last_N[old]
        made.table.streak_N[new] = self.table.streak_N[old]
        visited = self.table.flags_N[old] & VISITED > 0
        old, new = old[visited], new[visited]
        classes = made.table.class_N[new]
        alpha, beta = self.pseudo_counts(old)
        made.table.excess_N2[new, 0] = alpha - made._alpha_C[classes]
        made.table.excess_N2[new, 1] = beta - made._beta_C[classes]
        made._append(new)
        return made

    def remove(self, task_ids: Ints) -> None:
        """These tasks are never chosen again."""
        flags_N = self.table.flags_N
        new = np.unique(task_ids[flags_N[task_ids] & REMOVED == 0])
        flags_N[new] |= REMOVED
        self.removed = np.union1d(self.removed, new)
        self.removed_C += self._counts(new)
        self._gone_C += self._counts(new[flags_N[new] & VISITED == 0])

    def state_dict(self) -> dict[str, Any]:
        """Everything, as arrays and numbers."""
        table = self.table
        return {
            **{name: getattr(table, name).copy() for name in STORED},
            "removed_N": np.packbits(table.flags_N & REMOVED > 0),
            "visited_V": self.visited_V.copy(),
            "alpha_C": self._alpha_C.copy(),
            "beta_C": self._beta_C.copy(),
            "weight": self._weight,
            "scale": self._scale,
            "updates": self._updates,
        }

    @staticmethod
    def restored(state: dict[str, Any], prior: tuple[float, float]) -> "Beliefs":
        """What `state_dict` described.

        Raises:
            ValueError: for damaged state.
        """
        parts = checked(state, prior)
        made = Beliefs(parts["class_N"], parts["alpha_C"].size, prior)
        for name in STORED:
            getattr(made.table, name)[...] = parts[name]
        made.table.flags_N[parts["visited_V"]] |= VISITED
        made.remove(np.flatnonzero(parts["removed_N"]))
        made._visited, made._num_visited = parts["visited_V"], parts["visited_V"].size
        made._alpha_C, made._beta_C = parts["alpha_C"], parts["beta_C"]
        made._weight, made._scale = parts["weight"], parts["scale"]
        made._updates = parts["updates"]
        return made

    def _step(self, keep: float, weight: float, rates_C: Floats | None) -> None:
        """Forgetting everywhere; implicit evidence for the classes."""
        for sums_C, prior in self._of_classes():
            sums_C -= prior
            sums_C *= keep
            sums_C += prior
        self._weight *= keep
        if rates_C is not None and weight > 0:
            known_C = ~np.isnan(rates_C)
            self._alpha_C[known_C] += weight * rates_C[known_C]
            self._beta_C[known_C] += weight * (1 - rates_C[known_C])
            self._weight += weight
        self._fade(keep)

    def _of_classes(self) -> tuple[tuple[Floats, float], tuple[Floats, float]]:
        return (self._alpha_C, self._alpha_0), (self._beta_C, self._beta_0)

    def _fade(self, keep: float) -> None:
        self._scale *= keep
        if self._scale < _SMALLEST_SCALE:
            self.table.excess_N2[self.visited_V] *= np.float32(self._scale)
            self._scale = 1.0

    def _counts(self, task_ids: npt.NDArray[Any]) -> Ints:
        """How many of these tasks are in each class."""
        return np.bincount(self.table.class_N[task_ids], minlength=self._alpha_C.size)

    def _append(self, tasks_U: Ints) -> None:
        new = tasks_U[self.table.flags_N[tasks_U] & VISITED == 0]
        self.table.flags_N[new] |= VISITED
        needed = self._num_visited + new.size
        if needed > self._visited.size:
            room = min(max(2 * needed, 1024), self.num_tasks)
            self._visited = np.concatenate(
                [self.visited_V, np.empty(max(room, needed) - self._num_visited, np.int32)]
            )
        self._visited[self._num_visited : needed] = new
        self._num_visited = needed


def _by_class(class_N: npt.NDArray[np.uint16]) -> npt.NDArray[np.int32]:
    return np.argsort(class_N, kind="stable").astype(np.int32)  # a radix sort: O(N)


def _starts(class_N: npt.NDArray[np.uint16], num_classes: int) -> Ints:
    """Where the members of each class begin among all tasks in order of class, shape (C + 1,)."""
    return np.concatenate([[0], np.cumsum(np.bincount(class_N, minlength=num_classes))])

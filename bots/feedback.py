"""What a selector learns from a training step: counts of successes and trials, group by group."""

import warnings
from copy import copy
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np

from bots import checks, counting
from bots._types import Bools, Floats, Ints
from bots.evidence import Evidence

_MOST_TRIALS = 1e9  # beyond, and below its inverse, sums and ratios lose their digits
_MOST_TOKENS = 1e15
LATEST_VERSION = 1e15
"""The largest policy version that is taken."""
_ROUNDING = 1e-9  # relative error that sums of rewards may have picked up


@dataclass(frozen=True, slots=True, eq=False)
class Feedback:
    """The outcome of B groups of rollouts.

    `Feedback.from_rewards(task_ids, rewards)` makes it from what a trainer has, one reward per
    rollout. The constructor takes counts. Neither takes mean rewards. Counts weigh a group that
    lost members, groups of differing sizes and a task that was rolled out twice as they should.

    Versions of the policy are in any unit that grows with training, such as optimizer steps. In a
    synchronous trainer the policy that generates a step's rollouts is the current one of their
    feedback, and its age is 0.

    Attributes:
        task_ids_B: shape (B,), positions in the pool; a task may occur more than once.
        successes_B: shape (B,), rollouts that solved the task, in [0, trials]; for rewards in
            [0, 1], their sum.
        trials_B: shape (B,), rollouts that came back; 0 for a group that was lost whole.
        squares_B: shape (B,), sums of squared rewards, in [successes^2 / trials, successes]; None:
            rewards are 0 and 1.
        tokens_B: shape (B,), >= 0, tokens that each group's rollouts took in total, lost ones
            included; None: not known.
        batch_id: >= 0, of the selection that these rollouts belong to, by which feedback that comes
            twice is recognised; None: not known.
        policy_version: >= 0, of the policy that generated the rollouts; a mean if there were more.
        current_version: of the policy that the trainer holds in the step that hands the feedback
            over, as the step begins, >= `policy_version`. Neither version: not known.

    Raises:
        ValueError: for empty input, lengths that differ, NaN, negative counts, successes > trials,
            squares that no rewards in [0, 1] have, and one version without the other or older.

    Warns:
        UserWarning: when successes look like mean rewards: none above 1, some between 0 and 1, no
            squares, and more than one trial. It comes once per process.

    Example:
        >>> Feedback([7, 3, 7], [2, 0, 3], [4, 4, 3]).evidence().solve_rates_U.round(3).tolist()
        [0.0, 0.714]
        >>> Feedback([7], [2], [4], policy_version=10, current_version=13).age
        3.0
    """

    task_ids_B: Ints
    successes_B: Floats
    trials_B: Floats
    squares_B: Floats | None = None
    tokens_B: Floats | None = None
    batch_id: int | None = None
    policy_version: float | None = None
    current_version: float | None = None

    def __post_init__(self) -> None:
        task_ids_B = checks.task_ids(self.task_ids_B)
        columns = {
            "successes": checks.vector("successes", self.successes_B),
            "trials": checks.vector("trials", self.trials_B),
        }
        for name, values in (("squares", self.squares_B), ("tokens", self.tokens_B)):
            if values is not None:
                columns[name] = checks.vector(name, values)
        _check_sizes(task_ids_B, columns)
        _check_counts(task_ids_B, columns["successes"], columns["trials"])
        if "squares" in columns:
            _check_squares(task_ids_B, *(columns[n] for n in ("successes", "trials", "squares")))
        if "tokens" in columns:
            _check_tokens(task_ids_B, columns["tokens"])
        if "squares" not in columns and _like_means(columns["successes"], columns["trials"]):
            _warn_of_means()
        if self.batch_id is not None:
            object.__setattr__(self, "batch_id", checks.integer("batch_id", self.batch_id, 0))
        policy, current = _checked_versions(self.policy_version, self.current_version)
        object.__setattr__(self, "policy_version", policy)
        object.__setattr__(self, "current_version", current)
        object.__setattr__(self, "task_ids_B", task_ids_B)
        for name, column_B in columns.items():
            object.__setattr__(self, f"{name}_B", column_B)

    @classmethod
    def from_rewards(
        cls,
        task_ids: Any,
        rewards: Any,
        *,
        threshold: float | Literal["fractional"] | None = None,
        tokens: Any = None,
        batch_id: int | None = None,
        policy_version: float | None = None,
        current_version: float | None = None,
    ) -> "Feedback":
        """Counts the rewards of single rollouts.

        A reward of None or NaN is a rollout that was lost; it is no trial. Arrays, tensors and
        lists are taken. There are two layouts:

        - (B, G), or B lists of any lengths: `task_ids` has B entries, one per row.
        - flat, shape (R,): `task_ids` has R entries, one per rollout. Rollouts of the same task are
          one group, wherever they lie. Groups come in the order in which their tasks first occur.

        Flat rewards in which no task occurs twice are refused, since they may be mean rewards.

        Args:
            task_ids: positions in the pool.
            rewards: one per rollout.
            threshold: None: rewards must be 0 or 1. A number: a reward of at least that is a
                success. "fractional": rewards lie in [0, 1] and are summed, and so are squares.
            tokens: >= 0, one number per rollout in the layout of the rewards; NaN only where the
                reward is lost too. With rows of rewards, also one total per row.
            batch_id: as in `Feedback`, like the rest.
            policy_version: of the policy that generated the rollouts.
            current_version: of the policy that the trainer holds.

        Raises:
            ValueError: for shapes that do not fit, infinite rewards, text, rewards that the
                threshold does not allow, and what `Feedback` refuses.

        Example:
            >>> lost = None
            >>> fed = Feedback.from_rewards([7, 3], [[1, 0, 1, lost], [0, 0, 0, 0]])
            >>> fed.successes_B.tolist(), fed.trials_B.tolist()
            ([2.0, 0.0], [3.0, 4.0])
            >>> flat = Feedback.from_rewards([7, 7, 3, 3, 7], [1, 0, 0, 0, 1])
            >>> flat.task_ids_B.tolist(), flat.trials_B.tolist()
            ([7, 3], [3.0, 2.0])
            >>> Feedback.from_rewards([7], [[0.9, 0.2]], threshold=0.5).successes_B.tolist()
            [1.0]
            >>> Feedback.from_rewards([7], [[0.5, 0.25]], threshold="fractional").squares_B.tolist()
            [0.3125]
        """
        counts = counting.counted(task_ids, rewards, threshold, tokens)
        return cls(*counts, batch_id, policy_version, current_version)

    @property
    def informative_B(self) -> Bools:
        """Which groups hold both successes and failures, shape (B,).

        With rewards of 0 and 1 the others carry no gradient. With other rewards a group may teach
        without a success: `RolloutBatch.informative_B` goes by the rewards themselves.
        """
        return (self.successes_B > 0) & (self.successes_B < self.trials_B)

    @property
    def age(self) -> float:
        """How far the policy has moved on since it generated the rollouts; 0 when not known."""
        if self.policy_version is None or self.current_version is None:
            return 0.0
        return self.current_version - self.policy_version

    def only(self, groups_B: Bools) -> "Feedback":
        """Some of the groups, at least one, with all that is known of them."""
        part = copy(self)  # without the checks: what is true of all groups is true of some
        object.__setattr__(part, "task_ids_B", checks.task_ids(self.task_ids_B[groups_B]))
        for name in ("successes_B", "trials_B", "squares_B", "tokens_B"):
            values_B = getattr(self, name)
            if values_B is not None:
                object.__setattr__(part, name, checks.vector(name, values_B[groups_B]))
        return part

    def evidence(self) -> Evidence:
        """The same counts, one entry per task that has at least one trial."""
        measured_B = self.trials_B > 0
        if not measured_B.all():
            return self.only(measured_B).evidence() if measured_B.any() else _nothing()
        task_ids_U, places = np.unique(self.task_ids_B, return_inverse=True)

        def merged(values_B: Floats) -> Floats:
            sums_U = np.bincount(places, values_B, task_ids_U.size)
            return sums_U.astype(np.float64, copy=False)

        return Evidence(
            task_ids_U,
            merged(self.successes_B),
            merged(self.trials_B),
            float(self.trials_B.mean()),
            merged(self.successes_B if self.squares_B is None else self.squares_B),
            None if self.tokens_B is None else merged(self.tokens_B),
        )


def _nothing() -> Evidence:
    none = np.empty(0)
    return Evidence(np.empty(0, dtype=np.int64), none, none, 0.0, none)


def _check_sizes(task_ids_B: Ints, columns: dict[str, Floats]) -> None:
    if any(column_B.size != task_ids_B.size for column_B in columns.values()):
        sizes = ", ".join(f"{column_B.size} {name}" for name, column_B in columns.items())
        raise ValueError(f"{task_ids_B.size} task ids, {sizes}; give one of each per group")


def _check_counts(task_ids_B: Ints, successes_B: Floats, trials_B: Floats) -> None:
    odd = np.flatnonzero((trials_B > _MOST_TRIALS) | (trials_B > 0) & (trials_B < 1 / _MOST_TRIALS))
    if odd.size:
        raise ValueError(
            f"group {odd[0]} (task {task_ids_B[odd[0]]}) has {trials_B[odd[0]]:g} trials; they "
            f"must be 0, or between {1 / _MOST_TRIALS:g} and {_MOST_TRIALS:g}: count rollouts"
        )
    bad = np.flatnonzero((successes_B < 0) | (trials_B < 0) | (successes_B > trials_B))
    if bad.size:
        b = bad[0]
        raise ValueError(
            f"group {b} (task {task_ids_B[b]}) has {successes_B[b]:g} successes in "
            f"{trials_B[b]:g} trials; counts must satisfy 0 <= successes <= trials: "
            "count rollouts, or scale rewards to [0, 1] before you sum them"
        )


def _like_means(successes_B: Floats, trials_B: Floats) -> bool:
    """Whether these successes could be mean rewards, and cannot be counts."""
    if successes_B.max() > 1 or trials_B.max() <= 1:
        return False
    return bool(((successes_B > 0) & (successes_B < 1)).any())


@cache
def _warn_of_means() -> None:
    warnings.warn(
        "no group has more than 1 success, and some have a part of one: are these mean rewards? "
        "Hand over every rollout's reward with Feedback.from_rewards(task_ids, rewards), or "
        "multiply mean rewards by their trials. If they are sums of fractional rewards, give "
        'their squares too, as from_rewards(..., threshold="fractional") does',
        UserWarning,
        stacklevel=4,  # this function, __post_init__, __init__, the caller
    )


def _check_squares(
    task_ids_B: Ints, successes_B: Floats, trials_B: Floats, squares_B: Floats
) -> None:
    lowest_B = successes_B * (successes_B / np.where(trials_B > 0, trials_B, 1))
    low_B, high_B = (1 - _ROUNDING) * lowest_B, (1 + _ROUNDING) * successes_B
    bad = np.flatnonzero((squares_B < low_B) | (squares_B > high_B))
    if bad.size:
        b = bad[0]
        raise ValueError(
            f"group {b} (task {task_ids_B[b]}) has squares {squares_B[b]:g}; those of "
            f"{trials_B[b]:g} rewards in [0, 1] with sum {successes_B[b]:g} lie in "
            f"[{lowest_B[b]:g}, {successes_B[b]:g}]: sum the squared rewards of the same rollouts"
        )


def _check_tokens(task_ids_B: Ints, tokens_B: Floats) -> None:
    bad = np.flatnonzero((tokens_B < 0) | (tokens_B > _MOST_TOKENS))
    if bad.size:
        b = bad[0]
        raise ValueError(
            f"group {b} (task {task_ids_B[b]}) took {tokens_B[b]:g} tokens; they must lie in "
            f"[0, {_MOST_TOKENS:g}]: leave tokens out where they are not known"
        )


def _checked_versions(policy: object, current: object) -> tuple[float | None, float | None]:
    if policy is None and current is None:
        return None, None
    if policy is None or current is None:
        raise ValueError(
            f"policy_version is {policy} and current_version is {current}; age needs both: give "
            "both, or neither"
        )
    before = checks.number("policy_version", policy, 0, LATEST_VERSION)
    after = checks.number("current_version", current, 0, LATEST_VERSION)
    if after < before:
        raise ValueError(
            f"current_version is {after:g}, policy_version {before:g}; rollouts cannot come from a "
            "policy newer than the trainer's: swap them, or count both in the same unit"
        )
    return before, after

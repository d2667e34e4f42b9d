"""What can be asked of a saved selector that holds beliefs about its tasks."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from bots._types import Floats, Ints

LARGEST_GROUP = 1e5  # a chance of an informative group costs a step per rollout


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Beliefs p ~ Beta(alpha, beta), each about one or more tasks; removed tasks left out.

    A live selector believes the same of all unvisited tasks of a class, so that figures over ten
    million tasks need a few thousand points.

    Attributes:
        alpha_X: pseudo-counts of success, > 0.
        beta_X: likewise of failure.
        count_X: tasks that the belief is about, >= 0.
        domain_X: positions in the view's `domains_D`.
        cost_X: relative expected tokens, >= 1.
    """

    alpha_X: Floats
    beta_X: Floats
    count_X: Ints
    domain_X: Ints
    cost_X: Floats

    @property
    def rates_X(self) -> Floats:
        """Posterior means."""
        return self.alpha_X / self.sizes_X

    @property
    def sizes_X(self) -> Floats:
        """Effective sample sizes alpha + beta."""
        return self.alpha_X + self.beta_X


@dataclass(frozen=True, slots=True, eq=False)
class Visits:
    """When tasks were measured.

    Attributes:
        now: the policy version.
        last_N: policy version at each task's last visit; -inf: never, NaN: the task was removed.
    """

    now: float
    last_N: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What the selector would choose next.

    Attributes:
        task_ids_B: positions in the pool.
        inclusion_B: the probability with which each was chosen; None: not known.
    """

    task_ids_B: Ints
    inclusion_B: Floats | None


class AbstractView(ABC):
    """A selector's state, opened for reading. Nothing that is asked of it changes it."""

    @property
    @abstractmethod
    def domains_D(self) -> tuple[str, ...]:
        """The domains' labels; one empty label where there are none."""

    @property
    @abstractmethod
    def points(self) -> Points:
        """All beliefs."""

    @property
    @abstractmethod
    def group_size(self) -> float:
        """Rollouts per task to be expected."""

    @property
    @abstractmethod
    def batch_size(self) -> int:
        """The size of the last batch that was chosen, else 32; never more than there are tasks."""

    @property
    @abstractmethod
    def assumed(self) -> tuple[str, ...]:
        """Of `group size` and `batch size`, those that the state does not say."""

    @abstractmethod
    def changed(self) -> dict[str, object]:
        """Settings that differ from the defaults."""

    @abstractmethod
    def standing(self) -> dict[str, float]:
        """Where the selector stands: clock, pool, what is in flight; by the names of `metrics`."""

    @abstractmethod
    def learned(self) -> dict[str, float]:
        """What it has learned besides beliefs, by the names of `metrics`."""

    @abstractmethod
    def pseudo_counts(self, task_ids: Ints) -> tuple[Floats, Floats]:
        """Alpha and beta of these tasks."""

    @abstractmethod
    def domains(self, task_ids: Ints) -> Ints:
        """The domain of each of these tasks."""

    @abstractmethod
    def members(self, point: int, at_most: int) -> Ints:
        """Tasks that a point is about, the first ones by position."""

    @abstractmethod
    def visits(self) -> Visits | None:
        """When tasks were measured; None: it does not remember."""

    @abstractmethod
    def next_batch(self, batch_size: int) -> Batch:
        """The next draw, with a copy of the saved random numbers.

        Raises:
            ValueError: when there are not that many tasks to choose from.
        """

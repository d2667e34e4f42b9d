"""The interface of everything that chooses tasks."""

from abc import ABC, abstractmethod
from typing import Any

from bots._types import Floats, Ints
from bots.feedback import Feedback


class AbstractSelector(ABC):
    """Chooses the tasks of the next batch, and learns from how their rollouts went.

    The contract, which `tests/contract/test_selectors.py` checks for every selector: `select`
    returns distinct positions; equal state, pool and generator give equal choices; a call that
    raises changes nothing; `state_dict` followed by `load_state_dict` on a fresh object continues
    bit for bit. A selector owns its `numpy.random.Generator` and is not safe to share between
    threads.
    """

    @abstractmethod
    def select(self, batch_size: int, exclude: Ints | None = None) -> Ints:
        """Positions of the tasks to roll out next, shape (B,), distinct, in no particular order.

        Args:
            batch_size: B.
            exclude: positions of tasks that must not be chosen now, because they are not in the
                pool yet, have left it or are still in flight; repeats are allowed. None: no task.

        Raises:
            ValueError: when `batch_size` is not between 1 and the number of tasks, an excluded
                position is outside the pool, or fewer than `batch_size` tasks are left.
        """

    @abstractmethod
    def update(self, feedback: Feedback) -> None:
        """Learns from the rollouts of one training step; call it once per feedback, oldest first.

        That is once per step where feedback is prompt. Where it is late, a step brings that of
        earlier steps, or none.

        Raises:
            ValueError: when a task is not in the pool.
        """

    @abstractmethod
    def solve_rates(self) -> Floats | None:
        """Expected solve rate of every task, shape (N,); None when it keeps no belief."""

    def forward_passes(self) -> int:
        """How many prompts it has had a model read so far, apart from rollouts; they are charged.

        One per task whose embedding it uses, one per task that a value model judges, and so on. 0,
        unless a selector says otherwise.
        """
        return 0

    @abstractmethod
    def metrics(self) -> dict[str, float]:
        """Figures to log; may cost a pass over the pool."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """A copy of everything that later choices depend on, as JSON values and NumPy arrays."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts back what `state_dict` returned.

        Raises:
            ValueError: for state of another selector, version or pool, or damaged state.
        """

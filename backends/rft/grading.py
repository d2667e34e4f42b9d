"""From completions to rewards."""

from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np

from backends.rft.policy import Policy
from backends.rft.rollouts import Completion
from backends.rft.tasks import Task
from backends.rft.verifiers import VERIFIERS, AbstractVerifier, VerifierError
from bots._types import Floats


class Grader:
    """Asks each task's verifier. One that fails is counted, and its rollout is lost, not wrong.

    A completion that was cut off at the longest length is a failure, without asking.

    Args:
        policy: its tokenizer turns tokens into text.
        tasks: every task that will be graded; their verifiers are started, their answers checked.

    Raises:
        ValueError: for an unknown verifier, or an answer that it cannot compare with.
    """

    def __init__(self, policy: Policy, tasks: Sequence[Task]) -> None:
        self._policy = policy
        self._failures = 0
        self._stack = ExitStack()
        self._verifiers: dict[str, AbstractVerifier] = {}
        for task in tasks:
            if task.verifier not in VERIFIERS:
                raise ValueError(
                    f"task {task.key!r} names the verifier {task.verifier!r}; it must be one of "
                    f"{', '.join(VERIFIERS)}"
                )
            if task.verifier not in self._verifiers:
                verifier = VERIFIERS[task.verifier]()
                self._stack.callback(verifier.close)
                self._verifiers[task.verifier] = verifier
            self._check(task)

    @property
    def failures(self) -> int:
        """How often a verifier could not decide."""
        return self._failures

    def rewards(self, task: Task, completions_G: Sequence[Completion]) -> Floats:
        """Shape (G,), in [0, 1], NaN where the verifier failed; equal texts are graded once."""
        known: dict[str, float] = {}
        rewards_G = np.zeros(len(completions_G))
        for g, completion in enumerate(completions_G):
            if completion.finish_reason != "stop":
                continue
            text = self._policy.decode(completion.token_ids_T)
            if text not in known:
                known[text] = self._score(task, text)
            rewards_G[g] = known[text]
            self._failures += bool(np.isnan(rewards_G[g]))
        return rewards_G

    def close(self) -> None:
        """Ends the verifiers."""
        self._stack.close()

    def _check(self, task: Task) -> None:
        try:
            self._verifiers[task.verifier].check(task.answer)
        except ValueError as error:
            self.close()
            raise ValueError(f"the answer of task {task.key!r} cannot be used: {error}") from None

    def _score(self, task: Task, text: str) -> float:
        try:
            return self._verifiers[task.verifier].score(text, task.answer)
        except VerifierError:
            return float("nan")

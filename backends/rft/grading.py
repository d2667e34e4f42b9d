"""From completions to rewards."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from queue import SimpleQueue

import numpy as np

from backends.rft.policy import Policy
from backends.rft.rollouts import Completion
from backends.rft.tasks import Task
from backends.rft.verifiers import VERIFIERS, AbstractVerifier, VerifierError
from backends.rft.verifiers.exact import ExactVerifier
from bots._types import Floats


class Grader:
    """Asks each task's verifier. Where one fails, the rollout is lost: NaN, not a wrong answer.

    A completion that was cut off at the longest length is a failure, without asking. Several tasks
    are judged at the same time, each by a verifier of its own, whose waiting for a child process
    would add up otherwise; the rewards are the same.

    Args:
        policy: its tokenizer turns tokens into text.
        tasks: every task that will be graded; their answers are checked.
        workers: how many are judged at the same time.

    Raises:
        ValueError: for an unknown verifier, or an answer that it cannot compare with.
    """

    def __init__(self, policy: Policy, tasks: Sequence[Task], workers: int = 4) -> None:
        self._policy = policy
        self._stack = ExitStack()
        self._threads = self._stack.enter_context(ThreadPoolExecutor(workers))
        self._idle: dict[str, SimpleQueue[AbstractVerifier]] = {}
        self._quick = True
        with ExitStack() as undo:
            undo.callback(self.close)
            for task in tasks:
                if task.verifier not in self._idle:
                    self._start(task, workers)
                self._check(task)
            undo.pop_all()

    def rewards(
        self, tasks: Sequence[Task], completions_BG: Sequence[Sequence[Completion]]
    ) -> Floats:
        """Shape (B, G), in [0, 1]; equal texts of a group are judged once."""
        judge = map if self._quick else self._threads.map
        return np.array(list(judge(self._group, tasks, completions_BG)))

    def close(self) -> None:
        """Ends the verifiers."""
        self._stack.close()

    def _start(self, task: Task, workers: int) -> None:
        if task.verifier not in VERIFIERS:
            raise ValueError(
                f"task {task.key!r} names the verifier {task.verifier!r}; it must be one of "
                f"{', '.join(VERIFIERS)}"
            )
        self._idle[task.verifier] = SimpleQueue()
        for _ in range(workers):
            verifier = VERIFIERS[task.verifier]()
            self._stack.callback(verifier.close)
            self._idle[task.verifier].put(verifier)
            self._quick = self._quick and isinstance(verifier, ExactVerifier)

    def _check(self, task: Task) -> None:
        verifier = self._idle[task.verifier].get()
        try:
            verifier.check(task.answer)
        except ValueError as error:
            raise ValueError(f"the answer of task {task.key!r} cannot be used: {error}") from None
        finally:
            self._idle[task.verifier].put(verifier)

    def _group(self, task: Task, completions_G: Sequence[Completion]) -> Floats:
        verifier = self._idle[task.verifier].get()
        try:
            return self._judged(verifier, task, completions_G)
        finally:
            self._idle[task.verifier].put(verifier)

    def _judged(
        self, verifier: AbstractVerifier, task: Task, completions_G: Sequence[Completion]
    ) -> Floats:
        known: dict[str, float] = {}
        rewards_G = np.zeros(len(completions_G))
        for g, completion in enumerate(completions_G):
            if completion.finish_reason != "stop":
                continue
            text = self._policy.decode(completion.token_ids_T)
            if text not in known:
                known[text] = _score(verifier, task, text)
            rewards_G[g] = known[text]
        return rewards_G


def _score(verifier: AbstractVerifier, task: Task, text: str) -> float:
    try:
        return verifier.score(text, task.answer)
    except VerifierError:
        return float("nan")

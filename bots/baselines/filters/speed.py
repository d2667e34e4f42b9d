"""SPEED: a few rollouts screen a task, and only promising ones get the rest of theirs."""

import numpy as np

from bots import checks
from bots._types import Ints
from bots.baselines.filters.rounds import measured_rates
from bots.collector import AbstractCollector, Collected, Gathering
from bots.rollouts import RolloutBatch


class Screening(AbstractCollector):
    """Screens candidates with few rollouts, and completes the groups of those in between.

    A candidate gets `initial` rollouts. When they show low < p < high, p being their mean reward,
    it is accepted and waits; in a later round it gets the rest of its group, G - `initial`
    rollouts, and all of them are trained on as one group. One round does both at once: it completes
    the longest waiting, as many as the batch still lacks, and screens `oversample` x B new
    candidates, unless B others are waiting already. Rounds end when B groups are complete, so that
    the first step has two, and a step in the steady state one. Accepted groups that are not
    completed are held for the next step; their first rollouts are then as old as that.

    Source: arXiv 2506.09016 and its released code. The paper was withdrawn by its first author in
    March 2026; the code stands.
    Cost: with P the chance of acceptance, `initial` / P + G - `initial` rollouts per group that is
    trained on, all charged, against G / P where whole groups are rolled out first.
    Defaults: 4 rollouts first and 4 candidates per place of the batch, as in the 7B script (4 + 20
    rollouts, 64 candidates for 16 places); limits of 0 and 1; at most 50 rounds.
    Differences: the code screens in every round and lets steps pass without any generation while
    enough groups are complete; here every step generates, so screening pauses instead. It completes
    all that wait and holds the surplus complete, which costs the same and makes older rollouts.
    When rounds run out, it stops the run, this trains on what is complete. Accepted tasks that
    leave the pool are dropped; a task that waits, or is completed in this step, is not accepted
    again.

    Args:
        num_tasks: in the pool; a round never screens more candidates than can be rolled out.
        initial: rollouts of the screening, at least 2; never more than half a group. A group has as
            many rollouts as whole multiples of it fit into G.
        oversample: candidates of a round in units of B, positive.
        low: in [0, 1].
        high: in [`low`, 1].
        max_rounds: at least 2.
    """

    def __init__(
        self,
        num_tasks: int,
        initial: int = 4,
        oversample: float = 4.0,
        low: float = 0.0,
        high: float = 1.0,
        max_rounds: int = 50,
    ) -> None:
        self._num_tasks = checks.integer("num_tasks", num_tasks, 1)
        self._initial = checks.integer("initial", initial, 2)
        self._oversample = checks.number("oversample", oversample, np.nextafter(0.0, 1.0))
        self._low = checks.number("low", low, 0, 1)
        self._high = checks.number("high", high, self._low, 1)
        self._max_rounds = checks.integer("max_rounds", max_rounds, 2)

    def collect(self, step: Gathering) -> Collected:
        """All parts of up to B complete groups, to be joined; the accepted ones are held."""
        size = min(self._initial, max(step.group_size // 2, 2), step.group_size)
        more = step.group_size // size - 1
        waiting, seen = self._still_there(step), step.num_held  # place by task, oldest first
        train: list[Ints] = []
        done: list[int] = []
        for _ in range(self._max_rounds):
            due = list(waiting)[: step.batch_size - len(done)]
            done += due
            first = np.array([waiting.pop(task) for task in due], dtype=np.int64)
            screens = len(waiting) < step.batch_size or more == 0
            fresh = self._candidates(step) if screens else first[:0]
            rest = np.repeat(np.array(due, dtype=np.int64), more)
            batch = step.rollout(np.concatenate([fresh, rest]), size)
            train += [first, seen + fresh.size + np.arange(rest.size)]
            accepted = self._accepted(batch, fresh.size)
            for task, place in zip(fresh[accepted].tolist(), accepted.tolist(), strict=True):
                if task not in done:
                    waiting.setdefault(task, seen + place)
            seen += batch.num_groups
            if len(done) == step.batch_size:
                break
        hold = np.array(list(waiting.values()), dtype=np.int64)
        return Collected(np.concatenate(train), hold, joined=True)

    def _candidates(self, step: Gathering) -> Ints:
        """New tasks to screen."""
        there = self._num_tasks - np.unique(step.absent).size
        return step.select(min(max(round(self._oversample * step.batch_size), 1), there))

    def _accepted(self, batch: RolloutBatch, screened: int) -> Ints:
        """Which of the first groups show both successes and failures, within the limits."""
        rates_B = measured_rates(batch)
        fit_B = batch.informative_B & (rates_B > self._low) & (rates_B < self._high)
        return np.flatnonzero(fit_B[:screened])

    def _still_there(self, step: Gathering) -> dict[int, int]:
        """Places of the groups that are held, by task; those of absent tasks are left out."""
        if step.held is None:
            return {}
        absent = set(step.absent.tolist())
        tasks = step.held.task_ids_B.tolist()
        return {task: place for place, task in enumerate(tasks) if task not in absent}
